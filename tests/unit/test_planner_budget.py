"""A budget is a hard cap: whatever is asked for, spent or given back, spent + reserved never exceeds it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from schemas import CampaignRecord
from services.domain.campaigns import Caps, caps_of
from services.planner.core.budget import Books, fitting

NOW = "2026-11-21T09:00:00Z"


def test_shares_are_percent_of_the_total_or_amounts() -> None:
    steps = [{"channel": channel, "account": "default", "content": {}} for channel in ("email", "sms")]
    record = CampaignRecord.model_validate(
        {
            "campaign_id": "c", "brand": "default", "name": "c", "status": "active", "epoch": 1, "steps": steps,
            "created_at": NOW, "updated_at": NOW,
            "budget": {"total": "500.00", "allocation": {"email": "40%", "sms": "12.5"}},
        }
    )  # fmt: skip
    assert caps_of(record) == Caps(500_000_000, {"email": 200_000_000, "sms": 12_500_000}, ("email", "sms"))
    assert caps_of(record.model_copy(update={"budget": None})) is None


def test_a_channel_is_bounded_by_its_share_and_by_the_total() -> None:
    books, caps = Books(), Caps(100, {"sms": 60}, ("email", "sms", "sms"))
    books.ask(2, 30)
    books.ask(3, 20)
    assert books.left(caps, 2) == 10
    books.ask(1, 45)
    assert books.left(caps, 2) == 5


def test_over_budget_is_decided_only_when_nothing_is_outstanding() -> None:
    assert fitting([5, 5], 4, decide=False) == (0, 0)
    assert fitting([5, 5], 4, decide=True) == (2, 0)


def test_who_fits_behind_somebody_too_dear_is_still_asked_for() -> None:
    assert fitting([9, 3, 3], 5, decide=True) == (1, 1)


def test_a_barrier_releases_what_cost_less_and_keeps_what_was_asked_for_meanwhile() -> None:
    books = Books()
    books.ask(1, 50)
    books.begin_barrier()
    books.ask(1, 7)
    books.end_barrier(Counter({1: 10}), Counter({1: 20}))
    assert (books.spent[1], books.reserved(1)) == (10, 27)


@given(st.integers(0, 2_000), st.lists(st.tuples(st.integers(1, 50), st.integers(0, 40), st.booleans()), max_size=40))
def test_spent_and_reserved_never_exceed_the_cap(total: int, rounds: list[tuple[int, int, bool]]) -> None:
    """Each round asks for as many as are affordable; a barrier then finds that each cost at most its reserve."""
    books, caps, spent = Books(), Caps(total, {}, ("sms",)), 0
    for unit, wanted, barrier in rounds:
        _, count = fitting([unit] * wanted, books.left(caps, 1), decide=not books.outstanding)
        books.ask(1, count * unit)
        assert books.spent[1] + books.reserved(1) <= total
        if barrier:
            spent += (books.reserved(1) + 1) // 2
            books.begin_barrier()
            books.end_barrier(Counter({1: spent}), Counter())
    assert books.spent[1] + books.reserved(1) <= total
