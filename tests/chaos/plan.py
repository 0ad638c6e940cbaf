"""What happens in a run, and when: all of it follows from the seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from tests.chaos.chains import Step
from tests.chaos.kinds import ALL_MAKERS, MAKERS, Fault

DRILL_PEOPLE: Final = 2_400
"""Half a minute of messages on channels that call one by one: what waits outlasts the recovery."""
DRILL_AT_S: Final = 3.0
CONDITIONS: Final = ("not_delivered", "not_delivered", "not_engaged", "always")
AFTER: Final = "2s"
"""From one step of a sequence to the next."""
DRILL_TAKEN: Final = 600
"""Messages that providers have by then, however slow the machine: the stream is under way."""


class Act(NamedTuple):
    """What an operator does."""

    at_s: float
    campaign: int
    verb: str


class CampaignPlan(NamedTuple):
    people: int
    channels: tuple[str, ...]
    launch_s: float
    affordable: int = 0
    """Messages of each channel that its budget pays for; 0: no budget."""
    only_if: tuple[str, ...] = ()
    """Of each step; empty: all at once."""
    cap: int = 0
    """Messages that a person may get in a day; 0: any number."""
    prefix: str = "p"
    """Of its people's ids: those of a capped campaign are its own, for messages of others would count."""

    @property
    def contacts(self) -> list[str]:
        return [f"{self.prefix}{i}" for i in range(self.people)]

    @property
    def steps(self) -> list[Step]:
        conditions = self.only_if or ("always",) * len(self.channels)
        return [Step(channel, only_if) for channel, only_if in zip(self.channels, conditions, strict=True)]


class Plan(NamedTuple):
    seed: int
    campaigns: Sequence[CampaignPlan]
    faults: Sequence[Fault]
    acts: Sequence[Act]
    drill: str = ""
    """The one kind of fault whose recovery is measured; empty: a mix."""


def make_plan(seed: int, only: Sequence[str] = ()) -> Plan:
    """A run of its own: campaigns, faults, steering. `only`: kinds of fault to choose from, in place of all."""
    chance = random.Random(seed)
    campaigns = [_campaign(chance, number) for number in range(chance.randint(2, 3))]
    kinds = list(only) or sorted(MAKERS)
    count = chance.randint(3, 6)
    faults = [ALL_MAKERS[chance.choice(kinds)](chance, round(chance.uniform(0.5, 14.0), 2)) for _ in range(count)]
    acts = [act for number, campaign in enumerate(campaigns) for act in _acts(chance, number, campaign)]
    campaigns, raises = _with_budgets(random.Random(f"budgets of {seed}"), campaigns)
    campaigns = _in_sequence(random.Random(f"sequences of {seed}"), campaigns)
    campaigns = _with_caps(random.Random(f"caps of {seed}"), campaigns, seed)
    return Plan(seed, campaigns, sorted(faults), sorted([*acts, *raises]))


def _in_sequence(chance: random.Random, campaigns: Sequence[CampaignPlan]) -> list[CampaignPlan]:
    """Half of those over several channels get reminders and fallbacks in place of all at once."""
    found = []
    for campaign in campaigns:
        if len(campaign.channels) > 1 and chance.random() < 0.5:
            following = [chance.choice(CONDITIONS) for _ in campaign.channels[1:]]
            campaign = campaign._replace(only_if=("always", *following))
        found.append(campaign)
    return found


def _with_caps(chance: random.Random, campaigns: Sequence[CampaignPlan], seed: int) -> list[CampaignPlan]:
    """Some of those over several channels may send everybody less than they would."""
    return [
        campaign._replace(cap=chance.randint(1, 2), prefix=f"c{seed}-{number}-")
        if len(campaign.channels) > 1 and chance.random() < 0.3
        else campaign
        for number, campaign in enumerate(campaigns)
    ]


def make_drill(seed: int, kind: str) -> Plan:
    """One fault alone, in the middle of a steady stream: how long is nothing sent?"""
    campaigns = [CampaignPlan(DRILL_PEOPLE, ("sms", "whatsapp"), 0.0, affordable=DRILL_PEOPLE)]
    return Plan(seed, campaigns, [ALL_MAKERS[kind](random.Random(seed), DRILL_AT_S)], [], drill=kind)


def _campaign(chance: random.Random, number: int) -> CampaignPlan:
    launch_s = round(chance.uniform(0, 3), 2) if number else 0.0
    if chance.random() < 0.35:
        people = chance.randrange(200, 600)
        return CampaignPlan(people, ("email",), launch_s, affordable=people * 6 // 10)
    return CampaignPlan(chance.randrange(150, 450), ("email", "sms", "whatsapp"), launch_s)


def _with_budgets(chance: random.Random, campaigns: Sequence[CampaignPlan]) -> tuple[list[CampaignPlan], list[Act]]:
    """Some of those over several channels get a share for each, too small at first."""
    found, raises = [], []
    for number, campaign in enumerate(campaigns):
        if len(campaign.channels) > 1 and chance.random() < 0.5:
            campaign = campaign._replace(affordable=campaign.people * 7 // 10)
            raises.append(Act(round(campaign.launch_s + chance.uniform(3, 15), 2), number, "raise"))
        found.append(campaign)
    return found, raises


def _acts(chance: random.Random, number: int, campaign: CampaignPlan) -> list[Act]:
    acts, at = [], campaign.launch_s + 1
    for _ in range(chance.choice((0, 1, 2))):
        at += chance.uniform(0.2, 4)
        acts.append(Act(round(at, 2), number, "pause"))
        if chance.random() < 0.5:
            acts.append(Act(round(at + 0.1, 2), number, "edit"))
        at += chance.uniform(0.5, 4)
        acts.append(Act(round(at, 2), number, "resume"))
    if chance.random() < 0.3:
        acts.append(Act(round(at + chance.uniform(0.2, 4), 2), number, "edit"))
    if campaign.affordable:
        acts.append(Act(round(at + chance.uniform(2, 12), 2), number, "raise"))
    elif chance.random() < 0.12:
        acts.append(Act(round(at + chance.uniform(1, 6), 2), number, "cancel"))
    return acts
