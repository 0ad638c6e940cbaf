"""What holds of all that somebody said, as the router judges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from services.console.core.consents import each_once, standing

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def word(channel: str, state: str, hours: float, reason: str = "", purpose: str = "marketing") -> dict[str, Any]:
    at = NOW + timedelta(hours=hours)
    return {
        "channel": channel, "purpose": purpose, "state": state, "reason": reason, "at": at, "source": "s", "proof": "p",
        "told_at": at,
    }  # fmt: skip


def holds(*words: dict[str, Any]) -> dict[str, str]:
    return {each["channel"]: each["state"] for each in standing(words)}


def test_the_newest_word_on_a_channel_counts_and_at_a_tie_the_no() -> None:
    assert holds(word("sms", "opted_in", 0), word("sms", "opted_out", 1)) == {"sms": "opted_out"}
    assert holds(word("sms", "opted_out", 0), word("sms", "opted_in", 1)) == {"sms": "opted_in"}
    assert holds(word("sms", "opted_in", 0), word("sms", "opted_out", 0)) == {"sms": "opted_out"}


def test_a_no_to_all_is_lifted_by_a_yes_to_all_alone() -> None:
    assert holds(word("all", "opted_out", 0), word("sms", "opted_in", 1))["sms"] == "opted_out"
    lifted = holds(word("all", "opted_out", 0), word("sms", "opted_in", 1), word("all", "opted_in", 2))
    assert (lifted["sms"], lifted["email"]) == ("opted_in", "opted_in")
    assert holds(word("sms", "opted_out", 0), word("all", "opted_in", 1))["sms"] == "opted_out"


def test_nothing_lifts_an_erasure() -> None:
    assert holds(word("all", "opted_out", 0, "erased"), word("all", "opted_in", 1))["push"] == "opted_out"


def test_purposes_stand_side_by_side() -> None:
    said = standing([word("sms", "opted_out", 0, purpose="news"), word("sms", "opted_in", 0)])
    assert [(each["purpose"], each["state"]) for each in said] == [("marketing", "opted_in"), ("news", "opted_out")]


def test_a_word_that_was_told_twice_is_there_once_since_it_was_first_told() -> None:
    first, again = word("sms", "opted_in", 0), word("sms", "opted_in", 0)
    again["told_at"] = NOW + timedelta(days=1)
    assert [each["told_at"] for each in each_once([again, first])] == [NOW]
