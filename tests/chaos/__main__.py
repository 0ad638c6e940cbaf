"""`python -m tests.chaos`: so many runs, each from its seed; the last line says whether all books agree."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Final

from deploy.local.free_ports import free_ports
from deploy.local.installation import Installation, make_installation
from services.runtime.ports import Ports
from tests.chaos.books import MAIL_MICROS, Books
from tests.chaos.plan import MAKERS, MOST_INSTANCES, SCALABLE, Plan, make_plan
from tests.chaos.run import Outcome, Run
from tests.chaos.strings import CLOCK_LIBRARY, Strings

SETTINGS: Final = {
    "PEAL_RATE_EMAIL": "120", "PEAL_RATE_SMS": "80", "PEAL_RATE_WHATSAPP": "80",
    "PEAL_PRICE_EMAIL_MICROS": str(MAIL_MICROS), "PEAL_UNCERTAIN_DEADLINE_S": "20", "PEAL_UNCERTAIN_INTERVAL_S": "1",
    "PEAL_SWEEP_INTERVAL_S": "10",
}  # fmt: skip
"""Slow enough that faults strike in the middle; deadlines of minutes are seconds."""
RESULTS: Final = Path(".peal/chaos.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; each further one has the next")
    parser.add_argument("--only", nargs="*", default=[], choices=sorted(MAKERS), help="kinds of fault; default: all")
    parser.add_argument("--fresh-every", type=int, default=10, help="runs on one installation")
    parser.add_argument("--keep", type=Path, help="folder to leave an installation in whose books did not agree")
    arguments = parser.parse_args()
    if CLOCK_LIBRARY is None:
        print("no clock is stepped: libfaketime is missing (apt install libfaketime)")
    outcomes = asyncio.run(_all(arguments))
    total = Books()
    for outcome in outcomes:
        total.add(outcome.books)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"runs": [asdict(o) for o in outcomes], "total": asdict(total)}, indent=1))
    print(
        f"chaos: {len(outcomes)} runs, {total.planned} messages planned: lost {total.lost}, doubled {total.doubled}, "
        f"over budget {total.over_budget}, wrong Completed {total.wrong_completed}, stuck {total.stuck}, "
        f"other {total.other}; assumed {total.assumed}"
    )
    return 1 if total.differences or len(outcomes) < arguments.runs else 0


async def _all(arguments: argparse.Namespace) -> list[Outcome]:
    outcomes: list[Outcome] = []
    while len(outcomes) < arguments.runs:
        outcomes += await _on_one_installation(arguments, len(outcomes))
        if outcomes[-1].books.differences and arguments.keep:
            break
    return outcomes


def chaos_installation(folder: Path, ports: Ports, strings: Strings) -> Installation:
    given = SETTINGS | {"PEAL_FAIL_POINTS": str(strings.fail_points)}
    scale = dict.fromkeys(SCALABLE, MOST_INSTANCES)
    return make_installation(folder, ports, given, scale, strings.environments())


async def idle_extras(installation: Installation) -> None:
    """One instance of each service; the others wait for their turn."""
    for name in SCALABLE:
        for number in range(1, MOST_INSTANCES):
            await installation.stack.stop_service(f"{name}-{number}")


async def _on_one_installation(arguments: argparse.Namespace, done: int) -> list[Outcome]:
    """Until enough is done, or something was not exact: what comes after that begins anew."""
    folder = Path(tempfile.mkdtemp(prefix="peal-chaos-"))
    strings = Strings(folder)
    installation = chaos_installation(folder, free_ports(), strings)
    outcomes: list[Outcome] = []
    try:
        await installation.stack.start()
        await idle_extras(installation)
        while done + len(outcomes) < arguments.runs and len(outcomes) < arguments.fresh_every:
            seed = arguments.seed + done + len(outcomes)
            outcomes.append(await _one(installation, make_plan(seed, arguments.only), strings))
            if outcomes[-1].books.differences:
                break
    finally:
        await installation.stack.stop()
        if arguments.keep and outcomes and outcomes[-1].books.differences:
            shutil.copytree(folder, arguments.keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
        shutil.rmtree(folder, ignore_errors=True)
    return outcomes


async def _one(installation: Installation, plan: Plan, strings: Strings) -> Outcome:
    print(f"seed {plan.seed}: {', '.join(f'{fault} at {fault.at_s:.1f}' for fault in plan.faults)}", flush=True)
    run = Run(installation, plan, strings)
    try:
        outcome = await run.run()
    except Exception as error:
        traceback.print_exception(error, file=sys.stderr)
        outcome = Outcome(plan.seed, books=Books(stuck=1, notes=[f"the run itself failed: {error!r}"]))
    books = outcome.books
    verdict = "exact" if not books.differences else "NOT EXACT"
    print(
        f"  {verdict} in {outcome.seconds:.0f} s: planned {books.planned}, lost {books.lost}, doubled {books.doubled}, "
        f"over budget {books.over_budget}, stuck {books.stuck}, other {books.other}, assumed {books.assumed}; "
        f"{' '.join(told for told in outcome.told if told.startswith('('))}",
        flush=True,
    )
    for note in books.notes:
        print("  " + note, flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
