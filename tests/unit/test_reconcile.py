"""The reconciliation names every difference between plan, ledger and providers."""

from __future__ import annotations

from schemas import Status
from services.domain.reconcile import LedgerSend, reconcile

A, B = "c/1/a", "c/1/b"


def test_a_sent_and_a_suppressed_person_are_exact() -> None:
    ledger = [LedgerSend(A, Status.DELIVERED), LedgerSend(B, Status.SUPPRESSED, "no_address")]
    assert reconcile([A, B], ledger, [A]).exact


def test_two_acceptances_of_one_send_are_a_double() -> None:
    result = reconcile([A], [LedgerSend(A, Status.ACCEPTED)], [A, A])
    assert result.doubled == [A]
    assert not result.exact


def test_an_acceptance_that_no_provider_knows_is_a_loss() -> None:
    assert reconcile([A], [LedgerSend(A, Status.ACCEPTED)], []).lost == [A]


def test_an_assumed_acceptance_is_no_loss() -> None:
    assert reconcile([A], [LedgerSend(A, Status.ACCEPTED, "assumed")], []).exact


def test_a_planned_send_without_any_trace_is_missing() -> None:
    assert reconcile([A], [], []).missing == [A]


def test_a_message_that_the_ledger_calls_suppressed_is_untold() -> None:
    assert reconcile([A], [LedgerSend(A, Status.SUPPRESSED, "opted_out")], [A]).untold == [A]


def test_an_open_send_is_not_settled() -> None:
    result = reconcile([A], [LedgerSend(A, Status.UNCERTAIN)], [])
    assert (result.settled, result.open) == (0, [A])


def test_a_message_to_somebody_who_was_not_planned_is_named() -> None:
    assert reconcile([], [], [A]).unplanned == [A]
