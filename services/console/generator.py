"""Texts from an AI service that speaks OpenAI's chat interface; the sandbox's samples where there is none."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, cast

import openai
import structlog
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam

from services.console.core.generated import Answer, Generated, read_answer, repair_message
from services.console.core.generating import VARIANTS, Wish, answer_schema, messages_for
from services.console.problems import Problem
from services.console.settings import ConsoleSettings

log = structlog.get_logger("console")
PUBLIC_URL: Final = "https://api.openai.com/v1"
PATIENCE_S: Final = 45.0
"""For one answer of a service."""


class Generator:
    def __init__(self, settings: ConsoleSettings, http: Any = None) -> None:
        """`http`: an HTTP client as `AsyncOpenAI` takes it, where it is not to make its own."""
        key, url = settings.openai_api_key.get_secret_value(), settings.openai_base_url
        self.sample = not key and not url
        self.model = "sandbox" if self.sample else settings.openai_model
        self.url = f"{settings.sandbox_url.rstrip('/')}/v1" if self.sample else url or PUBLIC_URL
        self._client = AsyncOpenAI(
            api_key=key or "none", base_url=self.url, timeout=PATIENCE_S, max_retries=0,
            http_client=http,
        )  # fmt: skip

    async def variants(self, wish: Wish, known: Collection[str] | None) -> Generated:
        """Asks once more for what breaks the rules. Raises `Problem` in plain words."""
        chat: list[dict[str, str]] = messages_for(wish)
        text = await self._ask(chat, wish)
        answer, problem = _read(text, wish, known)
        if problem or answer.wrong:
            again = problem or repair_message(answer)
            chat += [{"role": "assistant", "content": text}, {"role": "user", "content": again}]
            second, problem = _read(await self._ask(chat, wish), wish, known)
            answer = second if len(second.good) >= len(answer.good) else answer
        if not answer.good:
            raise Problem(
                502, "ai_unusable", "The AI service answered twice with nothing that can be used: "
                f"{problem or ' '.join(answer.wrong)[:600]}",
            )  # fmt: skip
        return Generated(sample=self.sample, model=self.model, variants=answer.good[:VARIANTS], dropped=answer.wrong)

    async def _ask(self, chat: list[dict[str, str]], wish: Wish) -> str:
        schema = {"name": "variants", "strict": True, "schema": answer_schema(wish.channels)}
        try:
            try:
                return await self._call(chat, {"type": "json_schema", "json_schema": schema})
            except openai.BadRequestError as error:
                log.info("the AI service takes no JSON schema", error=str(error)[:300])
                return await self._call(chat, {"type": "json_object"})
        except openai.APIError as error:
            log.warning("the AI service failed", error=str(error)[:300])
            if self.sample and isinstance(error, openai.APIConnectionError):
                raise Problem(503, "ai_unset", _UNSET) from error
            raise _problem(error) from error

    async def _call(self, chat: list[dict[str, str]], wanted: dict[str, Any]) -> str:
        answer = await self._client.chat.completions.create(
            model=self.model,
            messages=cast(list[ChatCompletionMessageParam], chat),
            response_format=cast(Any, wanted),
        )
        return (answer.choices[0].message.content or "") if answer.choices else ""


def _read(text: str, wish: Wish, known: Collection[str] | None) -> tuple[Answer, str]:
    try:
        return read_answer(text, wish, known), ""
    except ValueError as error:
        return Answer([], []), f"{error}."


def _problem(error: openai.APIError) -> Problem:
    """In words of whoever can do something about it."""
    for kind, (status, word, message) in _SAID.items():
        if isinstance(error, kind):
            return Problem(status, word, message)
    return Problem(502, "ai_failed", "The AI service failed at it: try again, or write the texts yourself meanwhile.")


_UNSET = (
    "No AI service is set up, and there is no sandbox to stand in: an admin sets PEAL_OPENAI_API_KEY. You can write "
    "the texts yourself meanwhile."
)
_NOT_TAKEN = (
    "The AI service does not take the request: an admin must look at PEAL_OPENAI_MODEL and PEAL_OPENAI_BASE_URL."
)
_SAID: Final[dict[type[openai.APIError], tuple[int, str, str]]] = {
    openai.APITimeoutError: (
        504, "ai_timeout", f"The AI service took longer than {PATIENCE_S:.0f} seconds: try again.",
    ),
    openai.APIConnectionError: (
        503, "ai_unreachable",
        "The AI service does not answer: try again, or let an admin look at PEAL_OPENAI_BASE_URL. You can write the "
        "texts yourself meanwhile.",
    ),
    openai.AuthenticationError: (
        502, "ai_refused", "The AI service refuses the key: an admin must look at PEAL_OPENAI_API_KEY.",
    ),
    openai.PermissionDeniedError: (
        502, "ai_refused", "The AI service refuses the key: an admin must look at PEAL_OPENAI_API_KEY.",
    ),
    openai.RateLimitError: (
        503, "ai_busy",
        "The AI service takes no more requests just now, or the quota of the key is used up: try again in a minute.",
    ),
    openai.NotFoundError: (502, "ai_refused", _NOT_TAKEN),
    openai.BadRequestError: (502, "ai_refused", _NOT_TAKEN),
}  # fmt: skip
"""The first that fits: a time-out is a failed connection too."""
