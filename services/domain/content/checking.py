"""Everything that is wrong with what an author has written so far, each mistake at its line and column."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from schemas import Body, Channel, Content
from services.domain.content.compiled import SPECIAL_NAMES
from services.domain.content.compiling import compile_content
from services.domain.content.problems import TemplateProblem
from services.domain.content.templates import Template, compile_template

HTML_FIELDS: Final = frozenset({"html", "mjml"})


class Finding(NamedTuple):
    """`line` and `column` count from 1; 0 where the place is not known."""

    field: str
    problem: str
    message: str
    line: int = 0
    column: int = 0

    @classmethod
    def of(cls, problem: TemplateProblem) -> Finding:
        return cls(problem.field, problem.problem, problem.message, problem.line, problem.column)


class Source(NamedTuple):
    """One text with placeholders, as it was written."""

    field: str
    text: str
    html: bool = False


def sources_of(channel: Channel, content: Content, body: Body, field: str = "content") -> list[Source]:
    """The texts from which a channel's message is made, the body's included where the channel follows it."""
    own = getattr(content, channel.value)
    found = list(_texts(own.model_dump(), f"{field}.{channel.value}")) if own is not None else []
    if follows_body(channel, content):
        found.append(Source("body.text", body.text))
    return [*found, *([Source("body.link", body.link)] if body.link else [])]


def follows_body(channel: Channel, content: Content) -> bool:
    """Whether the channel says what the message body says, in its own way. A mail's subject does not part them."""
    own = getattr(content, channel.value)
    if own is None:
        return True
    names = {
        Channel.EMAIL: ("html", "mjml", "text"), Channel.SMS: ("text",), Channel.WHATSAPP: ("template", "text"),
        Channel.PUSH: ("message",), Channel.SOCIAL: ("text",),
    }[channel]  # fmt: skip
    return not any((getattr(own, name) or "").strip() for name in names)


def findings(
    channel: Channel, content: Content, body: Body, *, name: str, known: Collection[str] | None, field: str = "content"
) -> list[Finding]:
    """Of all texts of a channel. `known`: attributes that people may have; None: they could not be looked up."""
    found: list[Finding] = []
    for source in sources_of(channel, content, body, field):
        try:
            template = compile_template(source.field, source.text, html=source.html)
        except TemplateProblem as problem:
            found.append(Finding.of(problem))
        else:
            found += unknown_placeholders(source, template, known) if known is not None else []
    if any(each.problem != "unknown_placeholder" for each in found):
        return found
    try:
        compile_content(channel, content, body, name=name, field=field)
    except TemplateProblem as problem:
        found.append(Finding.of(problem))
    return found


def unknown_placeholders(source: Source, template: Template, known: Collection[str]) -> list[Finding]:
    """The first place of each."""
    places = {
        name: spans[0].span.index for name, spans in template.bound.analyze(include_partials=False).globals.items()
    }
    found = []
    for name in sorted(template.usage.used - SPECIAL_NAMES - set(known), key=lambda name: places.get(name, 0)):
        line, column = place_of(source.text, places.get(name, 0))
        guess = difflib.get_close_matches(name, sorted(set(known) | SPECIAL_NAMES), n=1, cutoff=0.6)
        remedy = f"did you mean '{guess[0]}'?" if guess else "correct it, or import the attribute first"
        message = f"line {line}, column {column}: '{{{{ {name} }}}}' is not an attribute of any recipient; {remedy}"
        found.append(Finding(source.field, "unknown_placeholder", message, line, column))
    return found


def place_of(text: str, index: int) -> tuple[int, int]:
    """Line and column of a character, from 1."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _texts(value: object, field: str) -> Iterator[Source]:
    if isinstance(value, str):
        name = field.rpartition(".")[2]
        if value and name != "template":
            yield Source(field, value, name in HTML_FIELDS)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{field}.{name}")
