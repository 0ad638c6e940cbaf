"""A person's events by pages: none left out, none twice, whatever of them the ledger holds twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.console.core.events import NEWEST, OLDEST, Place, distinct, following

START = datetime(2026, 11, 1, tzinfo=UTC)
EVENT = st.tuples(st.integers(0, 4), st.integers(1, 6), st.integers(1, 3))
KEPT = st.lists(EVENT, max_size=25, unique_by=lambda event: event[1:])
"""Each event's moment, step and attempt."""


def raw(kept: list[tuple[int, int, int]], twice: list[bool], newest_first: bool) -> list[dict[str, Any]]:
    """Rows as the ledger gives them, in its order, some of them twice."""
    rows = [
        {"campaign_id": "c", "step": step, "attempt": attempt, "status": "read", "source": "sendgrid", "machine": False,
         "occurred_at": START + timedelta(milliseconds=moment)}
        for (moment, step, attempt), again in zip(kept, twice, strict=False) for _ in range(2 if again else 1)
    ]  # fmt: skip
    rows.sort(key=lambda row: (row["step"], row["attempt"]))
    return sorted(rows, key=lambda row: row["occurred_at"], reverse=newest_first)


@given(KEPT, st.lists(st.booleans(), min_size=25, max_size=25), st.integers(1, 5), st.booleans())
def test_every_event_is_on_exactly_one_page(
    kept: list[tuple[int, int, int]], twice: list[bool], size: int, newest_first: bool
) -> None:
    rows = raw(kept, twice, newest_first)
    place, seen = (NEWEST if newest_first else OLDEST), list[dict[str, Any]]()
    while True:
        moment = datetime.fromtimestamp(place.at_ms / 1000, UTC)
        rest = [row for row in rows if (row["occurred_at"] <= moment if newest_first else row["occurred_at"] >= moment)]
        page = distinct(rest)[place.skip : place.skip + size]
        if not page:
            break
        seen += page
        place = following(page, place)
    assert seen == distinct(rows)
    assert len(seen) == len(kept)


def test_a_page_that_ends_within_a_moment_says_how_many_of_it_were_shown() -> None:
    page = [{"occurred_at": START + timedelta(milliseconds=at)} for at in (0, 1, 1)]
    at_ms = round(START.timestamp() * 1000) + 1
    assert following(page, OLDEST) == Place(at_ms, 2)
    assert following(page[1:], Place(at_ms, 2)) == Place(at_ms, 4)
