"""Caps of a run: nobody gets more than allowed, and nobody less without as many under way. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from schemas import Status, Suppression

GIVEN_BACK: Final = {Status.SUPPRESSED, Status.FAILED, Status.FAILED_RETRYABLE, Status.RECALLED}
"""What stands so takes no place of the cap."""


def wrong_caps(cap: int, sends: Iterable[Mapping[str, Any]]) -> list[str]:
    """People of a campaign that only its own messages count for, and who got more than `cap`, or less for no reason."""
    people: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for send in sends:
        people[send["send_id"].rpartition("/")[2]].append(send)
    found = []
    for contact, known in people.items():
        gone = [send for send in known if Status(send["status"]) not in GIVEN_BACK]
        routed = [send for send in known if Status(send["status"]) is not Status.SUPPRESSED]
        capped = [send for send in known if send["reason"] == Suppression.FREQUENCY_CAPPED]
        if len(gone) > cap:
            found.append(f"{contact}: {len(gone)} messages, and {cap} were allowed")
        if capped and len(routed) < cap:
            found.append(f"{capped[0]['send_id']}: capped, and only {len(routed)} of {cap} were ever routed")
    return found
