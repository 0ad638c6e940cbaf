"""Sequences of any length, whatever happens in whatever order: no fallback for whom a message has reached, no reminder
for whom is known to have engaged, and an end for every planned send."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.status import ENGAGED, EVIDENCE, OPEN, RANK, REOPENABLE, Status, Suppression
from services.domain.eligibility import (
    CampaignRules,
    Held,
    Recall,
    Record,
    Route,
    Send,
    StepRules,
    Suppress,
    conditions,
    decide,
    head_of,
    milliseconds,
    new_record,
    observe,
    recalls,
)
from services.domain.messages import DeliveryEvent, SendRequest

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
RANKED = {rank: status for status, rank in RANK.items()}
SETTLED_BY_PROVIDER = (Status.ACCEPTED, Status.FAILED, Status.UNCERTAIN, Status.FAILED_RETRYABLE)


@dataclass
class Life:
    """One person and one campaign: what the router knows, what is under way, what has been said and not yet heard."""

    campaign: CampaignRules
    record: Record = field(default_factory=new_record)
    due: int = 1
    """Steps that have been asked for at least once."""
    under_way: dict[int, int] = field(default_factory=dict)
    """Step -> attempt that lies with the sender."""
    left: set[int] = field(default_factory=set)
    """Steps of which a call was made that may have gone out."""
    unheard: list[DeliveryEvent] = field(default_factory=list)
    recalled: set[Recall] = field(default_factory=set)
    offset: int = 0

    def send(self, step: int) -> Send | None:
        return self.record.sends.get(f"summer/{step}/c-1")

    def state(self, step: int) -> Status | None:
        send = self.send(step)
        return RANKED[send.state] if send else None

    def arrived(self, step: int) -> bool:
        """As far as the router has heard."""
        state = self.state(step)
        return state is not None and RANK[state] >= EVIDENCE and state is not Status.BOUNCED

    def ask(self) -> None:
        """What the planner asks for: steps of which nothing is known, and those whose attempt did not go out."""
        for step in range(1, self.due + 1):
            send = self.send(step)
            if send is None or RANKED[send.state] in REOPENABLE:
                self.judge(step, send.attempt + 1 if send else 1)

    def judge(self, step: int, attempt: int) -> None:
        rules = self.campaign.steps[step - 1]
        request = SendRequest(
            send_id=f"summer/{step}/c-1", campaign_id="summer", step=step, recipient="default/c-1", ord=0, epoch=1,
            attempt=attempt, channel="push", address="device", expires_at=NOW + timedelta(days=1),
        )  # fmt: skip
        verdict = decide(self.record, request, self.campaign, NOW)
        if isinstance(verdict, Held):
            assert rules.only_if == "not_delivered", "only a fallback is held"
            return
        assert isinstance(verdict, Route | Suppress), verdict
        state = RANK[Status.QUEUED if isinstance(verdict, Route) else Status.SUPPRESSED]
        reason = verdict.reason if isinstance(verdict, Suppress) else ""
        only_if, head = conditions(self.campaign.steps, step)
        self.offset += 1
        self.record.sends[request.send_id] = Send(
            attempt, state, reason, self.offset, milliseconds(NOW), "push", only_if, head=head
        )
        if isinstance(verdict, Route):
            self.check_due(step)
            self.under_way[step] = attempt

    def check_due(self, step: int) -> None:
        """May this step's message go out, by what the router has heard?"""
        head = head_of(self.campaign.steps, step)
        for before in range(head, step):
            assert not self.arrived(before), f"step {before} has arrived: step {step} must not go"
            assert self.state(before) not in (None, *OPEN), f"step {before} is open: step {step} must wait"
        if self.campaign.steps[head - 1].only_if == "not_engaged":
            assert "summer" not in self.record.engaged, f"the person has engaged: step {step} must not go"

    def say(self, step: int, status: Status, *, machine: bool = False) -> None:
        send = self.send(step)
        assert send is not None
        self.unheard.append(
            DeliveryEvent(
                event_id=f"{len(self.unheard)}", send_id=f"summer/{step}/c-1", campaign_id="summer", step=step,
                recipient="default/c-1", attempt=send.attempt, channel="push", account="default", status=status.value,
                occurred_at=NOW, machine=machine, source="sender",
            )
        )  # fmt: skip

    def hear(self, which: int) -> None:
        event = self.unheard.pop(which % len(self.unheard))
        observe(self.record, event)
        self.recalled.update(recalls(self.record, event))

    def leave(self, which: int, outcome: Status) -> None:
        """The sender's turn: it gives back what was recalled, and calls for everything else."""
        step = sorted(self.under_way)[which % len(self.under_way)]
        attempt = self.under_way.pop(step)
        if any(recall.send_id == f"summer/{step}/c-1" and recall.attempt == attempt for recall in self.recalled):
            self.say(step, Status.RECALLED)
            return
        head = head_of(self.campaign.steps, step)
        assert not any(self.arrived(before) for before in range(head, step)), "it had been heard that it was needless"
        if self.campaign.steps[head - 1].only_if == "not_engaged":
            assert "summer" not in self.record.engaged, "it had been heard that the person had engaged"
        assert step not in self.left, "a message goes out once"
        if outcome in (Status.ACCEPTED, Status.UNCERTAIN):
            self.left.add(step)
        self.say(step, outcome)

    def resolve(self, which: int, outcome: Status) -> None:
        doubtful = [step for step in range(1, self.due + 1) if self.state(step) is Status.UNCERTAIN]
        if doubtful:
            step = doubtful[which % len(doubtful)]
            if outcome is Status.FAILED_RETRYABLE:
                self.left.discard(step)  # it is proven that nothing went out
            self.say(step, outcome)

    def react(self, which: int, status: Status, machine: bool) -> None:
        if self.left:
            step = sorted(self.left)[which % len(self.left)]
            if self.send(step) is not None and self.state(step) is not Status.UNCERTAIN:
                self.say(step, status, machine=machine)

    def finish(self) -> None:
        """Everything is heard, every doubt ends, and the planner asks as long as anything is open."""
        for _ in range(6 * len(self.campaign.steps) + 10):
            while self.unheard:
                self.hear(0)
            if self.due < len(self.campaign.steps):
                self.due += 1
            self.ask()
            self.resolve(0, Status.ACCEPTED)
            while self.under_way:
                self.leave(0, Status.ACCEPTED)


steps = st.lists(st.sampled_from(["always", "not_engaged", "not_delivered"]), max_size=5).map(
    lambda conditions: [StepRules("push"), *(StepRules("push", only_if) for only_if in conditions)]
)
which = st.integers(0, 5)
acts = st.one_of(
    st.tuples(st.just("ask")),
    st.tuples(st.just("due")),
    st.tuples(st.just("hear"), which),
    st.tuples(st.just("leave"), which, st.sampled_from(SETTLED_BY_PROVIDER)),
    st.tuples(st.just("resolve"), which, st.sampled_from([Status.ACCEPTED, Status.FAILED_RETRYABLE])),
    st.tuples(
        st.just("react"),
        which,
        st.sampled_from([Status.DELIVERED, Status.BOUNCED, Status.READ, Status.CLICKED]),
        st.booleans(),
    ),
)


@settings(max_examples=300)
@given(steps=steps, history=st.lists(acts, max_size=40))
def test_whatever_happens_nobody_gets_a_needless_message_and_every_send_settles(
    steps: list[StepRules], history: list[tuple[object, ...]]
) -> None:
    life = Life(CampaignRules(campaign_id="summer", brand="default", status="active", epoch=1, steps=steps))
    for name, *arguments in history:
        if name == "due":
            life.due = min(life.due + 1, len(steps))
        elif (name == "hear" and not life.unheard) or (name == "leave" and not life.under_way):
            continue
        else:
            getattr(life, str(name))(*arguments)
    life.finish()
    states = {step: life.state(step) for step in range(1, len(steps) + 1)}
    assert all(state is not None and state not in OPEN for state in states.values()), states


def lived(*conditions: str) -> Life:
    rules = [StepRules("push"), *(StepRules("push", only_if) for only_if in conditions)]
    return Life(CampaignRules(campaign_id="summer", brand="default", status="active", epoch=1, steps=rules))


def through(life: Life, *outcomes: Status) -> None:
    """Ask for the next step, let it leave, and hear of it."""
    life.ask()
    life.leave(0, outcomes[0])
    for status in outcomes[1:]:
        life.say(life.due, status)
    while life.unheard:
        life.hear(0)


def test_a_fallback_behind_one_that_was_not_needed_is_not_needed_either() -> None:
    life = lived("not_delivered", "not_delivered")
    through(life, Status.ACCEPTED, Status.DELIVERED)
    life.due = 3
    life.ask()
    assert [life.send(step).reason for step in (2, 3)] == [Suppression.ALREADY_DELIVERED] * 2  # type: ignore[union-attr]


def test_a_message_that_arrives_after_its_fallback_has_left_stops_the_second_fallback() -> None:
    life = lived("not_delivered", "not_delivered")
    through(life, Status.ACCEPTED)
    life.due = 2
    through(life, Status.ACCEPTED)
    life.due = 3
    life.ask()
    assert life.state(3) is Status.QUEUED
    life.say(1, Status.DELIVERED)
    life.hear(0)
    life.leave(0, Status.ACCEPTED)
    life.hear(0)
    life.ask()
    assert (life.state(3), life.left) == (Status.SUPPRESSED, {1, 2})


def test_a_fallback_waits_until_a_doubt_is_resolved_and_then_goes_or_not() -> None:
    for resolution, left in ((Status.DELIVERED, {1}), (Status.FAILED, {1, 2})):
        life = lived("not_delivered")
        through(life, Status.UNCERTAIN)
        life.due = 2
        life.ask()
        assert life.state(2) is None, "nothing is said of it while the doubt lasts"
        life.say(1, resolution)
        life.hear(0)
        life.ask()
        while life.under_way:
            life.leave(0, Status.ACCEPTED)
        assert life.left == left


def test_reminders_on_one_channel_end_with_the_first_engagement_and_a_machine_is_none() -> None:
    for machine, left in ((True, {1, 2, 3}), (False, {1, 2})):
        life = lived("not_engaged", "not_engaged")
        through(life, Status.ACCEPTED, Status.DELIVERED)
        life.due = 2
        through(life, Status.ACCEPTED)
        life.say(1, next(iter(sorted(ENGAGED))), machine=machine)
        life.hear(0)
        life.due = 3
        life.ask()
        while life.under_way:
            life.leave(0, Status.ACCEPTED)
        assert life.left == left


def test_a_second_contact_of_one_address_may_be_reached_at_another_address_of_its_own() -> None:
    """The message went to the shared address under the other person's name: to this one nothing has been delivered."""
    life = lived("not_delivered")
    life.record.sends["summer/1/c-1"] = Send(1, RANK[Status.SUPPRESSED], Suppression.DUPLICATE, 0, 0, "push")
    life.due = 2
    life.ask()
    assert life.state(2) is Status.QUEUED
