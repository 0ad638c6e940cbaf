"""One page of a step: who it is for, what it may cost, and the record of it before a request is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from schemas import CampaignRecord, Suppression
from services.domain.campaigns import caps_of, reserve_micros
from services.domain.messages import SendRequest
from services.planner.core.budget import PageMoney, fitting
from services.planner.core.hours import StepHours, in_person
from services.planner.core.requests import Member, StepPlan, build_request
from services.planner.core.sweep import Again
from services.planner.emitter import PlanCache, emit, suppress
from services.planner.owner import PartitionOwner
from services.planner.shared import Shared
from services.runtime.clock import utc_now
from services.runtime.fail_points import fail_point

Requests = list[tuple[Member, SendRequest]]
OVER_BUDGET = "the budget is used up, and nothing under way can leave more of it"


class PageWriter:
    def __init__(self, shared: Shared, plans: PlanCache) -> None:
        self.shared, self.plans = shared, plans

    async def first(
        self,
        owner: PartitionOwner,
        record: CampaignRecord,
        plan: StepPlan,
        count: int,
        now: datetime,
        hours: StepHours | None = None,
    ) -> int | None:
        """The next `count` ordinals; returns how many requests went out, None where money is short.

        Whoever is held is passed over.
        """
        progress = owner.progress_of(record.campaign_id, plan.step)
        assert record.audience is not None, "only frozen audiences are expanded"
        begun = progress.page
        first = begun.first if begun else progress.cursor
        last = begun.last if begun else min(first + count, record.audience.count) - 1
        members: Sequence[Member] = ()
        if last >= first and hours is not None and not hours.everybody:
            members, last = await self._open(record, plan, first, last if begun else None, count, hours)
        elif last >= first:
            members = await self.shared.audiences.range(record, first, last, bool(plan.placeholders))
        requests, erased = self._requests(record, plan, members, {}, hours)
        over, fit = (0, len(requests)) if begun else self._affordable(owner, record, plan, requests)
        if requests and not over and not fit:
            return None
        taken = requests[: over + fit]
        if taken and not begun and len(taken) < len(requests):
            last = taken[-1][0].ord
        asked = taken[over:]
        await owner.reserve_page(record, plan.step, last - first + 1, self._ask(owner, plan, record, asked), now)
        fail_point("planner.page-reserved")
        await self._say_erased([made for made in erased if made[0].ord <= last])
        await self._write(taken[:over], asked, "first")
        fail_point("planner.page-emitted")
        await owner.finish_page(record, plan.step, utc_now(), held=hours is not None)
        return len(asked)

    async def _open(
        self, record: CampaignRecord, plan: StepPlan, first: int, last: int | None, count: int, hours: StepHours
    ) -> tuple[Sequence[Member], int]:
        """The next `count` of those whose hour it is, from `first` on, and the ordinal up to which there is nobody
        else. `last`: that ordinal is given."""
        audiences, end = self.shared.audiences, record.audience.count - 1 if record.audience else 0
        to, most = (end, count) if last is None else (last, last - first + 1)
        ords = await audiences.next_of(record, hours.open, first, to, most)
        members = await audiences.listed(record, ords, bool(plan.placeholders)) if ords else []
        return members, ords[-1] if last is None and len(ords) == most else to

    async def again(
        self,
        owner: PartitionOwner,
        record: CampaignRecord,
        plan: StepPlan,
        sends: Sequence[Again],
        hours: StepHours | None = None,
    ) -> tuple[int, int] | None:
        """Sends that a sweep found. Returns how many of them are dealt with, and how many requests went out. Whoever
        is held by now is left for a later sweep.

        Nothing is noted: the router makes any repeat harmless. None where money is short.
        """
        wanted = {send.ord: send for send in sends}
        members = await self.shared.audiences.listed(record, list(wanted), bool(plan.placeholders))
        requests, erased = self._requests(record, plan, members, wanted, hours)
        await self._say_erased(erased)
        over, fit = self._affordable(owner, record, plan, requests)
        if requests and not over and not fit:
            return None
        asked = requests[over : over + fit]
        self._ask(owner, plan, record, asked)
        await self._write(requests[:over], asked, "again")
        if over + fit == len(requests):
            return len(sends), len(asked)
        following = requests[over + fit][0].ord
        return sum(send.ord < following for send in sends), len(asked)

    def _requests(
        self,
        record: CampaignRecord,
        plan: StepPlan,
        members: Sequence[Member],
        sends: dict[int, Again],
        hours: StepHours | None,
    ) -> tuple[Requests, Requests]:
        """To ask for; and those for people who have been erased, who get nothing."""
        account = self.shared.accounts.find(plan.channel, plan.account)
        content = self.plans.content(record, plan.step)
        requests, erased = Requests(), Requests()
        for member in members:
            send = sends.get(member.ord)
            reopen = bool(send and send.reopen)
            held = hours.of(member.group) if hours else None
            if held and not held.open and not reopen and not member.erased:  # what is reopened is asked for but once
                continue
            request = build_request(
                plan, member, send.attempt if send else 1, reopen=reopen,
                expires_at=held.expires_at if held else None,
                timing=in_person(held.timing, member.best_opens, member.opens) if held else "",
            )  # fmt: skip
            if member.erased:
                erased.append((member, request))
                continue
            if account is not None:
                micros = reserve_micros(account, content, request, self.shared.settings.public_url)
                request = msgspec.structs.replace(request, reserved_micros=micros)
            requests.append((member, request))
        return requests, erased

    async def _say_erased(self, erased: Requests) -> None:
        if erased:
            await suppress(self.shared.producer, erased, Suppression.ERASED, "")

    @staticmethod
    def _affordable(
        owner: PartitionOwner, record: CampaignRecord, plan: StepPlan, requests: Requests
    ) -> tuple[int, int]:
        caps = caps_of(record)
        if caps is None:
            return 0, len(requests)
        books = owner.books[record.campaign_id]
        reserves = [request.reserved_micros for _, request in requests]
        return fitting(reserves, books.left(caps, plan.step), decide=not books.outstanding)

    @staticmethod
    def _ask(owner: PartitionOwner, plan: StepPlan, record: CampaignRecord, requests: Requests) -> PageMoney:
        reserves = [request.reserved_micros for _, request in requests]
        if record.budget is not None:
            owner.books[record.campaign_id].ask(plan.step, sum(reserves))
        return PageMoney(sum(reserves), max(reserves, default=0))

    async def _write(self, over: Requests, asked: Requests, kind: str) -> None:
        if over:
            await suppress(self.shared.producer, over, Suppression.OVER_BUDGET, OVER_BUDGET)
        if asked:
            await emit(self.shared.producer, asked, kind)
