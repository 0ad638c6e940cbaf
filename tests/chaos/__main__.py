"""`python -m tests.chaos`: so many runs, each from its seed; the last line says whether all books agree."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from deploy.local.free_ports import free_ports
from deploy.local.installation import Installation, make_installation
from services.runtime.ports import Ports
from tests.chaos.books import Books
from tests.chaos.disks import Disks, NoDisksError, require_disks
from tests.chaos.kinds import ALL_MAKERS, MOST_INSTANCES, ON_DISKS, SCALABLE, TWIN
from tests.chaos.money import PRICES
from tests.chaos.plan import Plan, make_drill, make_plan
from tests.chaos.run import Outcome, Run
from tests.chaos.strings import CLOCK_LIBRARY, Strings

SETTINGS: Final = {
    "PEAL_RATE_EMAIL": "120", "PEAL_RATE_SMS": "80", "PEAL_RATE_WHATSAPP": "80",
    **{f"PEAL_PRICE_{channel.upper()}_MICROS": str(micros) for channel, micros in PRICES.items()},
    "PEAL_UNCERTAIN_DEADLINE_S": "20", "PEAL_UNCERTAIN_INTERVAL_S": "1",
    "PEAL_SWEEP_INTERVAL_S": "10",
}  # fmt: skip
"""Slow enough that faults strike in the middle; deadlines of minutes are seconds."""
RESULTS: Final = Path(".peal/chaos.json")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1, help="of the first run; each further one has the next")
    kinds = sorted(ALL_MAKERS)
    parser.add_argument(
        "--only", nargs="*", default=[], choices=kinds, help="kinds of fault to mix; default: all usual"
    )
    parser.add_argument(
        "--drill",
        nargs="*",
        default=[],
        choices=kinds,
        help="instead: each of these alone, and how long it held all up",
    )
    parser.add_argument("--fresh-every", type=int, default=10, help="runs on one installation")
    parser.add_argument("--keep", type=Path, help="folder to leave an installation in whose books did not agree")
    arguments = parser.parse_args()
    arguments.runs = len(arguments.drill) or arguments.runs
    if _parts_to_fill(arguments):
        try:
            require_disks()
        except NoDisksError as error:
            parser.error(str(error))
    if CLOCK_LIBRARY is None:
        print("no clock is stepped: libfaketime is missing (apt install libfaketime)")
    outcomes = asyncio.run(_all(arguments))
    total = Books()
    for outcome in outcomes:
        total.add(outcome.books)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"runs": [asdict(o) for o in outcomes], "total": asdict(total)}, indent=1))
    recoveries = [outcome.recovery for outcome in outcomes if outcome.recovery]
    late = sum(recovery.too_late for recovery in recoveries)
    for recovery in recoveries:
        print(recovery)
    print(
        f"chaos: {len(outcomes)} runs, {total.planned} messages planned: lost {total.lost}, doubled {total.doubled}, "
        f"over budget {total.over_budget}, wrong Completed {total.wrong_completed}, stuck {total.stuck}, "
        f"other {total.other}; assumed {total.assumed}" + (f"; recovered too late {late}" if recoveries else "")
    )
    return 1 if total.differences or late or len(outcomes) < arguments.runs else 0


def _parts_to_fill(arguments: argparse.Namespace) -> list[str]:
    """Whose data must lie on small file systems."""
    return sorted({ON_DISKS[kind] for kind in (*arguments.only, *arguments.drill) if kind in ON_DISKS})


def _plan(arguments: argparse.Namespace, number: int) -> Plan:
    seed = arguments.seed + number
    return make_drill(seed, arguments.drill[number]) if arguments.drill else make_plan(seed, arguments.only)


async def _all(arguments: argparse.Namespace) -> list[Outcome]:
    outcomes: list[Outcome] = []
    while len(outcomes) < arguments.runs:
        outcomes += await _on_one_installation(arguments, len(outcomes))
        if outcomes[-1].books.differences and arguments.keep:
            break
    return outcomes


INSTANCES: Final = dict.fromkeys(SCALABLE, MOST_INSTANCES)


def chaos_installation(
    folder: Path, ports: Ports, strings: Strings, instances: Mapping[str, int] = INSTANCES
) -> Installation:
    given = SETTINGS | {"PEAL_FAIL_POINTS": str(strings.fail_points)}
    return make_installation(folder, ports, given, instances, strings.environments())


async def idle_extras(installation: Installation, instances: Mapping[str, int] = INSTANCES) -> None:
    """One instance of each service; the others wait for their turn."""
    for name, count in instances.items():
        for number in range(1, count):
            await installation.stack.stop_service(f"{name}-{number}")


async def _on_one_installation(arguments: argparse.Namespace, done: int) -> list[Outcome]:
    """Until enough is done, or something was not exact: what comes after that begins anew."""
    folder = Path(tempfile.mkdtemp(prefix="peal-chaos-"))
    strings, disks = Strings(folder), Disks(folder)
    instances = {TWIN: 2} if arguments.drill else INSTANCES
    installation = chaos_installation(folder, free_ports(), strings, instances)
    outcomes: list[Outcome] = []
    try:
        disks.mount(*_parts_to_fill(arguments))
        await installation.stack.start()
        await idle_extras(installation, instances)
        while done + len(outcomes) < arguments.runs and len(outcomes) < arguments.fresh_every:
            plan = _plan(arguments, done + len(outcomes))
            outcomes.append(await _one(Run(installation, plan, strings, disks)))
            if outcomes[-1].books.differences:
                break
    finally:
        await installation.stack.stop()
        if arguments.keep and outcomes and outcomes[-1].books.differences:
            shutil.copytree(
                folder, arguments.keep, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock")
            )
        disks.unmount()
        shutil.rmtree(folder, ignore_errors=True)
    return outcomes


async def _one(run: Run) -> Outcome:
    plan = run.plan
    print(f"seed {plan.seed}: {', '.join(f'{fault} at {fault.at_s:.1f}' for fault in plan.faults)}", flush=True)
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
        f"{outcome.recovery or ''} {' '.join(told for told in outcome.told if told.startswith('('))}",
        flush=True,
    )
    for note in books.notes:
        print("  " + note, flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
