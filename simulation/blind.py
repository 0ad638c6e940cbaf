"""The blind way: a tool for each channel, a message for everybody on its list, and no word from one tool to another."""

from __future__ import annotations

from schemas import Status
from services.domain.messages import SendRequest, event_for
from services.planner.core.requests import build_request
from simulation.accounts import Accounts
from simulation.books import Arrival, Page
from simulation.network import Call, Network
from simulation.people import Person
from simulation.plans import Plan, member
from simulation.words import FindCampaign, told

TRIES = 2
"""A call without an answer is made once more."""


class Tools:
    def __init__(self, network: Network, accounts: Accounts, find: FindCampaign) -> None:
        self.network, self.accounts, self.find = network, accounts, find

    def lists(self, person: Person, channel: str) -> bool:
        """Whether the person is on this tool's list: it has an address, and heard no opt-out itself."""
        return bool(person.address(channel)) and channel not in person.stopped

    def send(self, person: Person, plan: Plan, step: int) -> Page:
        """This step's message, at the hour that suits the brand. Empty where the person is not on the list."""
        page = Page()
        if not self.lists(person, plan.channels[step - 1]):
            return page
        for attempt in range(1, TRIES + 1):
            request = build_request(plan.steps[step - 1], member(person), attempt)
            call = self._call(page, person, plan, request)
            for happened in sorted(call.steps, key=lambda one: one.told_ms):
                for event in told(request, happened, plan.starts, self.find):
                    page.write(event)
            if call.answered:
                break
        return page

    def _call(self, page: Page, person: Person, plan: Plan, request: SendRequest) -> Call:
        network, channel, at = self.network, request.channel, plan.starts
        bounced = "bounced" if channel == "email" and network.dead(person, channel, True) else ""
        call = network.call(person, channel, f"{request.send_id}#{request.attempt}", at, plan.earlier, bounced)
        page.count(network, person, channel, at, plan.earlier)
        status, reason = (Status.FAILED, "refused") if call.refused else (Status.ACCEPTED, "")
        if not call.answered:
            status, reason = Status.FAILED, "no_answer"
        cost = self.accounts.cost(plan.compiled[request.step - 1], channel, request.address, request.data)
        page.write(
            event_for(
                request, status, source="sender", occurred_at=at, reason=reason, cost_micros=cost,
                cost_basis="card" if call.taken else "waived",
            )
        )  # fmt: skip
        if call.taken:
            page.taken.append(request.send_id)
        if call.arrived:
            page.arrivals.append(
                Arrival(request.send_id, channel, call.arrived, channel != "email" or person.sees_mail)
            )
        return call
