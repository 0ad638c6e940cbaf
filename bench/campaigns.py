"""A campaign on a whole installation: launched, watched and steered over REST, as upstream systems do it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from bench.stage import Whole

Stats = dict[str, Any]
PATIENCE_S, LOOK_S = 240.0, 0.1


class Desk:
    def __init__(self, stage: Whole, rest: httpx.AsyncClient) -> None:
        self.stage, self.rest = stage, rest

    async def launch(self, campaign: dict[str, Any]) -> datetime:
        """Returns when it was accepted."""
        return _accepted(await self.rest.post("/campaigns", json=campaign, params={"launch": "true"}))

    async def order(self, campaign_id: str, verb: str) -> datetime:
        """Returns when it was accepted."""
        return _accepted(await self.rest.post(f"/campaigns/{campaign_id}/{verb}", json={}))

    async def stats(self, campaign_id: str) -> Stats:
        response = await self.rest.get(f"/campaigns/{campaign_id}/stats")
        response.raise_for_status()
        return dict(response.json())

    async def until(self, campaign_id: str, condition: Callable[[Stats], bool]) -> Stats:
        async with asyncio.timeout(PATIENCE_S):
            while not condition(stats := await self.stats(campaign_id)):
                await asyncio.sleep(LOOK_S)
        return stats

    async def set_world(self, **knobs: Any) -> None:
        """The sandbox's, on top of the world `bench`: no callbacks, no journal."""
        response = await self.rest.put(f"{self.stage.sandbox_url}/sandbox/world", json={"name": "bench"} | knobs)
        response.raise_for_status()

    async def received_count(self) -> int:
        """Messages that the sandbox's providers took so far, of all campaigns."""
        response = await self.rest.get(f"{self.stage.sandbox_url}/messages/count")
        return int(response.json()["count"])

    async def received(self, campaign_id: str, since: datetime | None = None) -> list[datetime]:
        """When the sandbox's providers took each message of a campaign, in order."""
        parameters = {"campaign": campaign_id} | ({"since": since.isoformat()} if since else {})
        response = await self.rest.get(f"{self.stage.sandbox_url}/messages", params=parameters)
        response.raise_for_status()
        lines = response.content.splitlines()
        return sorted(datetime.fromisoformat(line[16 : line.index(b'"', 16)].decode()) for line in lines)


def sent(stats: Stats) -> int:
    """Messages that providers took."""
    return sum(int(channel["sent"]) for channel in stats["by_channel"].values())


def _accepted(response: httpx.Response) -> datetime:
    if response.is_error:
        raise RuntimeError(f"refused: {response.text[:500]}")
    answer = response.json()
    if answer["status"] != "accepted":
        raise RuntimeError(f"refused: {answer}")
    return datetime.fromisoformat(answer["at"])
