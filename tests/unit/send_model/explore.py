"""Breadth first through all that can happen; then backwards, for where nothing good can be reached any more."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator
from time import perf_counter
from typing import NamedTuple

from send_model import planner, router, sender, world
from send_model.state import Rules, Scenario, State, Step, ViolationError

MOST_STATES = 2_000_000
MOST_REQUESTS = 12


class Found(NamedTuple):
    states: int
    seconds: float
    violation: str
    """Empty: there is none."""
    path: tuple[str, ...]
    """The shortest way there, step by step."""

    def __str__(self) -> str:
        way = "".join(f"\n  {number:2}. {step}" for number, step in enumerate(self.path, start=1))
        return f"{self.states} states in {self.seconds:.1f} s: {self.violation or 'no violation'}{way}"


def steps(state: State, rules: Rules) -> Iterator[Step]:
    for part in (planner, router, sender, world):
        yield from part.steps(state, rules)


def explore(scenario: Scenario, rules: Rules) -> Found:
    """The first violation, on a shortest path; else whether each state can still come to a good end."""
    collecting = gc.isenabled()
    gc.disable()  # nothing here is garbage before the end
    try:
        return _explore(scenario, rules)
    finally:
        if collecting:
            gc.enable()


def _explore(scenario: Scenario, rules: Rules) -> Found:
    begun = perf_counter()
    first = State(left=scenario)
    states, number_of, parent = [first], {first: 0}, [(-1, "")]
    before: list[list[int]] = [[]]
    good: list[int] = []
    queue = deque([0])

    def found(number: int, violation: str, last: str = "") -> Found:
        path = [last] if last else []
        while number:
            number, words = parent[number]
            path.append(words)
        return Found(len(states), perf_counter() - begun, violation, tuple(reversed(path)))

    while queue:
        number = queue.popleft()
        state = states[number]
        if state.completed:
            good.append(number)
        if len(state.requests) > MOST_REQUESTS:
            return found(number, "ENDLESS: the planner asks again and again")
        following = steps(state, rules)
        while True:
            try:
                words, after = next(following)
            except StopIteration:
                break
            except ViolationError as violation:
                return found(number, str(violation))
            known = number_of.get(after)
            if known is None:
                known = number_of[after] = len(states)
                states.append(after)
                parent.append((number, words))
                before.append([])
                queue.append(known)
                if known > MOST_STATES:
                    return found(known, "ENDLESS: too many states")
            if after.left._replace(neighbours=0) == state.left._replace(neighbours=0):
                before[known].append(number)  # by the system's own doing
    if (stuck := _stuck(before, good)) is not None:
        return found(stuck, "STUCK: from here the campaign is never completed")
    return found(0, "")


def _stuck(before: list[list[int]], good: list[int]) -> int | None:
    """The first state from which no good one can be reached."""
    fine = bytearray(len(before))
    queue = deque(good)
    for number in good:
        fine[number] = 1
    while queue:
        for earlier in before[queue.popleft()]:
            if not fine[earlier]:
                fine[earlier] = 1
                queue.append(earlier)
    return next((number for number, ok in enumerate(fine) if not ok), None)
