"""The OpenAI-compatible chat call, answered with plainly labelled samples where no key for a real one is set."""

from __future__ import annotations

import time
import uuid
from typing import Any

import msgspec
from aiohttp import web

from services.sandbox.core.samples import samples, wish_of

_LABEL = "[Sample text from the sandbox]"
_VARIANTS = (
    ("A note for you", "Hi {{ name | default: 'there' }}, here is something we thought you would like. {{ link }}"),
    ("Have you seen this?", "Hello {{ name | default: 'there' }}, a short reminder: it takes one minute. {{ link }}"),
    ("Just in time", "{{ name | default: 'Hello' }}, there is still time: have a look before it ends. {{ link }}"),
)


class ChatMessage(msgspec.Struct):
    role: str
    content: Any = ""


class ChatRequest(msgspec.Struct):
    """The part of the request that matters here; the rest is ignored."""

    messages: list[ChatMessage]
    model: str = "sandbox"
    n: int = 1
    response_format: dict[str, Any] = {}


async def chat(request: web.Request) -> web.Response:
    """`n` choices; with a JSON response format, each holds `{"variants": [...]}`: made from the campaign that the first
    message of the user tells as JSON, else `{subject, text}` of anything."""
    try:
        wanted = msgspec.json.decode(await request.read(), type=ChatRequest)
    except msgspec.DecodeError as error:
        body = {"error": {"message": str(error), "type": "invalid_request_error", "param": None, "code": None}}
        return web.json_response(body, status=400)
    count = min(10, max(1, wanted.n))
    choices = [
        {"index": place, "finish_reason": "stop", "logprobs": None,
         "message": {"role": "assistant", "content": _content(place, wanted), "refusal": None}}
        for place in range(count)
    ]  # fmt: skip
    words = sum(len(str(message.content).split()) for message in wanted.messages)
    usage = {"prompt_tokens": words, "completion_tokens": 30 * count, "total_tokens": words + 30 * count}
    return web.json_response(
        {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": "chat.completion", "created": int(time.time()),
         "model": wanted.model, "choices": choices, "usage": usage}
    )  # fmt: skip


def _content(place: int, wanted: ChatRequest) -> str:
    if wanted.response_format.get("type") not in {"json_object", "json_schema"}:
        return "{1}\n\n{0} {2}".format(_LABEL, *_VARIANTS[place % len(_VARIANTS)])
    asked = next((message.content for message in wanted.messages if message.role == "user"), "")
    if wish := wish_of(asked):
        return msgspec.json.encode({"variants": samples(wish)}).decode()
    variants = [{"subject": f"{_LABEL} {subject}", "text": f"{_LABEL} {text}"} for subject, text in _VARIANTS]
    return msgspec.json.encode({"variants": variants}).decode()
