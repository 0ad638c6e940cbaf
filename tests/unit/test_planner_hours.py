"""Who may be asked for now: quiet hours, own clocks and best hours, by groups of people who are alike."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import CampaignRecord
from services.domain.schedule import NO_HOUR, Quiet, is_quiet
from services.planner.core.hours import (
    Group,
    StepHours,
    Timing,
    group_hours,
    in_person,
    may_hold,
    timing_of,
)

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
WEEK = timedelta(days=7)
NIGHT = Quiet(time(21), time(9))
KOLKATA, BERLIN = Group("Asia/Kolkata"), Group("Europe/Berlin")
QUIET_NIGHTS = {"quiet_hours": {"from": "21:00", "to": "09:00"}}
SECOND = timedelta(seconds=1)


def record(*steps: dict[str, object], **changes: object) -> CampaignRecord:
    made = [{"channel": "email", "account": "default", "content": {}} | step for step in steps or ({},)]
    return CampaignRecord.model_validate(
        {
            "campaign_id": "c", "brand": "default", "name": "c", "status": "active", "epoch": 1, "created_at": NOW,
            "updated_at": NOW, "launched_at": NOW, "zone": "America/New_York", "steps": made,
        } | changes
    )  # fmt: skip


def at(hour: int, minute: int = 0, day: int = 21, zone: str = "Asia/Kolkata") -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)


class TestWhatHolds:
    def test_a_campaign_at_a_fixed_time_without_quiet_hours_holds_nobody(self) -> None:
        plain = record(schedule={"at": "2026-11-21T10:00", "zone": "UTC"})
        assert timing_of(plain, 1, NOW) is None
        assert not may_hold(plain)

    def test_a_transactional_campaign_keeps_no_quiet_hours(self) -> None:
        assert timing_of(record(limits=QUIET_NIGHTS, kind="transactional"), 1, NOW) is None

    def test_everybodys_own_clock_counts_for_the_first_message_and_all_that_go_with_it(self) -> None:
        """Later steps are due by the end of the one before; best hours count for each."""
        steps: list[dict[str, object]] = [{}, {"channel": "sms"}, {"channel": "sms", "after_s": 3600}]
        local = record(*steps, schedule={"at": "2026-11-21T10:00", "zone": "UTC", "mode": "local"})
        walls = [timing.wall if timing else None for timing in (timing_of(local, n, NOW) for n in (1, 2, 3))]
        assert walls == [datetime(2026, 11, 21, 10), datetime(2026, 11, 21, 10), None]
        best = record(*steps, schedule={"at": "2026-11-21T10:00", "zone": "UTC", "mode": "best_time"})
        assert all(timing is not None and timing.best for timing in (timing_of(best, n, NOW) for n in (1, 2, 3)))

    def test_people_without_a_zone_keep_the_campaigns(self) -> None:
        timing = timing_of(record(limits=QUIET_NIGHTS), 1, NOW)
        assert timing is not None
        assert timing.zone == "America/New_York"
        assert not group_hours(timing, Group(""), NOW).open, "04:00 there"
        named = record(limits=QUIET_NIGHTS, schedule={"at": "2026-11-21T10:00", "zone": "Europe/Berlin"})
        timing = timing_of(named, 1, NOW)
        assert timing is not None
        assert timing.zone == "Europe/Berlin"


class TestQuietNights:
    def timing(self, **changes: Any) -> Timing:
        return Timing(**({"due": at(22), "expires_after": WEEK, "zone": "UTC", "quiet": NIGHT} | changes))

    def test_whoever_sleeps_is_held_until_the_morning_and_told_why(self) -> None:
        timing = self.timing()
        held = group_hours(timing, KOLKATA, at(22))
        assert (held.open, held.changes_at) == (False, at(9, day=22))
        woken = group_hours(timing, KOLKATA, at(9, day=22))
        assert (woken.open, woken.changes_at) == (True, at(21, day=22))
        assert woken.timing == "held until 09:00 Asia/Kolkata (quiet hours)"

    def test_whoever_is_awake_is_asked_for_without_a_word(self) -> None:
        awake = group_hours(self.timing(), BERLIN, at(22))  # 17:30 there
        assert (awake.open, awake.timing) == (True, "")

    def test_nobody_is_asked_for_so_shortly_before_that_the_message_would_come_too_late(self) -> None:
        timing = self.timing(due=at(20), ahead=timedelta(seconds=30))
        assert group_hours(timing, KOLKATA, at(20)).changes_at == at(21) - 30 * SECOND
        assert group_hours(timing, KOLKATA, at(21) - 31 * SECOND).open
        late = group_hours(timing, KOLKATA, at(21) - 30 * SECOND)
        assert (late.open, late.changes_at) == (False, at(9, day=22))

    def test_at_its_expiry_a_held_message_is_asked_for_so_that_it_is_told_to_be_too_late(self) -> None:
        timing = self.timing(expires_after=timedelta(hours=2))
        assert group_hours(timing, KOLKATA, at(22)).changes_at == at(0, day=22)
        expired = group_hours(timing, KOLKATA, at(0, day=22))
        assert (expired.open, expired.changes_at, expired.expires_at) == (True, None, at(0, day=22))


class TestOwnClocks:
    def test_each_zone_opens_at_its_own_ten_o_clock_and_expires_so_long_after(self) -> None:
        timing = Timing(at(10, zone="Pacific/Kiritimati"), timedelta(hours=6), "UTC", wall=datetime(2026, 11, 21, 10))
        for group in (KOLKATA, BERLIN, Group("America/New_York")):
            ten = at(10, zone=group.zone)
            assert group_hours(timing, group, ten - SECOND).changes_at == ten
            found = group_hours(timing, group, ten)
            assert (found.open, found.expires_at) == (True, ten + timedelta(hours=6))
            assert found.timing == f"10:00 {group.zone}, by the person's own clock"

    def test_where_ten_o_clock_is_over_it_goes_at_once(self) -> None:
        timing = Timing(NOW, WEEK, "UTC", wall=datetime(2026, 11, 21, 10))
        assert group_hours(timing, KOLKATA, NOW).open  # 14:30 there
        assert group_hours(timing, KOLKATA, NOW).timing == ""


class TestBestHours:
    def test_a_persons_own_figures_are_told(self) -> None:
        timing = Timing(NOW, WEEK, "UTC", best=True)
        evening = Group("Asia/Kolkata", 18)
        assert group_hours(timing, evening, NOW).changes_at == at(18)
        words = group_hours(timing, evening, at(18, 5)).timing
        assert in_person(words, 5, 7) == "18:00 Asia/Kolkata, when this person opened 5 of 7 messages"
        assert in_person(words, 0, 0) == "18:00 Asia/Kolkata, the best hour of the brand"

    def test_without_any_hour_it_goes_at_once(self) -> None:
        found = group_hours(Timing(NOW, WEEK, "UTC", best=True), KOLKATA, NOW)
        assert (found.open, found.timing) == (True, "")

    def test_a_best_hour_in_quiet_hours_waits_for_their_end(self) -> None:
        timing = Timing(NOW, WEEK, "UTC", quiet=NIGHT, best=True)
        late = Group("Asia/Kolkata", 23)
        assert group_hours(timing, late, at(23)).changes_at == at(9, day=22)
        assert in_person(group_hours(timing, late, at(9, day=22)).timing, 3, 4) == (
            "23:00 Asia/Kolkata, when this person opened 3 of 4 messages; held until 09:00 Asia/Kolkata (quiet hours)"
        )


zones = st.sampled_from(["UTC", "Asia/Kathmandu", "Europe/Berlin", "America/New_York", "Pacific/Chatham", ""])
walls = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))


def leave_an_hour(quiet: Quiet) -> bool:
    return ((quiet.start.hour - quiet.end.hour) * 60 + quiet.start.minute - quiet.end.minute) % 1440 >= 60


quiets = st.builds(Quiet, walls, walls).filter(leave_an_hour)
starts = st.builds(
    lambda minutes: datetime(2026, 10, 24, tzinfo=UTC) + timedelta(minutes=minutes), st.integers(0, 5000)
)
timings = st.builds(
    Timing, starts, st.sampled_from([timedelta(hours=5), timedelta(days=2)]), st.just("Asia/Kolkata"),
    st.none() | quiets, st.none() | starts.map(lambda moment: moment.replace(tzinfo=None)), st.booleans(),
    st.sampled_from([timedelta(0), timedelta(seconds=10), timedelta(minutes=30)]),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(timings, st.builds(Group, zones, st.integers(NO_HOUR, 23)))
def test_every_group_is_asked_for_in_the_end_and_never_where_its_people_are_asleep(
    timing: Timing, group: Group
) -> None:
    """A planner that looks again whenever it was told to finds an hour for everybody or their expiry; in between
    nothing changes unlooked."""
    now, asked, looks = timing.due, False, 0
    while True:
        found = group_hours(timing, group, now)
        if found.open and now < found.expires_at:
            asked = True
            assert now >= timing.due
            assert timing.quiet is None or not is_quiet(timing.quiet, group.zone or timing.zone, now + timing.ahead)
            assert timing.quiet is None or not is_quiet(timing.quiet, group.zone or timing.zone, now)
        if found.changes_at is None:
            break
        assert now < found.changes_at <= found.expires_at
        between = now + (found.changes_at - now) / 2
        assert group_hours(timing, group, between).open == found.open
        now, looks = found.changes_at, looks + 1
        assert looks < 40
    assert found.open
    assert now == found.expires_at, "open at the end, so that whoever was not asked for is told to be too late"
    if timing.expires_after >= timedelta(days=2):
        assert asked


@settings(max_examples=30, deadline=None)
@given(timings, st.lists(st.builds(Group, zones, st.integers(NO_HOUR, 23)), max_size=5, unique=True))
def test_a_step_changes_when_the_first_of_its_groups_does(timing: Timing, groups: list[Group]) -> None:
    hours = StepHours.at(timing, groups, timing.due)
    each = {group: group_hours(timing, group, timing.due) for group in groups}
    assert hours.open == {group for group, found in each.items() if found.open}
    changes = [found.changes_at for found in each.values() if found.changes_at]
    assert hours.changes_at == (min(changes) if changes else None)
    assert (hours.opens_at is None) == (hours.open == set(groups))
