"""`python -m tests.fuzz`: every target for so many seconds, each in a process of its own; exit code 1 for a finding."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(".peal/fuzz")
"""What was found to lead further, by target: the next run begins with it. And what failed."""
SLOW_S, LARGEST = 10, 16_384
"""An input that takes longer than this is a finding; no input is larger than so many bytes."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--only", nargs="*", default=[], help="targets; default: all")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments, rest = parser.parse_known_args()
    if arguments.one:
        return fuzz(arguments.one, rest)
    from tests.fuzz.targets import TARGETS

    if unknown := set(arguments.only) - TARGETS.keys():
        parser.error(f"--only: there is no {', '.join(sorted(unknown))}: choose from {', '.join(TARGETS)}")
    failed = [name for name in arguments.only or TARGETS if not _run(name, arguments.seconds)]
    print(f"fuzz: {len(arguments.only or TARGETS)} targets, {arguments.seconds} s each; findings: {len(failed)}")
    return 1 if failed else 0


def _run(name: str, seconds: int) -> bool:
    """Whether it found nothing. What Atheris says goes into a log, of which the end is shown where it did."""
    from tests.fuzz.targets import seeds

    corpus, log = FOLDER / name, FOLDER / f"{name}.log"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", f"-timeout={SLOW_S}", f"-max_len={LARGEST}", "-print_final_stats=1"]
    command = [sys.executable, "-m", "tests.fuzz", "--one", name, f"-artifact_prefix={FOLDER}/{name}-failed-"]
    with log.open("wb") as output:
        code = subprocess.run([*command, *limits, str(corpus)], stdout=output, stderr=output, check=False).returncode
    said = log.read_text(errors="replace").splitlines()
    runs = next((line.split()[-1] for line in said if line.startswith("stat::number_of_executed_units")), "?")
    print(f"{name:<10} {runs:>12} inputs, {'nothing found' if code == 0 else f'FAILED: see {log}'}", flush=True)
    if code:
        print("\n".join(said[-30:]))
    return code == 0


def fuzz(name: str, arguments: list[str]) -> int:
    """Does not come back: Atheris ends the process."""
    try:
        import atheris
    except ImportError:
        print("Atheris is not installed: it is for Linux on x86-64, Python 3.11 to 3.13", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["services", "schemas"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    atheris.Setup([sys.argv[0], *arguments], lambda data: target(data) if data else None)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
