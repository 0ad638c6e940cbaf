"""What the documents name is there: links, files, commands, make targets, settings."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from services.cli.main import app
from services.runtime.settings import Settings

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")])
NOT_OF_A_SERVICE = {
    "PEAL_BRAND", "PEAL_JARS_DIR", "PEAL_PORT_BASE", "PEAL_ADMIN_TOKEN", "PEAL_CONSOLE_URL", "PEAL_TEST_STACK",
    "PEAL_TEST_PAUSES", "PEAL_BENCH_IMPORTED",
}  # fmt: skip
"""Read where they are used: ports, the command line, the tests, the bench."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)", page.read_text())
    for name, anchor in targets:
        target = page.parent / name if name else page
        assert target.exists(), name
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


@each_page
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"`((?:services|schemas|deploy|tests|examples|docs|bench)/[\w./*-]+)`", page.read_text())
    missing = [name for name in named if not list(REPOSITORY.glob(name))]
    assert set(missing) <= {"services/senders/push/__init__.py", "services/senders/push/transport.py"}


@each_page
def test_every_command_exists_with_its_options(page: Path) -> None:
    root = typer.main.get_command(app)
    for words in commands(page.read_text(), "peal"):
        command = root
        while isinstance(command, TyperGroup) and words:
            names = words.pop(0).split("|")
            assert set(names) <= set(command.commands), command.name
            command = command.commands[names[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known | {"--help"}


@each_page
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert {words[0] for words in commands(page.read_text(), "make")} <= targets


def test_every_setting_that_is_named_exists() -> None:
    known = {f"PEAL_{name.upper()}" for settings in all_settings() for name in settings.model_fields}
    for page in PAGES:
        named = set(re.findall(r"\bPEAL_[A-Z_]*[A-Z]\b(?!_)", page.read_text()))
        assert named - NOT_OF_A_SERVICE <= known, page.name


def all_settings() -> Iterable[type[Settings]]:
    for path in REPOSITORY.glob("services/*/settings.py"):
        importlib.import_module(f"services.{path.parent.name}.settings")
    waiting: list[type[Settings]] = [Settings]
    while waiting:
        yield (settings := waiting.pop())
        waiting += settings.__subclasses__()


def commands(text: str, program: str) -> list[list[str]]:
    """What follows the program's name, in code, a command an item, without its comment."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", text)
    found = (re.match(rf"\s*(?:docker compose exec \w+ |\.venv/bin/)?{program} ([a-z].*)", line) for line in lines)
    return [each[1].partition("#")[0].split() for each in found if each]
