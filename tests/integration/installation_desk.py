"""What an operator of a whole installation has: REST, the `peal` command, metrics, and a look at what arrived."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from ulid import ULID

from deploy.local.free_ports import free_ports
from deploy.local.installation import Installation, make_installation
from schemas import Status
from services.domain.erasure import Hasher
from services.domain.reconcile import LedgerSend, Reconciliation, reconcile
from services.runtime.clickhouse import make_clickhouse
from tests.chaos import desk as patient

PATIENCE_S = 120.0
Stats = dict[str, Any]


@contextmanager
def running(folder: Path, given: Mapping[str, str], scale: Mapping[str, int] | None = None) -> Iterator[Installation]:
    """Everything that `peal up` starts, in a folder and on ports of its own; ready inside the block."""
    made = make_installation(folder, free_ports(), given, scale)
    with asyncio.Runner() as runner:
        try:
            runner.run(made.stack.start())
            yield made
        finally:
            runner.run(made.stack.stop())


class Desk(patient.Desk):
    def __init__(self, installation: Installation) -> None:
        super().__init__(installation.access)
        self.rest.timeout = httpx.Timeout(60)
        self.stack = installation.stack

    async def draft(self, people: int | list[dict[str, Any]], **changes: Any) -> str:
        """A campaign by email, or as `changes` say, to people p0, p1... of its own; its id."""
        campaign_id = str(changes.setdefault("id", f"desk-{ULID()}".lower()))
        listed = mailed(campaign_id, people) if isinstance(people, int) else people
        channels = {} if "steps" in changes else {"channels": ["email"]}
        campaign = {"name": "Desk", "body": {"text": "First words, {{ name }}"}, "audience": {"recipients": listed}}
        await self.ask("POST", "/campaigns", json={**campaign, **channels, **changes})
        return campaign_id

    async def launch(self, people: int | list[dict[str, Any]], **changes: Any) -> str:
        campaign_id = await self.draft(people, **changes)
        await self.order(campaign_id, "launch")
        return campaign_id

    async def order(self, campaign_id: str, verb: str, **body: Any) -> datetime:
        """Returns when it was accepted."""
        response = await self.ask("POST", f"/campaigns/{campaign_id}/{verb}", json=body)
        return datetime.fromisoformat(response.json()["at"])

    async def consent(self, contact: str, channel: str, state: str) -> None:
        await self.ask("POST", "/consents", json={"contact": contact, "channel": channel, "state": state})

    async def opened_before(self, contact: str, times: Sequence[datetime]) -> None:
        """As the ledger would have it, had the brand sent them something before."""
        rows = [
            [f"default/{contact}", f"old-{contact}-{n}", 1, "email", 1, "read", n, at] for n, at in enumerate(times)
        ]
        columns = ["recipient_id", "campaign_id", "step", "channel", "attempt", "status", "ord", "occurred_at"]
        if not rows:
            return
        clickhouse = await make_clickhouse(self.stack.settings)
        try:
            await clickhouse.insert("delivery_events", rows, column_names=columns)
        finally:
            await clickhouse.close()

    def pseudonym(self, contact: str) -> str:
        """The name that is left of somebody who has been erased."""
        hasher = Hasher(self.stack.environment_for("tracker")["PEAL_MASTER_KEY"])
        return hasher.pseudonym(f"default/{contact}").partition("/")[2]

    async def until(self, campaign_id: str, condition: Callable[[Stats], bool]) -> Stats:
        """Its figures, as soon as they are so."""
        stats: Stats = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition(stats := await self.stats(campaign_id)):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pytest.fail(f"not within {PATIENCE_S} s: {stats}")
        return stats

    async def times(self, campaign_id: str) -> Counter[str]:
        """How often each send reached the provider."""
        return Counter(message["send_id"] for message in await self.received(campaign_id))

    async def fate(self, campaign_id: str, contact: str, step: int = 1) -> tuple[str, str]:
        """Status and reason of the last that is known of a send; empty where nothing is."""
        items = (await self.ask("GET", f"/sends/{campaign_id}/{step}/{contact}")).json()["events"]
        return (items[-1]["status"], items[-1]["reason"]) if items else ("", "")

    async def reckon(self, campaign_id: str, people: int, steps: int = 1) -> Reconciliation:
        """The sandbox's own list against the ledger, person by person."""
        told = [item for item in await self.sends(campaign_id) if item["status"] != "planned"]
        sends = [LedgerSend(item["send_id"], Status(item["status"]), item["reason"]) for item in told]
        planned = [f"{campaign_id}/{step}/p{i}" for step in range(1, steps + 1) for i in range(people)]
        return reconcile(planned, sends, [message["send_id"] for message in await self.received(campaign_id)])

    async def command(self, *arguments: str) -> tuple[int, str, str]:
        """`peal` with `arguments`: its exit code, what it printed, what it complained of."""
        environment = {
            **os.environ, **self.stack.environment_for("planner"), "PEAL_API_KEY": self.access.api_key,
            "PEAL_CONSOLE_URL": self.access.console_url,
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.cli.main", *arguments, env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        printed, complaint = await process.communicate()
        assert process.returncode is not None
        return process.returncode, printed.decode(), complaint.decode()

    async def peal(self, *arguments: str) -> tuple[int, Any]:
        """Exit code, and what a command with --json prints; without any, what it complained of."""
        code, printed, complaint = await self.command(*arguments, "--json")
        return code, json.loads(printed) if printed else complaint

    async def metric(self, service: str, name: str, **labels: str) -> float:
        """Sum of a service's metric over all labels that are not named; 0 where it has not been counted yet."""
        port = self.stack.ports.metrics(service)
        text = (await self.ask("GET", f"http://127.0.0.1:{port}/metrics")).text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())


def mailed(campaign_id: str, people: int) -> list[dict[str, Any]]:
    return [{"id": f"p{i}", "name": f"N{i}", "email": f"{campaign_id}.{i}@example.com"} for i in range(people)]


def sent(count: int, channel: str = "email") -> Callable[[Stats], bool]:
    return lambda stats: stats["by_channel"].get(channel, {}).get("sent", 0) >= count


def completed(stats: Stats) -> bool:
    return bool(stats["status"] == "completed")
