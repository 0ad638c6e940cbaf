"""Senders on a real broker against the sandbox's providers: each message goes out once, and its event says so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest
from sender_stage import Stage, make_stage

from services.runtime.settings import Settings

MakeStage = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture
def staged(settings: Settings, tmp_path: Path) -> MakeStage:
    return partial(make_stage, settings, tmp_path)


@pytest.mark.parametrize("channel", ["email", "sms", "whatsapp"])
async def test_each_message_goes_out_once(staged: MakeStage, channel: str) -> None:
    """Every message of a send topic is accepted once by the provider and told by one accepted event."""
    async with staged(channel) as stage, stage.sender():
        messages = [stage.message() for _ in range(500)]
        await stage.route(messages)
        await stage.settled(500)
        assert stage.statuses() == {"accepted": 500}
        assert set(stage.received().values()) == {1}
        assert len(stage.received()) == 500
        event = stage.events[0]
        assert (event.source, event.provider, event.cost_micros) == ("sender", stage.account.provider, 900)
        assert event.provider_message_id
