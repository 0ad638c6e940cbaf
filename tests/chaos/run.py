"""One run: campaigns, faults and steering side by side, to the end of every campaign; then the books."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any, Final

from ulid import ULID

from deploy.local.installation import Installation
from schemas.base import DEFAULT_BRAND
from tests.chaos.books import Books, check
from tests.chaos.desk import Desk, RefusedError
from tests.chaos.disks import Disks
from tests.chaos.faults import Faults
from tests.chaos.kinds import PROMISED_S, Fault
from tests.chaos.money import Purse
from tests.chaos.plan import AFTER, DRILL_TAKEN, Act, CampaignPlan, Plan
from tests.chaos.recovery import Recovery, measure
from tests.chaos.strings import Strings

PATIENCE_S: Final = 300.0
"""After the last fault. What is not over then is stuck."""


@dataclass
class Outcome:
    seed: int
    seconds: float = 0.0
    books: Books = field(default_factory=Books)
    told: list[str] = field(default_factory=list)
    recovery: Recovery | None = None
    """Of a drill."""


class Run:
    def __init__(self, installation: Installation, plan: Plan, strings: Strings, disks: Disks | None = None) -> None:
        self.plan, self.desk = plan, Desk(installation.access)
        self.faults = Faults(installation.stack, self.desk, strings, random.Random(plan.seed + 1), disks)
        self.ids = [f"chaos-{plan.seed}-{number}-{ULID()}".lower() for number in range(len(plan.campaigns))]
        self.purses = [Purse(campaign.channels, campaign.affordable) for campaign in plan.campaigns]
        self.launched = [asyncio.Event() for _ in plan.campaigns]
        self.books = Books()
        self.began = 0.0

    async def run(self) -> Outcome:
        self.began = time.monotonic()
        await self.faults.settle()
        async with asyncio.TaskGroup() as group:
            for number, campaign in enumerate(self.plan.campaigns):
                group.create_task(self._steer(number, campaign))
            for fault in self.plan.faults:
                group.create_task(self._strike(fault))
        await self.faults.settle()
        await asyncio.gather(*(self._end(number) for number in range(len(self.ids))))
        for number, campaign in enumerate(self.plan.campaigns):
            self.books.add(await check(self.desk, self.ids[number], campaign, self.purses[number]))
        outcome = Outcome(self.plan.seed, 0.0, self.books, self.faults.told, await self._recovery())
        await self.desk.rest.aclose()
        outcome.seconds = time.monotonic() - self.began
        return outcome

    async def _recovery(self) -> Recovery | None:
        if not self.plan.drill or not self.faults.blows:
            return None
        received = await self.desk.received(self.ids[0])
        people = {contact: f"{DEFAULT_BRAND}/{contact}" for contact in self.plan.campaigns[0].contacts}
        promised = PROMISED_S.get(self.plan.drill, 0.0)
        return measure(self.plan.drill, self.faults.blows[0], received, people, promised)

    async def _until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, self.began + at_s - time.monotonic()))

    async def _strike(self, fault: Fault) -> None:
        await self._until(fault.at_s)
        while self.plan.drill and await self.desk.taken(self.ids[0]) < DRILL_TAKEN:
            await asyncio.sleep(0.2)
        try:
            await self.faults.strike(fault)
        except Exception as error:
            self.books.stuck += 1
            self.books.notes.append(f"{fault} did not come back: {error!r}")

    async def _steer(self, number: int, campaign: CampaignPlan) -> None:
        await self._until(campaign.launch_s)
        await self.desk.ask("POST", "/campaigns", json=self._definition(number, campaign), insist=True)
        await self.desk.ask("POST", f"/campaigns/{self.ids[number]}/launch", insist=True)
        for act in (act for act in self.plan.acts if act.campaign == number):
            await self._until(act.at_s)
            await self._act(act)

    async def _act(self, act: Act) -> None:
        body: dict[str, Any] = {}
        if act.verb == "edit":
            body = {"body": {"text": f"Words of second {act.at_s}, {{{{ name | default: 'you' }}}}"}}
        elif act.verb == "raise":
            campaign = self.plan.campaigns[act.campaign]
            self.purses[act.campaign] = Purse(campaign.channels, campaign.people)
            body = {"budget": self.purses[act.campaign].budget()}
        verb = "edit" if act.verb == "raise" else act.verb
        try:
            await self.desk.ask("POST", f"/campaigns/{self.ids[act.campaign]}/{verb}", json=body, insist=True)
        except RefusedError as error:
            self.faults.told.append(f"(refused: {act.verb}: {str(error)[-160:]})")  # such as a pause of what is over

    async def _end(self, number: int) -> None:
        """Until it is over, watching that money is never above the cap. A run may leave it paused: it goes on."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            stats = await self.desk.stats(self.ids[number])
            cap = self.purses[number].total
            if cap and stats["spent_micros"] + stats["reserved_micros"] > cap:
                self.books.over_budget += 1
                self.books.notes.append(f"{self.ids[number]}: spent {stats['spent_micros']} of {cap}")
                return
            if stats["status"] == "paused":
                await self.desk.ask("POST", f"/campaigns/{self.ids[number]}/resume")
            if stats["status"] in ("completed", "cancelled"):
                if stats["status"] == "completed" and stats["open"]:
                    self.books.wrong_completed += 1
                    self.books.notes.append(f"{self.ids[number]}: completed with {stats['open']} open")
                if not stats["open"]:
                    return
            await asyncio.sleep(0.5)
        self.books.stuck += 1
        self.books.notes.append(
            f"{self.ids[number]}: not over after {PATIENCE_S:.0f} s: {await self._standing(number)}"
        )

    async def _standing(self, number: int) -> str:
        stats = await self.desk.stats(self.ids[number])
        figures = {channel: {k: v for k, v in f.items() if v} for channel, f in stats["by_channel"].items()}
        return f"{stats['status']}, {stats['settled']} of {stats['planned']}: {figures}"

    def _definition(self, number: int, campaign: CampaignPlan) -> dict[str, Any]:
        people = [
            {
                "id": contact, "name": f"N{i}", "email": f"{self.ids[number]}.{i}@example.com",
                "phone": f"+9190{self.plan.seed % 1000:03d}{number}{i:04d}", "opt_in": ["sms", "whatsapp"],
            }
            for i, contact in enumerate(campaign.contacts)
        ]  # fmt: skip
        definition: dict[str, Any] = {
            "id": self.ids[number], "name": "Chaos",
            "body": {"text": "First words, {{ name }}"}, "audience": {"recipients": people},
        }  # fmt: skip
        if campaign.only_if:
            definition["steps"] = [
                {"channel": step.channel, "only_if": step.only_if, "after": AFTER if place else "0"}
                for place, step in enumerate(campaign.steps)
            ]
        else:
            definition["channels"] = list(campaign.channels)
        if "whatsapp" in campaign.channels:
            definition["content"] = {"whatsapp": {"template": "HX" + "0" * 32, "variables": {"1": "{{ name }}"}}}
        if campaign.cap:
            definition["limits"] = {"caps": [{"messages": campaign.cap, "per": "1d"}]}
        if campaign.affordable:
            definition["budget"] = self.purses[number].budget()
        return definition
