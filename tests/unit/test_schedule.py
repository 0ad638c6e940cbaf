"""When a message may leave, held against clocks that are looked at minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import Limits
from schemas.campaign import Schedule
from services.domain.schedule import (
    NO_HOUR,
    Quiet,
    at_wall,
    begins_at,
    best_opening,
    first_opening,
    is_quiet,
    local,
    local_opening,
    next_opening,
    quiet_of,
    window,
    zone_of,
)

MINUTE = timedelta(minutes=1)
ZONES = [
    "UTC", "Asia/Kolkata", "Asia/Kathmandu", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
    "Pacific/Chatham", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Casablanca",
]  # fmt: skip
"""Half hours, quarter hours, clocks that are put forward by half an hour, both ends of the day."""
TURNS = [
    datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 1),  # Berlin
    datetime(2026, 3, 8, 7), datetime(2026, 11, 1, 6),  # New York
    datetime(2026, 4, 4, 15), datetime(2026, 10, 3, 15, 30),  # Lord Howe
    datetime(2026, 4, 4, 14), datetime(2026, 9, 26, 14),  # Chatham
    datetime(2028, 2, 29), datetime(2026, 12, 31, 12), datetime(2026, 2, 15, 2), datetime(2026, 7, 1),
]  # fmt: skip

zones = st.sampled_from(ZONES)
moments = st.builds(
    lambda turn, minutes: turn.replace(tzinfo=UTC) + minutes * MINUTE,
    st.sampled_from(TURNS), st.integers(-2 * 1440, 2 * 1440),
)  # fmt: skip
walls = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 45, 59]))
quiets = st.builds(Quiet, walls, walls).filter(lambda quiet: quiet.start != quiet.end)


def minutes_from(at: datetime, days: int = 3) -> Iterator[datetime]:
    return (at + minute * MINUTE for minute in range(days * 1440))


def by_the_clock(quiet: Quiet, zone: str, at: datetime) -> bool:
    """Straight from what quiet hours mean."""
    shown = at.astimezone(ZoneInfo(zone))
    start, end = (wall.hour * 60 + wall.minute for wall in quiet)
    return (shown.hour * 60 + shown.minute - start) % 1440 < (end - start) % 1440


class TestQuietHours:
    @settings(max_examples=40, deadline=None)
    @given(quiets, zones, moments)
    def test_they_open_at_the_first_minute_that_is_not_quiet(self, quiet: Quiet, zone: str, at: datetime) -> None:
        expected = next(minute for minute in minutes_from(at) if not by_the_clock(quiet, zone, minute))
        assert next_opening(quiet, zone, at) == expected

    @settings(max_examples=40, deadline=None)
    @given(quiets, zones, moments)
    def test_a_window_lasts_as_long_as_every_minute_of_it_is_alike(self, quiet: Quiet, zone: str, at: datetime) -> None:
        found, now = window(quiet, zone, at), by_the_clock(quiet, zone, at)
        assert found.quiet == is_quiet(quiet, zone, at) == now
        assert found.until == next(m for m in minutes_from(at) if by_the_clock(quiet, zone, m) != now)
        backwards = (at - minute * MINUTE for minute in range(3 * 1440))
        assert found.since == next(m for m in backwards if by_the_clock(quiet, zone, m) != now) + MINUTE

    @given(zones, moments)
    def test_without_them_every_moment_is_open(self, zone: str, at: datetime) -> None:
        assert next_opening(None, zone, at) == at
        assert window(None, zone, at).until is None

    def test_over_midnight_the_morning_after_opens(self) -> None:
        night = Quiet(time(21), time(9))
        evening = datetime(2026, 11, 21, 22, tzinfo=ZoneInfo("Asia/Kolkata"))
        assert local("Asia/Kolkata", next_opening(night, "Asia/Kolkata", evening)).isoformat() == (
            "2026-11-22T09:00:00+05:30"
        )

    def test_an_hour_that_the_clocks_skip_opens_when_they_are_put_forward(self) -> None:
        """Quiet until 02:30 on the night on which 02:00 becomes 03:00."""
        opening = next_opening(Quiet(time(22), time(2, 30)), "Europe/Berlin", datetime(2026, 3, 29, 0, 30, tzinfo=UTC))
        assert opening == datetime(2026, 3, 29, 1, tzinfo=UTC)

    def test_an_hour_that_the_clocks_show_twice_is_quiet_twice(self) -> None:
        quiet, berlin = Quiet(time(22), time(2, 30)), "Europe/Berlin"
        first = next_opening(quiet, berlin, datetime(2026, 10, 24, 23, tzinfo=UTC))
        assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
        assert window(quiet, berlin, first).until == datetime(2026, 10, 25, 1, tzinfo=UTC)
        assert next_opening(quiet, berlin, datetime(2026, 10, 25, 1, tzinfo=UTC)) == datetime(
            2026, 10, 25, 1, 30, tzinfo=UTC
        )

    def test_a_transactional_campaign_keeps_none_nor_does_one_whose_ends_are_the_same(self) -> None:
        limits = Limits.model_validate({"quiet_hours": {"from": "21:00", "to": "09:00"}})
        assert quiet_of("marketing", limits) == Quiet(time(21), time(9))
        assert quiet_of("transactional", limits) is None
        same = Limits.model_validate({"quiet_hours": {"from": "21:00", "to": "21:00"}})
        assert quiet_of("marketing", same) is None
        assert quiet_of("marketing", Limits()) is None


class TestZones:
    @pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "Europe", "x" * 5000, "\0"])
    def test_a_zone_that_nobody_knows_is_utc(self, name: str) -> None:
        assert zone_of(name) == ZoneInfo("UTC")

    @settings(max_examples=30, deadline=None)
    @given(zones, moments)
    def test_a_time_on_the_wall_comes_when_the_clocks_show_it_for_the_first_time(self, zone: str, at: datetime) -> None:
        wall = at.replace(tzinfo=None)
        found = at_wall(zone, wall)
        shown = [m for m in minutes_from(at - timedelta(hours=15), 2) if local(zone, m).replace(tzinfo=None) == wall]
        if shown:
            assert found == shown[0]
        else:  # the clocks skip it
            assert timedelta(0) < local(zone, found).replace(tzinfo=None) - wall <= timedelta(hours=1)


class TestOpening:
    @settings(max_examples=40, deadline=None)
    @given(zones, st.integers(0, 23), moments)
    def test_a_best_hour_comes_at_the_first_minute_of_it(self, zone: str, hour: int, due: datetime) -> None:
        assert best_opening(zone, hour, due) == next(m for m in minutes_from(due) if local(zone, m).hour == hour)

    @given(zones, moments)
    def test_without_a_best_hour_it_goes_at_once(self, zone: str, due: datetime) -> None:
        assert best_opening(zone, NO_HOUR, due) == due

    def test_what_is_over_where_the_person_is_goes_at_once(self) -> None:
        due = datetime(2026, 12, 1, 5, tzinfo=UTC)
        wall = datetime(2026, 12, 1, 10)
        assert local_opening("Asia/Tokyo", wall, due) == due
        assert local_opening("Asia/Kolkata", wall, due) == due, "10:00 there is half an hour ago"
        assert local_opening("Europe/Berlin", wall, due) == datetime(2026, 12, 1, 9, tzinfo=UTC)

    def test_a_campaign_on_everybodys_own_clock_begins_where_the_day_does(self) -> None:
        local_mode = Schedule.model_validate({"at": "2026-12-01T10:00", "zone": "Europe/Berlin", "mode": "local"})
        assert begins_at(local_mode) == datetime(2026, 11, 30, 20, tzinfo=UTC)
        assert begins_at(local_mode) == at_wall("Pacific/Kiritimati", datetime(2026, 12, 1, 10))
        fixed = Schedule.model_validate({"at": "2026-12-01T10:00", "zone": "Europe/Berlin"})
        assert begins_at(fixed) == datetime(2026, 12, 1, 9, tzinfo=UTC)

    @settings(max_examples=40, deadline=None)
    @given(zones, moments, st.none() | quiets, st.integers(NO_HOUR, 23), st.none() | moments)
    def test_nothing_opens_before_it_is_due_or_in_quiet_hours_and_everything_opens(
        self, zone: str, due: datetime, quiet: Quiet | None, hour: int, at: datetime | None
    ) -> None:
        wall = at.replace(tzinfo=None) if at is not None else None
        opening = first_opening(zone, due, quiet, wall=wall, hour=hour)
        assert opening >= due
        assert quiet is None or not is_quiet(quiet, zone, opening)
        latest = max(due, at_wall(zone, wall)) if wall else due + timedelta(days=2)
        assert opening <= latest + timedelta(days=2)


class TestWords:
    @pytest.mark.parametrize(
        ("limits", "words"),
        [
            ({"quiet_hours": {"from": 1260, "to": "09:00"}}, "in quotes"),
            ({"quiet_hours": {"from": "21:00Z", "to": "09:00"}}, "no zone"),
            ({"quiet_hours": {"from": "21:00", "to": "20:30"}}, "less than an hour"),
            ({"quiet_hours": {"from": "21:00:30", "to": "09:00"}}, "full minute"),
            ({"caps": [{"messages": 1, "per": "31d"}]}, "at most 30d"),
            ({"caps": [{"messages": 1, "per": "0"}]}, "at most 30d"),
            ({"caps": [{"messages": 1, "per": "7d", "channel": "fax"}]}, "email"),
        ],
    )
    def test_limits_that_cannot_be_kept_are_refused_with_a_remedy(self, limits: dict[str, object], words: str) -> None:
        with pytest.raises(ValidationError, match=words):
            Limits.model_validate(limits)
