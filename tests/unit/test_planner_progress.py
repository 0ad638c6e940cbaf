"""Pages of a step: each is noted before it is written, none is skipped, and the last one ends the step."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from schemas import CampaignId, CampaignRecord, CampaignStatus, FrozenAudience, StepProgress
from services.planner.core.budget import PageMoney
from services.planner.core.progress import page_finished, page_reserved

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def campaign(people: int) -> CampaignRecord:
    return CampaignRecord(
        campaign_id="c", brand="default", name="N", status=CampaignStatus.ACTIVE, epoch=3, steps=[],
        audience=FrozenAudience(snapshot_id="s", count=people), created_at=NOW, updated_at=NOW,
    )  # fmt: skip


@given(st.integers(0, 50), st.lists(st.integers(1, 20), min_size=60, max_size=60))
def test_pages_cover_every_ordinal_once_and_then_the_step_is_expanded(people: int, counts: list[int]) -> None:
    record = campaign(people)
    progress = StepProgress(campaign_id=CampaignId("c"), step=1, epoch=0, updated_at=NOW)
    asked: list[int] = []
    for count in counts:
        if progress.expanded_at is not None:
            break
        progress = page_reserved(progress, record, count, PageMoney(10 * count, 10), NOW)
        assert progress.epoch == record.epoch
        if progress.page is not None:
            asked += range(progress.page.first, progress.page.last + 1)
        progress = page_finished(progress, record, NOW)
        assert progress.page is None
    assert asked == list(range(people))
    assert (progress.cursor, progress.expanded_at) == (people, NOW)


def test_the_highest_reserve_of_a_message_is_kept() -> None:
    progress = StepProgress(campaign_id=CampaignId("c"), step=1, epoch=0, updated_at=NOW, highest_reserve_micros=90)
    assert page_reserved(progress, campaign(9), 5, PageMoney(100, 20), NOW).highest_reserve_micros == 90
    assert page_reserved(progress, campaign(9), 5, PageMoney(100, 95), NOW).highest_reserve_micros == 95
