"""What `peal campaign` prints."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from services.cli.campaign import campaign_table

ITEM = {
    "campaign_id": "01JD4Z7W3K8Y5V6T2N9QRCBX11", "name": "Summer reminder to all our friends in Pune",
    "status": "completed", "channels": ["email", "sms", "whatsapp", "social"], "audience": 1_234_567,
    "created_at": "2026-11-21T09:00:00.000Z",
}  # fmt: skip


@pytest.mark.parametrize("width", [80, 100, 200])
def test_a_list_of_campaigns_cuts_nothing_off_on_a_narrow_terminal(width: int) -> None:
    console = Console(file=io.StringIO(), width=width)
    console.print(campaign_table([ITEM, ITEM | {"name": "[b]", "audience": None, "campaign_id": "spring"}]))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "2026-11-21 09:00" in text
    assert "1,234,567" in text
    assert "completed" in text
    assert ITEM["campaign_id"] in text
    assert "…" not in text
    letters = "".join(text.split())
    assert all(word in letters for word in ("whatsapp", "friends", "[b]"))
    assert max(map(len, text.splitlines())) <= width
