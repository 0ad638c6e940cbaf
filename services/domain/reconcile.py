"""Whether the ledger and the providers tell the same story, person by person. Every difference is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas import EVIDENCE, OPEN, RANK, Status

REACHED = frozenset({Status.ACCEPTED} | {status for status, rank in RANK.items() if rank >= EVIDENCE})
"""A provider has taken the message. `failed` may come before or after that."""


@dataclass(frozen=True)
class LedgerSend:
    """Where a send stands, as the ledger says."""

    send_id: str
    status: Status
    reason: str = ""


@dataclass
class Reconciliation:
    planned: int
    settled: int = 0
    open: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """Planned, and the ledger knows nothing of them."""
    unplanned: list[str] = field(default_factory=list)
    """In the ledger or at a provider, and nobody planned them."""
    doubled: list[str] = field(default_factory=list)
    """Taken by a provider twice."""
    lost: list[str] = field(default_factory=list)
    """The ledger says that a provider took them, and none did."""
    untold: list[str] = field(default_factory=list)
    """A provider took them, and the ledger says that they were never sent."""

    @property
    def exact(self) -> bool:
        return self.settled == self.planned and not any(
            (self.open, self.missing, self.unplanned, self.doubled, self.lost, self.untold)
        )


def reconcile(planned: Iterable[str], ledger: Iterable[LedgerSend], accepted: Iterable[str]) -> Reconciliation:
    """Compare send ids that were planned, sends as the ledger has them, and send ids as providers accepted them.

    An assumed acceptance is no claim that a provider took the message, so its absence there is no loss.
    """
    sends: Mapping[str, LedgerSend] = {send.send_id: send for send in ledger}
    wanted, counts = set(planned), Counter(accepted)
    result = Reconciliation(planned=len(wanted))
    for send_id in sorted(wanted | sends.keys() | counts.keys()):
        send, taken = sends.get(send_id), counts[send_id]
        if send_id not in wanted:
            result.unplanned.append(send_id)
        if taken > 1:
            result.doubled.append(send_id)
        if send is None:
            (result.untold if taken else result.missing).append(send_id)
            continue
        if send.status in OPEN:
            result.open.append(send_id)
        else:
            result.settled += 1
        if send.status in REACHED and not taken and send.reason != "assumed":
            result.lost.append(send_id)
        if taken and send.status in (Status.SUPPRESSED, Status.RECALLED):
            result.untold.append(send_id)
    return result
