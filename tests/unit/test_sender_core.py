"""What a sender decides: who may leave, which belong together, what is over, and how fast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import CampaignStatus
from services.domain.marks import Mark, decode_mark, encode_mark
from services.domain.messages import SendMessage
from services.domain.schedule import Quiet
from services.senders.core.doorstep import Do, Knowledge, Standing, stale_after, verdict
from services.senders.core.groups import Sizes, group_sizes, take
from services.senders.core.limiter import Limiter, quota, rate_of
from services.senders.core.outcomes import Accepted, Failed, Outcome, Refused, Retryable, Uncertain, event_of, spent
from services.senders.core.poison import dead_letter_event
from services.senders.core.recalls import RecallBook

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACTIVE = Standing(3, CampaignStatus.ACTIVE)


def message(**changes: Any) -> SendMessage:
    given: dict[str, Any] = {
        "send_id": "c/1/p", "campaign_id": "c", "step": 1, "recipient": "default/p", "ord": 7, "attempt": 2, "epoch": 3,
        "channel": "email", "address": "p@example.com", "expires_at": NOW + timedelta(hours=1), "routed_at": NOW,
        "request_offset": 1, "reserved_micros": 900,
    }  # fmt: skip
    return SendMessage(**(given | changes))


def known(age: float = 0.1, now: datetime = NOW) -> Knowledge:
    return Knowledge(now, age, 0.3, 60.0)


@pytest.mark.parametrize(
    ("changes", "campaign", "recalled", "age", "do", "reason"),
    [
        ({}, ACTIVE, False, 0.1, Do.CALL, ""),
        ({}, ACTIVE, True, 0.1, Do.RETURN, "recalled"),
        ({"expires_at": NOW}, ACTIVE, False, 0.1, Do.RETURN, "expired"),
        ({"routed_at": NOW - timedelta(seconds=61)}, ACTIVE, False, 0.1, Do.RETURN, "stale"),
        ({"epoch": 2}, ACTIVE, False, 0.1, Do.RETURN, "old_epoch"),
        ({"epoch": 4}, ACTIVE, False, 0.1, Do.WAIT, "not_known"),
        ({}, None, False, 0.1, Do.WAIT, "not_known"),
        ({}, ACTIVE, False, 0.3, Do.WAIT, "not_known"),
        ({}, Standing(3, CampaignStatus.PAUSED), False, 0.1, Do.RETURN, "inactive"),
        ({}, Standing(3, CampaignStatus.CANCELLED), False, 0.1, Do.RETURN, "inactive"),
        ({}, Standing(3, CampaignStatus.PAUSED), False, 5.0, Do.WAIT, "not_known"),
        ({"epoch": 2}, ACTIVE, False, 99.0, Do.RETURN, "old_epoch"),
        ({}, ACTIVE, True, 99.0, Do.RETURN, "recalled"),
    ],
)
def test_the_doorstep(
    changes: dict[str, Any], campaign: Standing | None, recalled: bool, age: float, do: Do, reason: str
) -> None:
    """To return is always safe and needs no fresh knowledge; to call needs the campaign active, in the same epoch, as
    of a moment ago."""
    assert verdict(message(**changes), campaign, recalled, known(age)) == (do, reason)


@settings(deadline=None)
@given(
    st.sampled_from(["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "no/zone"]),
    st.integers(0, 23), st.integers(1, 23), st.integers(0, 3 * 1440),
)  # fmt: skip
def test_nothing_leaves_in_the_quiet_hours_of_the_persons_own_zone(zone: str, start: int, hours: int, at: int) -> None:
    """What has come too late goes back, and is asked for again in the morning."""
    now = NOW + timedelta(minutes=at)
    quiet = Quiet(time(start), time((start + hours) % 24))
    asked = message(zone=zone, routed_at=now, expires_at=now + timedelta(hours=1))
    found = verdict(asked, Standing(3, CampaignStatus.ACTIVE, quiet), False, known(now=now))
    shown = now.astimezone(ZoneInfo("UTC" if zone == "no/zone" else zone))
    asleep = (shown.hour - start) % 24 < hours
    assert found == ((Do.RETURN, "quiet_hours") if asleep else (Do.CALL, ""))


def test_a_slow_account_may_be_behind_for_longer() -> None:
    """A verdict of the router holds 60 s, or three times what is emitted ahead: 10 s, or 10 messages a partition."""
    assert stale_after(200, 8) == 60
    assert stale_after(1, 8) == 240
    assert stale_after(0.5, 8) == 480


class Entry(NamedTuple):
    offset: int
    message: SendMessage | None
    batch_key: str | None = None


def entries(*request_offsets: int | None, key: str | None = None, first: int = 10) -> list[Entry]:
    """None: poison."""
    return [
        Entry(
            first + i, None if r is None else message(request_offset=r, address=f"{i}@example.com"), key
        )
        for i, r in enumerate(request_offsets)
    ]  # fmt: skip


def call(_: Entry) -> Do:
    return Do.CALL


SIZES = Sizes(3, 100)


def test_replays_ride_along_in_silence() -> None:
    """A message at or below the high-water mark is passed over, also behind one that has just raised the mark."""
    group = take(entries(5, 6, 6, 5, 7), 10, 5, SIZES, call)
    assert [e.offset for e in group.work] == [11, 14]
    assert (group.do, group.through) == (Do.CALL, 14)
    only = take(entries(1, 2), 10, 5, SIZES, call)
    assert (only.do, only.through, only.work) == (None, 11, [])


def test_a_group_has_one_verdict_and_ends_where_something_must_wait() -> None:
    verdicts = iter([Do.RETURN, Do.RETURN, Do.CALL])
    group = take(entries(1, 2, 3), 10, 0, SIZES, lambda _: next(verdicts))
    assert (group.do, group.through, len(group.work)) == (Do.RETURN, 11, 2)
    nothing = take(entries(1), 10, 0, SIZES, lambda _: Do.WAIT)
    assert (nothing.do, nothing.through) == (None, 9)


def test_poison_goes_back_with_what_is_returned_and_is_never_called() -> None:
    assert take(entries(None, 1), 10, 0, SIZES, call).work == [Entry(10, None)]
    assert len(take(entries(1, None), 10, 0, SIZES, call).work) == 1
    assert len(take(entries(1, None, 2), 10, 0, SIZES, lambda _: Do.RETURN).work) == 3


def test_an_address_rides_once_in_a_call_and_content_is_never_mixed() -> None:
    same = [
        Entry(i, message(request_offset=i + 1, address="A@example.com" if i else "a@Example.com"), "k")
        for i in range(2)
    ]
    assert len(take(same, 0, 0, SIZES, call).work) == 1
    mixed = [*entries(1, 2, key="k", first=0), *entries(3, key="l", first=2)]
    assert len(take(mixed, 0, 0, SIZES, call).work) == 2
    alone = [*entries(1, key="k", first=0), *entries(2, first=1)]
    assert len(take(alone, 0, 0, SIZES, call).work) == 1
    assert len(take(entries(*range(1, 300), key="k"), 10, 0, SIZES, call).work) == 100
    assert len(take(entries(*range(1, 300)), 10, 0, SIZES, call).work) == 3


def test_group_sizes() -> None:
    """At most 0.2 s of the rate in single calls, one second of it in one call, never less than one message."""
    assert group_sizes(200, 1000, 500) == (40, 200)
    assert group_sizes(20_000, 1000, 500) == (500, 1000)
    assert group_sizes(1, 1000, 500) == (1, 1)
    assert group_sizes(math.inf, 1000, 500) == (500, 1000)


OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from(
    [None, Accepted("x"), Failed("f"), Retryable("r"), Uncertain("u"), Refused(1.0), Refused(0)]
)


@given(st.lists(OUTCOMES, max_size=20))
def test_what_is_retracted_was_certainly_not_processed(outcomes: list[Outcome]) -> None:
    """All behind the last settled or doubtful one comes again as if untouched; that one and all before it are over."""
    n = spent(outcomes)
    assert all(o is None or isinstance(o, Refused) for o in outcomes[n:])
    assert n == 0 or not (outcomes[n - 1] is None or isinstance(outcomes[n - 1], Refused))


@pytest.mark.parametrize(
    ("do", "outcome", "status", "reason", "cost"),
    [
        (Do.CALL, Accepted("id"), "accepted", "", 900),
        (Do.CALL, Failed("invalid_address", "d"), "failed", "invalid_address", 0),
        (Do.CALL, Retryable("unreachable"), "failed_retryable", "unreachable", 0),
        (Do.CALL, Uncertain("timeout"), "uncertain", "timeout", 900),
        (Do.CALL, Refused(1.0), "recalled", "throttled", 0),
        (Do.CALL, Refused(0, "inactive"), "recalled", "inactive", 0),
        (Do.RETURN, None, "recalled", "old_epoch", 0),
    ],
)
def test_events_of_outcomes(do: Do, outcome: Outcome, status: str, reason: str, cost: int) -> None:
    """What was refused "for now" goes back as recalled: it is neither lost nor counted as a failure."""
    event = event_of(
        message(), do, outcome, reason="old_epoch", cost_micros=900, free_failure=True, provider="twilio", now=NOW
    )
    assert (event.status, event.reason, event.cost_micros) == (status, reason, cost)
    assert event.event_id == f"c/1/p/2/{status}/sender"
    assert (event.send_id, event.attempt, event.ord, event.recipient) == ("c/1/p", 2, 7, "default/p")


def test_a_mark_survives_the_commit() -> None:
    for mark in (Mark(), Mark(5), Mark(5, Do.CALL, 9), Mark(-1, Do.RETURN, 0)):
        assert decode_mark(encode_mark(mark)) == mark
    assert decode_mark("") == Mark()


def test_recalls_are_forgotten_after_an_hour() -> None:
    book = RecallBook()
    book.add("a", 1, NOW, NOW)
    assert ("a", 1) in book
    assert ("a", 2) not in book
    book.add("b", 1, NOW + timedelta(minutes=61), NOW + timedelta(minutes=61))
    assert ("a", 1) not in book
    book.add("old", 1, NOW, NOW + timedelta(minutes=61))
    assert len(book) == 1


def test_a_dead_letter_that_still_says_its_send_gets_its_event() -> None:
    value = (
        b'{"send_id":"c/1/p","campaign_id":"c","step":1,"recipient":"default/p","ord":3,"attempt":2,"channel":"sms",'
        b'"epoch":"x"}'
    )
    event = dead_letter_event(value, "epoch is no number", NOW)
    assert event is not None
    assert (event.status, event.reason, event.ord, event.event_id) == (
        "failed",
        "dead_letter",
        3,
        "c/1/p/2/failed/sender",
    )
    for rubbish in (None, b"", b"\xff", b"[]", b'{"send_id":"x"}', value.replace(b"c/1/p", b"c-1-p")):
        assert dead_letter_event(rubbish, "", NOW) is None


# ------------------------------------------------------------------------------------------------ the rate


@given(st.integers(1, 50), st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 10), st.booleans()), max_size=120))
def test_never_more_than_the_limit_in_any_window(limit: int, asks: Sequence[tuple[float, int, bool]]) -> None:
    """However holds, releases and pauses fall: no window of one second sees more than the limit leave."""
    now, limiter, left = 100.0, Limiter(limit, 100.0), list[tuple[float, int]]()
    for pause, n, leaves in asks:
        now += pause
        if n > limit or limiter.hold(n, now):
            continue
        if leaves:
            now += pause / 3  # it leaves later than it was held
            limiter.use(n, now)
            left.append((now, n))
        else:
            limiter.release(n)
    for start, _ in left:
        assert sum(n for at, n in left if start <= at < start + 1.0) <= limit
    assert all(at >= 101.0 for at, _ in left), "the bucket starts empty"


@given(st.integers(1, 40), st.integers(1, 8))
def test_the_rate_is_used_while_there_is_work(limit: int, n: int) -> None:
    """Asking whenever it says so, at least 95% of the rate leave, less what a whole group leaves over."""
    n = min(n, limit)
    now, limiter, left = 0.0, Limiter(limit, 0.0), 0
    while now < 60:
        wait = limiter.hold(n, now)
        if wait:
            now += wait
        else:
            limiter.use(n, now)
            left += n
    assert left >= 0.95 * 58 * (limit - limit % n)


@given(st.integers(1, 30), st.lists(st.tuples(st.floats(0, 0.2), st.integers(1, 10), st.floats(0, 0.9)), max_size=120))
def test_a_busy_loop_bunches_nothing(limit: int, turns: Sequence[tuple[float, int, float]]) -> None:
    """Calls stamped just before the loop stands still leave as it goes on: they count from then."""
    now, limiter, left = 100.0, Limiter(limit, 100.0), list[tuple[float, int]]()
    for pause, n, stall in turns:
        now += pause
        if n > limit or limiter.hold(n, now):
            continue
        limiter.use(n, now)
        if stall > 0.05:
            limiter.delay(now - 0.1, now + stall)
            now += stall
        left.append((now, n))
    for start, _ in left:
        assert sum(n for at, n in left if start <= at < start + 1.0) <= limit


@given(st.integers(5, 200), st.integers(1, 8), st.floats(0, 0.1))
def test_the_rate_is_used_evenly(limit: int, n: int, late: float) -> None:
    """No half of a window sees much more than its half of the rate leave, were each wake-up as late as it may be."""
    n = min(n, max(1, limit // 5))  # see group_sizes
    now, limiter, left = 0.0, Limiter(limit, 0.0), list[float]()
    while now < 10:
        wait = limiter.hold(n, now)
        if wait:
            now += wait + late
        else:
            limiter.use(n, now)
            left += [now] * n
    most = max(sum(start <= at < start + 0.5 for at in left) for start in left)
    assert most <= limit * (0.5 / 1.03 + 0.1) / 0.9 + 2 * n


def test_a_suspension_spends_the_window() -> None:
    """Calls stamped before it may be leaving only now."""
    limiter = Limiter(10, 0.0)
    assert limiter.hold(10, 2.0) == 0
    limiter.release(10)
    limiter.spend(2.0)
    assert limiter.hold(1, 2.5) > 0
    assert limiter.hold(1, 3.1) == 0


@given(st.integers(1, 5000), st.integers(1, 32), st.data())
def test_the_partitions_quotas_are_whole_and_add_up(limit: int, partitions: int, data: st.DataObject) -> None:
    """Whoever owns which partition: all consumers together have the account's rate, no more and no less."""
    owners = data.draw(st.lists(st.integers(0, 3), min_size=partitions, max_size=partitions))
    shares = [quota(limit, [p for p in range(partitions) if owners[p] == o], partitions) for o in range(4)]
    assert sum(shares) == limit
    assert all(share == int(share) for share in shares)


def test_rates_below_one_a_second_are_kept_too() -> None:
    assert rate_of(0.5) == (1, 2.0)
    assert rate_of(2.7) == (2, 1.0)
    assert rate_of(math.inf).messages == math.inf
    assert Limiter(math.inf, 0.0).hold(10_000, 0.0) == 0
