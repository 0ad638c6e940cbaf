"""What somebody means who types a part of a name: the order in which hits are offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
NONE = 3


def rank(typed: str, name: str) -> int:
    """0: the name begins so; 1: one of its words does; 2: every typed word stands somewhere in it; 3: no hit."""
    wanted, within = typed.casefold(), name.casefold()
    if within.startswith(wanted):
        return 0
    if any(word.startswith(wanted) for word in within.split()):
        return 1
    return 2 if all(word in within for word in wanted.split()) else NONE


def best(typed: str, among: Iterable[T], name_of: Callable[[T], str]) -> list[T]:
    """The hits, the best first; those of one rank as they came. Nothing typed: all."""
    ranked = [(rank(typed, name_of(each)), each) for each in among]
    return [each for grade, each in sorted(ranked, key=lambda pair: pair[0]) if grade < NONE]
