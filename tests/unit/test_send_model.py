"""The rules of design.md, section 5, hold in every order in which things can happen; and none of them is superfluous.

Wider searches, of minutes: `make model`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from send_model import RULES, Rules, Scenario, explore, parts

from services.planner.core.sweep import Again, RetryableSend, StepFindings, again
from services.senders.core.outcomes import Refused

LIVES = {
    "undisturbed": Scenario(),
    "two kills of sender and router": Scenario(crashes=2, mortal=("router", "sender")),
    "a kill of the planner": Scenario(crashes=1, mortal=("planner",)),
    "a pause or an edit": Scenario(steers=1),
    "a kill of the sender and an opt-out": Scenario(crashes=1, mortal=("sender",), opt_outs=1),
    "a kill of the router and an opt-out": Scenario(crashes=1, mortal=("router",), opt_outs=1),
    "a freeze, calls in doubt, an operator who resends": Scenario(freezes=1, policy="resend"),
    "a call in doubt, a callback, a kill": Scenario(crashes=1, mortal=("sender",), doubts=1, callbacks=1),
    "a kill and a call that may be tried again": Scenario(crashes=1, mortal=("planner", "sender"), retries=1),
    "a kill and a call that was not processed": Scenario(crashes=1, mortal=("sender",), refusals=1),
    "old records written again": Scenario(rewrites=2),
    "a kill and a backlog": Scenario(crashes=1, mortal=("sender",), delays=1),
    "a night": Scenario(nights=1),
    "two nights and a kill of the planner": Scenario(nights=2, crashes=1, mortal=("planner",)),
    "a night, a call that may be tried again": Scenario(nights=1, retries=1),
    "a higher price": Scenario(dearer=1, retries=1),
    "a neighbour in the same group, and an opt-out": Scenario(opt_outs=1, neighbours=1),
}


@pytest.mark.parametrize("life", LIVES)
def test_a_send_is_called_once_and_its_campaign_completed_whatever_happens(life: str) -> None:
    """In every reachable state: at most one accepted call but where an operator resent what was taken; none 0.3 s after
    a pause, an edit or an opt-out, or after completion; the ledger says what happened; nothing is asked for twice
    without need. And from every reachable state the system comes to the end by itself."""
    found = explore(LIVES[life], RULES)
    assert not found.violation, str(found)
    assert found.states > 100


RULES_FOR: dict[str, tuple[Scenario, Rules, str]] = {
    "high water": (Scenario(crashes=1), RULES._replace(high_water=False), "DOUBLED"),
    "return intent": (
        Scenario(crashes=1, mortal=("sender",), dearer=1), RULES._replace(return_intent=False), "DOUBLED",
    ),
    "recalled outranks uncertain": (
        Scenario(crashes=1, mortal=("sender",), opt_outs=1, neighbours=1),
        RULES._replace(recalled_outranks_uncertain=False), "LOST",
    ),
    "epoch at the doorstep": (Scenario(steers=1), RULES._replace(epoch_at_the_doorstep=False), "called in an epoch"),
    "lease": (Scenario(freezes=1, policy="resend"), RULES._replace(lease=False), "DOUBLED"),
    "state before output": (
        Scenario(crashes=1, opt_outs=1), RULES._replace(state_before_output=False), "after the router had taken",
    ),
    "clock at the doorstep": (
        Scenario(nights=1), RULES._replace(clock_at_the_doorstep=False), "called in quiet hours",
    ),
    "opt-outs first": (Scenario(opt_outs=1), RULES._replace(opt_outs_first=False), "routed over an opt-out"),
    "barrier": (Scenario(), RULES._replace(barrier=False), "ASKED TWICE"),
    "ends noted in order": (Scenario(), RULES._replace(ends_in_order=False), "ASKED TWICE"),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES_FOR)
def test_without_a_rule_something_goes_wrong(rule: str) -> None:
    """What each rule is for: with it left out, the search finds the harm and the way there."""
    scenario, rules, harm = RULES_FOR[rule]
    found = explore(scenario, rules)
    assert harm in found.violation, str(found)
    assert found.path


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Any], None]]:
    """Replace a function of a service; nothing is remembered of what it said."""

    def change(where: str, other: Any) -> None:
        monkeypatch.setattr(where, other)
        parts.forget()

    parts.forget()
    yield change
    monkeypatch.undo()
    parts.forget()


def test_a_router_that_calls_nothing_back_is_found(changed: Callable[[str, Any], None]) -> None:
    changed("services.router.judge.recalls", lambda _record, _event: [])
    assert "opt-out" in explore(Scenario(opt_outs=1), RULES).violation


def test_a_router_that_takes_an_attempt_in_doubt_for_a_failed_one_is_found(
    changed: Callable[[str, Any], None],
) -> None:
    """Here nothing but the planner's asking twice would show it."""
    changed("services.domain.eligibility.deciding.next_attempt", lambda last, _reopen: last.attempt + 1 if last else 1)
    changed("send_model.planner.again", _again_too_soon)
    assert "DOUBLED" in explore(Scenario(crashes=1), RULES).violation


def _again_too_soon(findings: StepFindings, now: datetime) -> tuple[list[Again], list[RetryableSend]]:
    expand, give_up = again(findings, now)
    return expand or ([Again(0, 2)] if findings.open_count else []), give_up


def test_a_sender_that_calls_again_what_its_forerunner_declared_is_found(changed: Callable[[str, Any], None]) -> None:
    changed("send_model.sender.recovered", lambda group: [Refused(0)] * len(group.work))
    assert "DOUBLED" in explore(Scenario(crashes=1), RULES).violation


def test_a_sweep_that_overlooks_what_was_given_back_is_found(changed: Callable[[str, Any], None]) -> None:
    def forgetful(findings: StepFindings, now: datetime) -> tuple[list[Again], list[RetryableSend]]:
        return again(replace(findings, recalled=()), now)

    changed("send_model.planner.again", forgetful)
    assert "STUCK" in explore(Scenario(dearer=1), RULES).violation


def test_a_planner_that_forgets_whom_it_holds_is_found(changed: Callable[[str, Any], None]) -> None:
    """Nobody is silent, says its sweep, and means nobody whose hour it is."""
    changed("send_model.planner.finished", lambda cursors, _findings: all(at >= end for at, end in cursors))
    assert "LOST" in explore(Scenario(nights=1), RULES).violation
