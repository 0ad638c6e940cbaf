"""A round: what was fetched becomes new state and what is said about it. Nothing is written here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final

from schemas.status import RANK, Status
from schemas.topics import send_topic
from services.domain.eligibility import (
    DEAD_LETTER,
    SOURCES,
    CampaignRules,
    Event,
    Record,
    Route,
    Send,
    Suppress,
    conditions,
    decide,
    decode_record,
    encode_record,
    fingerprint,
    milliseconds,
    new_record,
    observe,
    prune,
    recalls,
)
from services.domain.messages import SendRequest
from services.router.buffers import Share
from services.router.destinations import Destinations
from services.router.forgotten import Forgotten, mark, refusal
from services.router.inputs import Bad
from services.router.outputs import Outputs
from services.router.reader import Input, Reader
from services.router.restore import WRITTEN, People
from services.router.turns import contested
from services.runtime import metrics
from services.runtime.registry import Registry

_INDEX: Final = {topic: index for index, topic in enumerate(SOURCES)}
_QUEUED, _SUPPRESSED, _FAILED = RANK[Status.QUEUED], RANK[Status.SUPPRESSED], RANK[Status.FAILED]
_CLOSED: Final = frozenset({"completed", "cancelled"})


class Judge:
    """`people` is this worker's state; a round changes it at once, so a round that fails must end the process."""

    def __init__(
        self,
        people: People,
        changelog: str,
        campaigns: Registry[CampaignRules],
        destinations: Destinations,
        keep: timedelta,
        forgotten: Forgotten | None = None,
    ) -> None:
        self.people, self.changelog, self.campaigns, self.destinations = people, changelog, campaigns, destinations
        self.keep, self.forgotten = keep, forgotten or Forgotten(None)
        self.reader = Reader(people, destinations.wanted)
        self._verdicts = Counter[tuple[str, str]]()

    async def round(self, shares: Sequence[Share], now: datetime) -> tuple[Outputs, Outputs]:
        """The new states and what is said: all of the first are to be acked before any of the second is sent."""
        states, said = Outputs(now), Outputs(now)
        work = [(share.partition, self.reader.read(share, said)) for share in shares]
        await self._learn([event for _, inputs in work for _, event in inputs if isinstance(event, SendRequest)])
        closed = self._closed_campaigns(now)
        for partition, inputs in work:
            self._judge_partition(partition, inputs, closed, states, said)
            await asyncio.sleep(0)  # health checks and registries have their turn
        self._count(shares)
        return states, said

    async def _learn(self, requests: list[SendRequest]) -> None:
        """What these requests name must be known, if it exists at all."""
        known = self.campaigns.items
        asked = {(request.campaign_id, request.epoch) for request in requests}
        if any((campaign := known.get(name)) is None or campaign.epoch < epoch for name, epoch in asked):
            await self.campaigns.catch_up()
        await self.destinations.look_up(requests)

    def _judge_partition(
        self,
        partition: int,
        inputs: Iterable[Input],
        closed: dict[str, datetime],
        states: Outputs,
        said: Outputs,
    ) -> None:
        people, live, dropped = self.people[partition], dict[bytes, Record](), list[bytes]()
        inputs = list(inputs)
        waiting, settled = contested(inputs, self.campaigns.items), set[int]()
        for source, event in inputs:
            key = source.key
            if key not in live and key not in people:
                key = self.forgotten.key_of(key, people, live)
            record = live.get(key)
            if record is None:
                old = people.get(key)
                record = live[key] = decode_record(old) if old else new_record()
                if closed:
                    prune(record, closed, said.now, self.keep)
            index = _INDEX[source.topic]
            fresh = source.offset > record.applied[index]
            if fresh:
                record.applied[index] = source.offset
            if key != source.key:
                self._refuse(record, source, event, said)
            elif (name := self.forgotten.pseudonym(event)) is not None:
                live[name] = mark(live.pop(key), event)
                people.pop(key, None)
                dropped.append(key)
            elif isinstance(event, SendRequest):
                if fresh and source.offset not in settled:  # what waits behind it is fresh too
                    turns = [turn for turn in waiting.pop(key, ()) if turn[0].offset >= source.offset]
                    for turn in turns or [(source, event)]:
                        self._settle(record, *turn, said.now)
                    settled.update(turn[0].offset for turn in turns)
                self._say(record, source, event, said)
            else:
                self._observe(record, source, event, fresh, said)
        changed = {key: encode_record(record) for key, record in live.items()}
        if not changed and not people:
            changed = {WRITTEN: encode_record(new_record())}
        people.update(changed)
        for key, value in changed.items():
            states.add(self.changelog, partition, key, value)
        for key in dropped:
            states.add(self.changelog, partition, key, None)

    def _refuse(self, record: Record, source: Any, event: SendRequest | Event, said: Outputs) -> None:
        """The person has been erased: nothing is remembered of what comes, and no message goes out."""
        if not isinstance(event, SendRequest):
            return
        campaign = self.campaigns.items.get(event.campaign_id)
        if send := refusal(record, source, event, campaign, said.now):
            self._verdicts["suppress", send.reason] += 1
            said.settle(source, event, send, Status.SUPPRESSED)

    def _settle(self, record: Record, source: Any, request: SendRequest, now: datetime) -> None:
        """Judge a request for the first time, and remember the verdict with the request's offset."""
        campaign = self.campaigns.items.get(request.campaign_id)
        verdict = decide(record, request, campaign, now)
        if isinstance(verdict, Route):
            topic = send_topic(request.channel, request.account)
            if self.destinations.known(topic):
                state, reason, detail = _QUEUED, "", verdict.detail
            else:
                state, reason = _FAILED, DEAD_LETTER
                detail = f"account {request.account!r} has no topic {topic}: connect the account, then replay"
        elif isinstance(verdict, Suppress):
            state, reason, detail = _SUPPRESSED, verdict.reason, verdict.detail
        else:
            self._verdicts[verdict.name, ""] += 1
            return
        assert campaign is not None, "only a known campaign routes or suppresses"
        self._verdicts[verdict.name if state != _FAILED else DEAD_LETTER, reason] += 1
        only_if, head = conditions(campaign.steps, request.step)
        record.sends[request.send_id] = Send(
            attempt=request.attempt, state=state, reason=reason, request=source.offset, at=milliseconds(now),
            channel=request.channel, only_if=only_if, head=head,
            address=fingerprint(request.address), detail=detail, transactional=campaign.kind == "transactional",
        )  # fmt: skip

    def _say(self, record: Record, source: Any, request: SendRequest, said: Outputs) -> None:
        """Tell the verdict that this very request got, now or before a crash."""
        send = record.sends.get(request.send_id)
        if send is None or send.request != source.offset:
            return
        if send.state == _QUEUED:
            said.route(send_topic(request.channel, request.account), source, send.detail)
        elif send.state == _SUPPRESSED:
            said.settle(source, request, send, Status.SUPPRESSED)
        elif send.state == _FAILED:
            said.dead_letter(source, Bad("unknown_account", send.detail))
            said.settle(source, request, send, Status.FAILED)
            metrics.dead_letters.labels(source.topic, "unknown_account").inc()

    def _observe(self, record: Record, source: Any, event: Event, fresh: bool, said: Outputs) -> None:
        if fresh:
            observe(record, event)
        for recall in recalls(record, event):
            said.recall(source, event.recipient, recall)
            metrics.recalls_written.labels(recall.reason).inc()

    def _closed_campaigns(self, now: datetime) -> dict[str, datetime]:
        """Campaign -> when it ended, of those that are to be forgotten."""
        return {
            campaign_id: ended
            for campaign_id, campaign in self.campaigns.items.items()
            if campaign.status in _CLOSED
            and (ended := campaign.ended_at or campaign.updated_at) is not None
            and now - ended > self.keep
        }

    def _count(self, shares: Sequence[Share]) -> None:
        for topic, count in Counter(m.topic for share in shares for m in chain(share.first, share.then)).items():
            metrics.router_events.labels(topic).inc(count)
        for (verdict, reason), count in self._verdicts.items():
            metrics.verdicts.labels(verdict, reason).inc(count)
        self._verdicts.clear()
        metrics.router_people.set(sum(map(len, self.people.values())))
