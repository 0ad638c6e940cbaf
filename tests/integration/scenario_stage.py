"""Scenario files (examples/scenarios): a campaign, people who behave as scripted, and what must have become of each."""

from __future__ import annotations

import asyncio
import html
import re
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml
from installation_desk import Desk
from rich.console import Console

from services.cli import explain as explain_command
from services.runtime.clickhouse import make_clickhouse
from services.runtime.settings import Settings

FOLDER = Path(__file__).parents[2] / "examples" / "scenarios"
PATIENCE_S = 150.0
LEFT = {"accepted", "delivered", "read", "clicked", "replied", "unsubscribed", "complained", "bounced"}
NEVER_LEFT = {"suppressed", "planned", "recalled"}
READING = timedelta(seconds=1.3)
"""Between the arrival of a message and a person's click."""
LOOK_S = 0.5
EVENTS = "SELECT send_id, toString(status), min(occurred_at) FROM delivery_events GROUP BY send_id, status"
SENDS = "SELECT send_id, toString(status), reason FROM sends"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
PREVIEW = "WhatsApp/2.23.20.0 A"


@dataclass
class Scenario:
    name: str
    told: dict[str, Any]
    """The file."""
    explained: list[str] = field(default_factory=list)
    """What `peal explain` said, in order: in the middle where the file asks for it, and at the end."""
    problems: list[str] = field(default_factory=list)
    forgotten: dict[str, str] = field(default_factory=dict)
    """Person -> the name under which the ledger has somebody who was erased."""

    @property
    def campaign_id(self) -> str:
        return self.name

    @property
    def people(self) -> dict[str, dict[str, Any]]:
        crowd = self.told.get("crowd", {})
        extras = {f"a{n:02d}": {"name": f"N{n}"} | crowd for n in range(crowd.get("count", 0))}
        return extras | self.told.get("people", {})

    def contact(self, person: str) -> str:
        return f"{person}.{self.name}"

    def address(self, person: str, channel: str) -> str:
        told = (self.people | self.told.get("contacts", {}))[person]
        if channel == "email":
            return str(told.get("email", f"{person}@{self.name}.example.com"))
        number = zlib.crc32(self.contact(person).encode()) % 10**8
        return str(told.get("phone", f"+9198{number:08d}"))

    def traits(self) -> dict[str, list[str]]:
        return {
            self.address(person, channel): told["does"]
            for person, told in self.people.items()
            if told.get("does")
            for channel in ("email", "sms")
            if self.address(person, channel)
        }

    def recipients(self) -> list[dict[str, Any]]:
        kept = ("name", "opt_in", "attributes", "zone")
        return [
            {name: told[name] for name in kept if name in told}
            | {"id": self.contact(person), "email": self.address(person, "email"), "phone": self.address(person, "sms")}
            for person, told in self.people.items()
        ]

    def campaign(self) -> dict[str, Any]:
        given: dict[str, Any] = {"id": self.campaign_id, **at_now(self.told["campaign"], datetime.now(UTC))}
        return given if "audience" in given else given | {"audience": {"recipients": self.recipients()}}

    def send(self, person: str, step: int | str) -> str:
        """Its id at the provider."""
        return f"{self.campaign_id}/{step}/{self.contact(person)}"

    def entry(self, person: str, step: int) -> str:
        """Its id in the ledger."""
        return f"{self.campaign_id}/{step}/{self.forgotten.get(person, self.contact(person))}"

    @property
    def expected(self) -> dict[tuple[str, int], str]:
        """Person and step -> status and reason."""
        told = self.told["expect"].items()
        return {(person, step): str(fate) for person, fates in told for step, fate in fates.items()}


def at_now(told: Any, now: datetime) -> Any:
    """`now-2h` becomes what the clocks of UTC show then, `now-1m day` the date as well."""
    if isinstance(told, dict):
        return {name: at_now(value, now) for name, value in told.items()}
    if isinstance(told, list):
        return [at_now(value, now) for value in told]
    if isinstance(told, str) and (found := re.fullmatch(r"now([+-]\d+)([mh])( day)?", told)):
        at = now + int(found[1]) * (timedelta(minutes=1) if found[2] == "m" else timedelta(hours=1))
        return f"{at:%Y-%m-%dT%H:%M}" if found[3] else f"{at:%H:%M}"
    return told


def habits(told: dict[str, int], now: datetime) -> list[datetime]:
    """`now+3h: 2` means: at that time of the day, on each of the last two days."""
    times = {at_now(f"{time} day", now): days for time, days in told.items()}
    first = {datetime.fromisoformat(time).replace(tzinfo=UTC): days for time, days in times.items()}
    return [at - timedelta(days=day) for at, days in first.items() for day in range(1, days + 1)]


def scenarios() -> list[Scenario]:
    return [Scenario(path.stem, yaml.safe_load(path.read_text())) for path in sorted(FOLDER.glob("*.yaml"))]


class Watch:
    """Looks at the ledger for all scenarios at once: each with a look of its own would keep ClickHouse busy."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.fates: dict[str, str] = {}
        """Send id -> status and reason."""
        self.history: dict[str, dict[str, datetime]] = {}
        """Send id -> status -> when it was told of first."""
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        client = await make_clickhouse(self.settings)
        try:
            while True:
                events = (await client.query(EVENTS)).result_rows
                self.fates = {row[0]: f"{row[1]} {row[2]}".strip() for row in (await client.query(SENDS)).result_rows}
                self.history = {}
                for send, status, at in events:
                    self.history.setdefault(send, {})[status] = at.replace(tzinfo=UTC)
                async with self._changed:
                    self._changed.notify_all()
                await asyncio.sleep(LOOK_S)
        finally:
            await client.close()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(condition)


class Director:
    """Plays one scenario on an installation that others use too."""

    def __init__(self, scenario: Scenario, desk: Desk, watch: Watch) -> None:
        self.scenario, self.desk, self.watch = scenario, desk, watch

    async def play(self) -> None:
        """Afterwards the scenario holds what was explained, and every difference from what was expected."""
        scenario = self.scenario
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._prepare()
                await asyncio.gather(*[self._act(act) for act in self._grouped()])
                await self.watch.until(lambda: not self._differences())
        except TimeoutError:
            scenario.problems += [f"not within {PATIENCE_S:.0f} s: {self._differences()}"]
        await self._count()
        for person in scenario.told.get("explain", scenario.told["expect"]):
            scenario.explained.append(await self._explain(person))

    async def _prepare(self) -> None:
        scenario = self.scenario
        for person, told in (scenario.people | scenario.told.get("contacts", {})).items():
            for channel in told.get("opt_out", ()):
                await self.desk.consent(scenario.contact(person), channel, "opted_out")
            if told.get("erased"):
                await self._do_erase(person)
        for person, told in scenario.told.get("contacts", {}).items():
            fields = {name: value for name, value in told.items() if name not in ("opened", "opt_out")}
            body = fields | {"email": scenario.address(person, "email")}
            await self.desk.ask("PUT", f"/contacts/{scenario.contact(person)}", json=body)
            await self.desk.opened_before(scenario.contact(person), habits(told.get("opened", {}), datetime.now(UTC)))
        await self.desk.ask("POST", "/campaigns", json=scenario.campaign())
        if scenario.told.get("launch", True):
            await self.desk.order(scenario.campaign_id, "launch")

    def _grouped(self) -> list[list[dict[str, Any]]]:
        """Acts of one moment follow each other; those of different moments wait side by side."""
        groups: dict[str, list[dict[str, Any]]] = {}
        for act in self.scenario.told.get("acts", ()):
            groups.setdefault(act["when"], []).append(act["do"])
        return [[{"when": when}, *acts] for when, acts in groups.items()]

    async def _act(self, acts: list[dict[str, Any]]) -> None:
        person, step, status = acts[0]["when"].split()
        send = self.scenario.send(person, step)
        await self.watch.until(lambda: status in self.watch.history.get(send, {}))
        for act in acts[1:]:
            ((verb, what),) = act.items()
            await getattr(self, f"_do_{verb}")(what)

    async def _do_follow(self, whose: str) -> None:
        await self._visit(whose, BROWSER)

    async def _do_preview(self, whose: str) -> None:
        await self._visit(whose, PREVIEW)

    async def _do_resolve(self, what: list[Any]) -> None:
        person, step, fate = what
        path = f"/uncertain/{self.scenario.campaign_id}/{step}/{self.scenario.contact(person)}/resolve"
        await self.desk.ask("POST", path, json={"as": fate})

    async def _do_order(self, verb: str) -> None:
        await self.desk.order(self.scenario.campaign_id, verb)

    async def _do_erase(self, person: str) -> None:
        """To the end."""
        contact = self.scenario.contact(person)
        code, _, complaint = await self.desk.command("erase", contact, "--yes", "--wait")
        assert code == 0, complaint
        self.scenario.forgotten[person] = self.desk.pseudonym(contact)

    async def _do_explain(self, what: list[str]) -> None:
        """Of a person, as soon as the account says so."""
        person, words = what
        while words not in (text := await self._explain(person)):
            await asyncio.sleep(LOOK_S)
        self.scenario.explained.append(text)

    async def _visit(self, whose: str, agent: str) -> None:
        person, step = whose.split()
        send = self.scenario.send(person, step)
        message = next(m for m in await self.desk.received(self.scenario.campaign_id) if m["send_id"] == send)
        arrived = max(at for status, at in self.watch.history[send].items() if status in ("accepted", "delivered"))
        await asyncio.sleep(max(0.0, (arrived + READING - datetime.now(UTC)).total_seconds()))
        url = re.search(r"https?://[^\s\"]+/r/[A-Za-z0-9_-]+", html.unescape(message["body"]))
        assert url, message["body"]
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(url[0], headers={"User-Agent": agent})
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"].startswith(self.scenario.told["campaign"]["body"]["link"]), answer.headers

    def _differences(self) -> dict[str, tuple[str, str]]:
        """Send -> what is and what should be."""
        found = {
            send: (self.watch.fates.get(send, "planned"), fate)
            for (person, step), fate in self.scenario.expected.items()
            for send in (self.scenario.entry(person, step),)
        }
        return {send: (fate, expected) for send, (fate, expected) in found.items() if fate != expected}

    async def _count(self) -> None:
        """Nothing reached a provider twice, and what is told to have left, and nothing else, is there."""
        times = Counter(message["send_id"] for message in await self.desk.received(self.scenario.campaign_id))
        self.scenario.problems += [f"{send} reached the provider {n} times" for send, n in times.items() if n > 1]
        for (person, step), expected in self.scenario.expected.items():
            send, status = self.scenario.send(person, step), expected.split()[0]
            if (status in LEFT and not times[send]) or (status in NEVER_LEFT and times[send]):
                self.scenario.problems.append(f"{send} is {expected}, and reached the provider {times[send]} times")

    async def _explain(self, person: str) -> str:
        contact = self.scenario.contact(person)
        found = (await self.desk.ask("GET", f"/campaigns/{self.scenario.campaign_id}/explain/{contact}")).json()
        return f"$ peal explain {self.scenario.campaign_id} {contact}\n{timeless(printed(found))}"


def printed(found: dict[str, Any]) -> str:
    """What the command prints of an answer of REST, on paper of 160 columns."""
    paper = Console(width=160, no_color=True, highlight=False)
    with paper.capture() as capture:
        explain_command.show(untimed(found), paper)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def untimed(told: Any) -> Any:
    """All words without their times, before lines are broken in the middle of one."""
    if isinstance(told, dict):
        return {name: value if name == "at" else untimed(value) for name, value in told.items()}
    if isinstance(told, list):
        return [untimed(value) for value in told]
    return timeless(told) if isinstance(told, str) else told


def timeless(text: str) -> str:
    """With every time and date taken out."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "<time>", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "<time>", text)
    text = re.sub(r"\d\d:00 (?=[A-Z][\w/]*, (?:when|the best))", "<time> ", text)
    day = r"\d+ [A-Z][a-z]{2}(?: \d{4})? "
    text = re.sub(rf"(?<=(?:until|since) )(?:{day}at )?\d\d:\d\d", "<time>", text)
    return re.sub(rf"(?:on {day})?at \d\d:\d\d", "at <time>", text)
