"""Planned, ledger, what providers took, and money: held against each other, person by person."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from schemas import Status
from services.domain.reconcile import LedgerSend, reconcile
from tests.chaos.caps import wrong_caps
from tests.chaos.chains import wrong_chains
from tests.chaos.desk import Desk
from tests.chaos.money import Purse, overdrawn, wrong_costs
from tests.chaos.plan import CampaignPlan

CALLBACKS_S: Final = 300.0
"""How long they may still be on their way: a busy machine takes minutes for some thousands."""
NAMED: Final = 3
"""Differences of one kind that are reported with their whole history."""


@dataclass
class Books:
    """Zero everywhere is exact."""

    lost: int = 0
    doubled: int = 0
    over_budget: int = 0
    wrong_completed: int = 0
    stuck: int = 0
    other: int = 0
    """Unplanned, unknown to the ledger, counted otherwise than listed, or at another cost than the rate card's."""
    planned: int = 0
    assumed: int = 0
    """Uncertain until the deadline, and then assumed sent: no difference, but not to be more than was on the wire."""
    notes: list[str] = field(default_factory=list)

    @property
    def differences(self) -> int:
        return self.lost + self.doubled + self.over_budget + self.wrong_completed + self.stuck + self.other

    def add(self, other: Books) -> None:
        for name in ("lost", "doubled", "over_budget", "wrong_completed", "stuck", "other", "planned", "assumed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.notes += other.notes


async def check(desk: Desk, campaign_id: str, plan: CampaignPlan, purse: Purse) -> Books:
    """After its end. `purse`: the most that its budget ever was."""
    stats, sends = await _at_rest(desk, campaign_id)
    received = await desk.received(campaign_id)
    steps = range(1, len(plan.channels) + 1)
    planned = [f"{campaign_id}/{step}/{contact}" for step in steps for contact in plan.contacts]
    known = [send for send in sends if send["status"] != "planned"]  # of the others nothing is known
    listed = [LedgerSend(send["send_id"], Status(send["status"]), send["reason"]) for send in known]
    result = reconcile(planned, listed, [m["send_id"] for m in received])
    books = Books(planned=len(planned), lost=len(result.lost), doubled=len(result.doubled))
    books.assumed = stats["assumed"]
    cancelled = stats["status"] == "cancelled"
    missing = [] if cancelled else result.missing
    books.wrong_completed = 0 if cancelled else len(result.open) + len(missing)
    books.other = len(result.unplanned) + len(result.untold)
    if stats["settled"] != stats["planned"] or stats["planned"] != len(planned) or stats["open"]:
        books.other += 1
        books.notes.append(f"{campaign_id}: counts {stats['settled']}+{stats['open']} of {stats['planned']}")
    if not cancelled and (said := _recount(stats, sends)):
        books.other += 1
        books.notes.append(f"{campaign_id}: {said}")
    _check_money(books, stats, known, received, purse)
    if not cancelled:
        needless = wrong_chains(plan.steps, known, received, reopened=bool(plan.affordable))
        books.other += len(needless)
        books.notes += [f"{campaign_id}: {found}" for found in needless[:NAMED]]
    if plan.cap:
        excess = wrong_caps(plan.cap, known)
        books.other += len(excess)
        books.notes += [f"{campaign_id}: {found}" for found in excess[:NAMED]]
    if not cancelled and purse.total == Purse(plan.channels, plan.people).total and (left := _over_budget(stats)):
        books.other += 1
        books.notes.append(f"{campaign_id}: {left} are over budget, although it was raised to pay for everybody")
    for kind in ("lost", "doubled", "open", "missing", "unplanned", "untold"):
        found: Sequence[str] = missing if kind == "missing" else getattr(result, kind)
        if cancelled and kind == "open":
            continue
        for send_id in found[:NAMED]:
            books.notes.append(await history(desk, kind, send_id, received))
    return books


def _check_money(
    books: Books,
    stats: dict[str, Any],
    sends: Sequence[dict[str, Any]],
    received: Sequence[dict[str, Any]],
    purse: Purse,
) -> None:
    """Caps by channel, what each send cost, their sum, and that nothing is set aside any more."""
    name = stats["campaign_id"]
    for found in overdrawn(purse, sends, received):
        books.over_budget += 1
        books.notes.append(f"{name}: {found}")
    wrong = wrong_costs(sends, received)
    books.other += len(wrong)
    books.notes += wrong[:NAMED]
    if (spent := sum(send["cost_micros"] for send in sends)) != stats["spent_micros"]:
        books.other += 1
        books.notes.append(f"{name}: {stats['spent_micros']} micros in the figures, {spent} in the list")
    if stats["status"] == "completed" and stats["reserved_micros"]:
        books.other += 1
        books.notes.append(f"{name}: completed with {stats['reserved_micros']} micros set aside")


async def _at_rest(desk: Desk, campaign_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Figures and list of one moment: callbacks may still come in long after the end. Raises TimeoutError.

    What two moments say may differ without anything being wrong; a difference that stays is one, and is reported.
    """
    deadline = time.monotonic() + CALLBACKS_S
    while True:
        told = not await desk.callbacks_pending()
        stats, sends = await desk.stats(campaign_id), await desk.sends(campaign_id)
        again = await desk.stats(campaign_id)
        same = all(stats[name] == again[name] for name in ("by_channel", "spent_micros"))
        late = time.monotonic() > deadline
        if late and not (told and same):
            raise TimeoutError(f"{campaign_id}: callbacks still change the figures {CALLBACKS_S:.0f} s after the end")
        if late or (told and same and not _recount(stats, sends)):
            return stats, sends
        await asyncio.sleep(1)


def _over_budget(stats: dict[str, Any]) -> int:
    return sum(figures["suppressed_by_reason"].get("over_budget", 0) for figures in stats["by_channel"].values())


def _recount(stats: dict[str, Any], sends: Sequence[dict[str, Any]]) -> str:
    """Whether the numbers shown are those of the list shown."""
    listed = Counter(send["status"] for send in sends)
    for status in ("suppressed", "failed", "uncertain", "recalled", "queued"):
        shown = sum(figures[status] for figures in stats["by_channel"].values())
        if shown != listed[status]:
            return f"{status}: {shown} in the figures, {listed[status]} in the list"
    return ""


async def history(desk: Desk, kind: str, send_id: str, received: Sequence[dict[str, Any]]) -> str:
    contact = send_id.rpartition("/")[2]
    events = [e for e in await desk.ledger(contact) if e["send_id"] == send_id]
    lines = [f"{kind}: {send_id}"]
    lines += [
        f"    {e['occurred_at']} {e['status']}({e['reason']}) attempt {e['attempt']} by {e['source']}" for e in events
    ]
    lines += [
        f"    {m['received_at']} taken by the provider, attempt {m['attempt']}"
        for m in received
        if m["send_id"] == send_id
    ]
    return "\n".join(lines)
