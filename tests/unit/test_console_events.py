"""A person's events by pages: none left out, none twice, whatever of them the ledger holds twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.console.core.events import NEWEST, OLDEST, behind, following

START = datetime(2026, 11, 1, tzinfo=UTC)
ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5), st.integers(1, 3)), max_size=30)
"""Each row's moment, step and attempt; the same step and attempt again is the same event told again."""


def ledger(told: list[tuple[int, int, int]], newest_first: bool) -> list[dict[str, Any]]:
    """Rows as ClickHouse gives them, in its order."""
    rows = [
        {"campaign_id": "c", "step": step, "attempt": attempt, "status": "read", "source": "sendgrid", "machine": False,
         "occurred_at": START + timedelta(milliseconds=moment)}
        for moment, step, attempt in told
    ]  # fmt: skip
    rows.sort(key=lambda row: (row["step"], row["attempt"]))
    return sorted(rows, key=lambda row: row["occurred_at"], reverse=newest_first)


def pages(rows: list[dict[str, Any]], size: int, newest_first: bool) -> list[list[dict[str, Any]]]:
    place, found = (NEWEST if newest_first else OLDEST), list[list[dict[str, Any]]]()
    while True:
        moment = datetime.fromtimestamp(place.at_ms / 1000, UTC)
        rest = [row for row in rows if (row["occurred_at"] <= moment if newest_first else row["occurred_at"] >= moment)]
        events = behind(rest, place)
        assert events is not None, "the last event that was shown is among those from its moment on"
        if not events:
            return found
        found.append(events[:size])
        place = following(events[:size])


def name(event: dict[str, Any]) -> tuple[int, int]:
    return event["step"], event["attempt"]


@given(ROWS, st.integers(1, 5), st.booleans())
def test_every_event_is_shown_and_on_no_page_twice(
    told: list[tuple[int, int, int]], size: int, newest_first: bool
) -> None:
    rows = ledger(told, newest_first)
    found = pages(rows, size, newest_first)
    assert {name(event) for page in found for event in page} == {name(row) for row in rows}
    for page in found:
        assert len({name(event) for event in page}) == len(page)


@given(ROWS.filter(lambda told: len({each[1:] for each in told}) == len(told)), st.integers(1, 5), st.booleans())
def test_what_was_told_once_is_shown_once(told: list[tuple[int, int, int]], size: int, newest_first: bool) -> None:
    rows = ledger(told, newest_first)
    assert [event for page in pages(rows, size, newest_first) for event in page] == rows


def test_an_event_beside_one_that_was_told_twice_is_shown_once() -> None:
    first, again, beside, last = ledger([(0, 1, 1), (1, 1, 1), (1, 2, 1), (1, 3, 1)], newest_first=False)
    assert [again["step"], beside["step"]] == [1, 2]
    assert pages([first, again, beside, last], 2, newest_first=False) == [[first, beside], [last]]


def test_more_has_to_be_asked_for_where_the_last_that_was_shown_does_not_come() -> None:
    rows = ledger([(1, 1, 1), (1, 2, 1), (1, 3, 1)], newest_first=False)
    assert behind(rows[:2], following(rows)) is None
