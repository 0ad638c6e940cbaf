"""Which of a person's waiting requests is judged first: by their campaigns' priority, so that it gets the last place
under a cap. What is said keeps the order of the requests: a lower offset behind a higher one is a repeat to a sender.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from services.domain.eligibility import CampaignRules
from services.domain.messages import SendRequest
from services.router.reader import Input

Waiting = list[tuple[Any, SendRequest]]


def contested(inputs: Iterable[Input], campaigns: Mapping[str, CampaignRules]) -> dict[bytes, Waiting]:
    """By person: the requests of this round, the highest priority first, where several campaigns ask and one of them
    has a cap. In all other cases the order makes no difference."""
    requests = [(source, event) for source, event in inputs if isinstance(event, SendRequest)]
    known = {name: campaigns.get(name) for name in {request.campaign_id for _, request in requests}}
    if len(known) < 2 or not any(rules is not None and rules.limits.caps for rules in known.values()):
        return {}
    found = defaultdict[bytes, Waiting](list)
    for source, request in requests:
        found[source.key].append((source, request))

    def turn(waiting: tuple[Any, SendRequest]) -> int:
        rules = known[waiting[1].campaign_id]
        return -rules.priority if rules is not None else 0

    return {key: sorted(waiting, key=turn) for key, waiting in found.items() if len(waiting) > 1}
