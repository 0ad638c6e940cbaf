"""First answers to requests with an `Idempotency-Key` that no planner remembers; in memory, the newest."""

from __future__ import annotations

from collections import OrderedDict
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Request

T = TypeVar("T")


class FirstAnswers:
    KEPT = 1_000

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str, str], Any] = OrderedDict()

    def get(self, brand: str, act: str, key: str | None) -> Any:
        """The first answer to a brand's request of this key; None: there was none, or the request has no key."""
        return self._answers.get((brand, act, key)) if key else None

    def put(self, brand: str, act: str, key: str | None, answer: T) -> T:
        """The answer, kept where the request has a key."""
        if key:
            self._answers[brand, act, key] = answer
        if len(self._answers) > self.KEPT:
            self._answers.popitem(last=False)
        return answer


def first_answers_of(request: Request) -> FirstAnswers:
    return cast(FirstAnswers, request.app.state.first_answers)


FirstAnswersOf = Annotated[FirstAnswers, Depends(first_answers_of)]
