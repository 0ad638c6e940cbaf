"""`peal repair`: set right what keeps a service from going on (exit code 70)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import CommandError
from services.cli.output import Json, out, print_json

if TYPE_CHECKING:
    from services.runtime.repair.look import Finding
    from services.runtime.repair.mend import Repair

KAFKA_PATIENCE_S = 10.0


def repair(
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without this, only say what is wrong.")] = False,
    drained: Annotated[
        bool,
        typer.Option(
            "--drained",
            help="The senders had ended with exit code 0 before their places were lost: nothing was under way, so "
            "nothing becomes uncertain. If that is not so, somebody may be messaged twice.",
        ),
    ] = False,
    people: Annotated[
        bool,
        typer.Option(
            "--people",
            help="After the loss of a whole cluster: tell the router, which has read nothing yet, who opted out "
            "and what was sent.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at every consumer group, and set right what keeps one from going on.

    A place that is missing or was outrun: the group goes on at the start of the log, a sender behind what the ledger
    knows to be over; what was queued and is gone is routed anew, and what may have been called is uncertain, never
    called again. The router's changelog, when it is empty: made again from the ledger and the consents. The services
    concerned must be down, the tracker must run. May be repeated at will.

    Exit codes: 0 nothing to do, or done; 4 a service runs that must not, or the reverse; 5 there is something to do and
    --yes was not given; 1 anything else.
    """
    findings, done = asyncio.run(_repair(yes, drained, people, as_json))
    if as_json:
        print_json({"findings": [{**f.place._asdict(), "trouble": f.trouble, "words": f.words} for f in findings],
                    "done": done})  # fmt: skip
    elif not findings:
        out.print("Nothing to do: every group can go on from where it is.")
    elif not yes:
        out.print("Nothing is changed. `peal repair --yes` sets it right.")
    if findings and not yes:
        raise typer.Exit(5)


async def _repair(yes: bool, drained: bool, people: bool, quiet: bool) -> tuple[list[Finding], list[str]]:
    from services.runtime.kafka import wait_for_kafka  # here, so that the other commands start at once
    from services.runtime.providers import ProviderSettings
    from services.runtime.repair.look import look
    from services.runtime.repair.mend import Repair

    settings, done = ProviderSettings(), list[str]()

    def tell(line: str) -> None:
        done.append(line)
        if not quiet:
            out.print(line, markup=False, highlight=False, soft_wrap=True)

    await wait_for_kafka(settings, KAFKA_PATIENCE_S)
    findings = await look(settings, people=people)
    if not quiet:
        for finding in findings:
            out.print(f"- {finding.words}", markup=False, highlight=False, soft_wrap=True)
    if yes and findings:
        await _mend(Repair(settings, drained=drained, tell=tell), findings)
    return findings, done


async def _mend(work: Repair, findings: list[Finding]) -> None:
    from services.runtime.errors import RetryLaterError

    try:
        await work.mend(findings)
    except RetryLaterError as error:
        raise CommandError(str(error), 4) from None
