"""Reminders and fallbacks of a run: each had its reason, and no fallback overtook what it stands in for. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from schemas import ENGAGED, EVIDENCE, RANK, Status
from services.domain.eligibility import head_of

SPEAKS_OF_ENGAGEMENT: Final = ENGAGED | {Status.UNSUBSCRIBED, Status.COMPLAINED}
"""The last two outrank an opening in the list, and hide it."""


class Step(NamedTuple):
    channel: str
    only_if: str = "always"


def wrong_chains(
    steps: Sequence[Step], sends: Iterable[Mapping[str, Any]], received: Iterable[Mapping[str, Any]], *, reopened: bool
) -> list[str]:
    """Sends that were left out for no reason, or that overtook another. `reopened`: a raised budget took up sends that
    had been given up, so that what had stood in for them came first."""
    people: dict[str, dict[int, Mapping[str, Any]]] = defaultdict(dict)
    for send in sends:
        people[send["send_id"].rpartition("/")[2]][send["step"]] = send
    taken = {message["send_id"]: message["received_at"] for message in received}
    found = []
    for known in people.values():
        for number, send in known.items():
            head = head_of(steps, number)
            chain = [known[before] for before in range(head, number) if before in known]
            if send["reason"] == "already_delivered" and not any(_arrived(before) for before in chain):
                found.append(f"{send['send_id']}: left out as already delivered, and nothing before it has arrived")
            if send["reason"] == "engaged_elsewhere" and not any(_engaged(other) for other in known.values()):
                found.append(f"{send['send_id']}: left out as engaged elsewhere, and the person never engaged")
            late = [before["send_id"] for before in chain if _later(taken, before["send_id"], send["send_id"])]
            if late and not reopened:
                found.append(f"{send['send_id']}: taken by the provider before {late[0]}, which it stands in for")
    return found


def _arrived(send: Mapping[str, Any]) -> bool:
    return RANK[Status(send["status"])] >= EVIDENCE


def _engaged(send: Mapping[str, Any]) -> bool:
    return Status(send["status"]) in SPEAKS_OF_ENGAGEMENT


def _later(taken: Mapping[str, str], before: str, fallback: str) -> bool:
    return before in taken and fallback in taken and taken[before] > taken[fallback]
