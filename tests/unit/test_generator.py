"""An AI service as it behaves: what it refuses, breaks and makes up is said in plain words, and asked for once more."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from schemas import Channel
from services.console.core.generating import Wish
from services.console.generator import Generator
from services.console.problems import Problem
from services.console.settings import ConsoleSettings

WISH = Wish("Summer", "Book before May", "Dry", [Channel.SMS], False, ["name"])
KNOWN = frozenset({"name", "city"})
SETTINGS = ConsoleSettings(openai_api_key=SecretStr("hush"), openai_base_url="https://ai.example/v1", openai_model="m")
GOOD = {"label": "Dry", "body": "Book.", "sms": {"text": "Hi {{ name | default: 'there' }}, book."}}
BROKEN = {"label": "Odd", "body": "Book.", "sms": {"text": "Hi {{ nmae }}"}}


def said(*variants: Any) -> httpx2.Response:
    return answered(json.dumps({"variants": variants}))


def answered(text: str) -> httpx2.Response:
    message = {"role": "assistant", "content": text}
    body = {
        "id": "1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
    }  # fmt: skip
    return httpx2.Response(200, json=body)


def service(answer: Callable[[httpx2.Request], httpx2.Response], settings: ConsoleSettings = SETTINGS) -> Generator:
    return Generator(settings, httpx2.AsyncClient(transport=httpx2.MockTransport(answer)))


class Turns:
    """Answers one after the other; keeps what was asked."""

    def __init__(self, *answers: httpx2.Response) -> None:
        self.answers, self.asked = list(answers), list[dict[str, Any]]()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        assert request.headers["authorization"] == "Bearer hush"
        self.asked.append(json.loads(request.content))
        return self.answers.pop(0)


async def test_a_good_answer_is_asked_for_once_by_a_strict_schema() -> None:
    turns = Turns(said(GOOD, GOOD, GOOD))
    found = await service(turns).variants(WISH, KNOWN)
    assert (len(found.variants), found.sample, found.model, found.dropped) == (3, False, "m", [])
    assert turns.asked[0]["response_format"]["json_schema"]["strict"] is True


async def test_what_breaks_a_rule_is_asked_for_once_more_with_what_is_wrong() -> None:
    turns = Turns(said(GOOD, BROKEN), said(GOOD, GOOD, GOOD))
    found = await service(turns).variants(WISH, KNOWN)
    assert (len(found.variants), found.dropped) == (3, [])
    assert "did you mean 'name'" in turns.asked[1]["messages"][-1]["content"]


async def test_what_stays_broken_is_left_out_and_said() -> None:
    found = await service(Turns(said(GOOD, BROKEN), said(GOOD, BROKEN))).variants(WISH, KNOWN)
    assert len(found.variants) == 1
    assert "variant 2: sms.text" in found.dropped[0]


async def test_nonsense_twice_is_said_and_once_is_got_over() -> None:
    found = await service(Turns(answered("Sure!"), said(GOOD))).variants(WISH, KNOWN)
    assert len(found.variants) == 1
    with pytest.raises(Problem, match="nothing that can be used") as problem:
        await service(Turns(answered("Sure!"), answered("Sorry."))).variants(WISH, KNOWN)
    assert (problem.value.status, problem.value.kind) == (502, "ai_unusable")


async def test_a_service_that_takes_no_schema_is_asked_for_plain_json() -> None:
    turns = Turns(httpx2.Response(400, json={"error": {"message": "response_format"}}), said(GOOD))
    assert (await service(turns).variants(WISH, KNOWN)).variants
    assert turns.asked[1]["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [(401, "ai_refused", "PEAL_OPENAI_API_KEY"), (403, "ai_refused", "PEAL_OPENAI_API_KEY"),
     (404, "ai_refused", "PEAL_OPENAI_MODEL"), (429, "ai_busy", "in a minute"), (500, "ai_failed", "try again"),
     (503, "ai_failed", "try again")],
)  # fmt: skip
async def test_a_refusal_is_said_in_plain_words_and_tells_no_secret(status: int, kind: str, word: str) -> None:
    turns = Turns(httpx2.Response(status, json={"error": {"message": "key hush is wrong"}}))
    with pytest.raises(Problem) as problem:
        await service(turns).variants(WISH, KNOWN)
    assert problem.value.kind == kind
    assert word in problem.value.detail
    assert "hush" not in problem.value.detail


@pytest.mark.parametrize(
    ("failure", "kind"), [(httpx2.ReadTimeout("slow"), "ai_timeout"), (httpx2.ConnectError("gone"), "ai_unreachable")]
)
async def test_a_service_that_is_slow_or_away_is_no_mystery(failure: Exception, kind: str) -> None:
    def fail(_request: httpx2.Request) -> httpx2.Response:
        raise failure

    with pytest.raises(Problem) as problem:
        await service(fail).variants(WISH, KNOWN)
    assert problem.value.kind == kind


def test_without_a_key_and_an_address_the_sandbox_answers_and_that_is_said() -> None:
    bare = Generator(ConsoleSettings(sandbox_url="http://127.0.0.1:8082"))
    assert (bare.sample, bare.url) == (True, "http://127.0.0.1:8082/v1")
    keyless = Generator(ConsoleSettings(openai_base_url="http://127.0.0.1:11434/v1"))
    assert (keyless.sample, keyless.url) == (False, "http://127.0.0.1:11434/v1")
    assert Generator(ConsoleSettings(openai_api_key=SecretStr("k"))).url == "https://api.openai.com/v1"
