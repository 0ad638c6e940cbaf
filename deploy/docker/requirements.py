"""`python deploy/docker/requirements.py pyproject.toml requirements.lock`: prints the lock's part that services need.

A third argument names an extra: then the part that this extra needs.

The lock also pins what only tests and developers use. Its `# via` notes say who asked for each package, so what the
project's own dependencies lead to can be told apart. Runs before anything is installed: standard library only.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")
PROJECT = "(pyproject.toml)"
ELSEWHERE = frozenset({"chdb"})
"""The embedded ClickHouse engine is four times the size of all the rest, and ClickHouse has a container of its own."""


def normal(requirement: str) -> str:
    """The package's name as an index spells it."""
    match = _NAME.match(requirement)
    assert match is not None, f"no requirement: {requirement}"
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def entries(lock: str) -> Iterator[tuple[str, str, set[str]]]:
    """Name, text and askers of each entry of the lock. The project itself is no asker."""
    for text in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE):
        if not text.strip() or text.startswith("#"):
            continue
        notes = text.partition("# via")[2].replace("#", " ").splitlines()
        yield normal(text), text, {normal(note.strip()) for note in notes if note.strip() and PROJECT not in note}


def needed(dependencies: Iterable[str], lock: str) -> str:
    """The entries that `dependencies` lead to, with their hashes."""
    found = list(entries(lock))
    wanted = {normal(dependency) for dependency in dependencies} - ELSEWHERE
    while more := {name for name, _, askers in found if name not in wanted and askers & wanted}:
        wanted |= more
    return "".join(text for name, text, _ in found if name in wanted)


if __name__ == "__main__":
    project = tomllib.loads(Path(sys.argv[1]).read_text())["project"]
    asked = project["optional-dependencies"][sys.argv[3]] if len(sys.argv) > 3 else project["dependencies"]
    sys.stdout.write(needed(asked, Path(sys.argv[2]).read_text()))
