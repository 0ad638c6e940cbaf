"""What was fetched and not yet judged: opt-outs first, nothing lost, nothing committed before its round is over."""

from __future__ import annotations

from typing import NamedTuple

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from services.router import buffers as module
from services.router.buffers import Buffers

CONSENTS, REQUESTS = TopicPartition("consents", 0), TopicPartition("send-requested", 0)


class Fetched(NamedTuple):
    offset: int
    value: bytes = b"{}"


def fetched(*offsets: int) -> list[Fetched]:
    return [Fetched(offset) for offset in offsets]


def fresh() -> Buffers:
    return Buffers(["consents"], "send-requested", {CONSENTS: 0, REQUESTS: 0})


def offsets(records: list[Fetched]) -> list[int]:
    return [record.offset for record in records]


def test_requests_wait_until_all_consents_that_were_there_are_applied() -> None:
    buffers = fresh()
    buffers.extend(REQUESTS, fetched(0, 1), 2)
    buffers.set_gate(0, 2, {CONSENTS: 3})
    assert buffers.take(10) == []
    buffers.extend(CONSENTS, fetched(0, 1), 2)
    [share] = buffers.take(10)
    assert (offsets(share.first), share.then) == ([0, 1], [])
    buffers.extend(CONSENTS, fetched(2), 3)
    [share] = buffers.take(10)
    assert (offsets(share.first), offsets(share.then)) == ([2], [0, 1])


def test_requests_without_a_gate_do_not_pass() -> None:
    buffers = fresh()
    buffers.extend(REQUESTS, fetched(0), 1)
    assert buffers.take(10) == []
    assert list(buffers.ungated()) == [0]


def test_a_gate_lets_only_those_pass_that_were_in_hand_when_it_was_set() -> None:
    buffers = fresh()
    buffers.extend(REQUESTS, fetched(0, 1), 2)
    buffers.set_gate(0, 2, {CONSENTS: 0})
    buffers.extend(REQUESTS, fetched(2), 3)
    assert offsets(buffers.take(10)[0].then) == [0, 1]
    assert buffers.take(10) == []
    assert list(buffers.ungated()) == [0], "the third needs an answer that is asked for after it was fetched"


def test_a_gate_stays_until_its_requests_are_through() -> None:
    buffers = fresh()
    buffers.extend(REQUESTS, fetched(*range(5)), 5)
    buffers.set_gate(0, 5, {CONSENTS: 0})
    assert [offsets(buffers.take(2)[0].then) for _ in range(3)] == [[0, 1], [2, 3], [4]]


def test_a_topic_that_ends_in_transaction_markers_holds_nothing_up() -> None:
    """No consumer ever sees a marker: the position says that it is passed, no record does."""
    buffers = fresh()
    buffers.extend(REQUESTS, fetched(0), 1)
    buffers.extend(CONSENTS, [], 7)
    buffers.set_gate(0, 1, {CONSENTS: 7})
    assert offsets(buffers.take(10)[0].then) == [0]


def test_an_offset_is_committed_only_after_its_round() -> None:
    buffers = fresh()
    buffers.extend(CONSENTS, fetched(0, 1, 2), 3)
    buffers.take(2)
    assert buffers.to_commit() == {}
    buffers.finish()
    assert buffers.to_commit() == {CONSENTS: 2}
    buffers.committed.update({CONSENTS: 2})
    assert buffers.to_commit() == {}


def test_a_partition_is_full_by_count_or_by_bytes_and_has_room_again_when_it_was_emptied() -> None:
    buffers = fresh()
    assert not buffers.extend(CONSENTS, fetched(*range(module.FULL_RECORDS)), module.FULL_RECORDS)
    assert buffers.extend(CONSENTS, fetched(module.FULL_RECORDS), module.FULL_RECORDS + 1)
    buffers.take(module.FULL_RECORDS + 1)
    assert not buffers.extend(CONSENTS, [Fetched(9000, bytes(module.FULL_BYTES))], 9001)
    assert buffers.extend(CONSENTS, [Fetched(9001, b"x")], 9002)
    buffers.take(2)
    assert not buffers.extend(CONSENTS, [], 9002)


@given(steps=st.lists(st.tuples(st.sampled_from(["consents", "requests", "gate", "round"]), st.integers(1, 5))))
def test_every_record_comes_out_once_in_order_and_no_request_before_an_older_consent(
    steps: list[tuple[str, int]],
) -> None:
    buffers, written, applied, out = fresh(), {CONSENTS: 0, REQUESTS: 0}, 0, []
    before: list[int] = []  # how many consents there were when a request was fetched
    for what, count in [*steps, ("gate", 1), ("round", 99), ("gate", 1), ("round", 99)]:
        if what in ("consents", "requests"):
            tp = CONSENTS if what == "consents" else REQUESTS
            if tp is REQUESTS:
                before += [written[CONSENTS]] * count
            buffers.extend(tp, fetched(*range(written[tp], written[tp] + count)), written[tp] + count)
            written[tp] += count
        elif what == "gate":
            for partition in buffers.ungated():
                buffers.set_gate(partition, buffers.in_hand(partition), {CONSENTS: written[CONSENTS]})
        else:
            for share in buffers.take(count):
                assert offsets(share.first) == list(range(applied, applied + len(share.first)))
                applied += len(share.first)
                assert all(before[offset] <= applied for offset in offsets(share.then))
                out += offsets(share.then)
            buffers.finish()
    assert applied == written[CONSENTS]
    assert out == list(range(written[REQUESTS]))
    assert buffers.done == written
