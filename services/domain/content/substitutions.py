"""One mail for a thousand people: the places where they differ become tokens that the provider fills in."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from liquid.builtin.content import ContentNode
from liquid.builtin.output import OutputNode

from services.domain.content.compiled import CompiledEmail, Links, one_line
from services.domain.content.templates import HTML, PLAIN, Data, Template, Value, value_of


@dataclass(frozen=True)
class Substitutions:
    """One mail for a thousand people: texts with tokens, and what stands for each token in one person's mail."""

    compiled: CompiledEmail
    subject: str
    html: str
    text: str
    tokens: tuple[tuple[str, Value], ...]

    def values(self, data: Mapping[str, object], links: Links = Links()) -> dict[str, str]:  # noqa: B008
        """Token -> text, escaped where it stands in HTML. Raises `RenderProblem`."""
        values = self.compiled.values(data, links)
        return {token: value(values) for token, value in self.tokens}


def as_substitutions(compiled: CompiledEmail) -> Substitutions | None:
    """None where a part has control flow: then it takes one mail a person."""
    if compiled.text is None or any(t.parts is None for t in (compiled.subject, compiled.html, compiled.text)):
        return None
    whole = "".join(str(node) for t in (compiled.subject, compiled.html, compiled.text) for node in t.nodes)
    maker = _Tokens(hashlib.sha256(whole.encode()).hexdigest()[:8])
    subject = maker.replace(compiled.subject, header=True)
    html, text = maker.replace(compiled.html), maker.replace(compiled.text)
    return Substitutions(compiled, subject, html, text, tuple(maker.tokens))


class _Tokens:
    def __init__(self, salt: str) -> None:
        self.salt, self.known, self.tokens = salt, dict[tuple[str, str], str](), list[tuple[str, Value]]()

    def replace(self, template: Template, *, header: bool = False) -> str:
        out: list[str] = []
        escaped = template.bound.env.autoescape
        kind = "header" if header else "html" if escaped else "text"
        for node in template.nodes:
            if isinstance(node, ContentNode):
                out.append(node.text)
            elif isinstance(node, OutputNode):
                key = (kind, str(node))
                if key not in self.known:
                    self.known[key] = f"-p{self.salt}.{len(self.known)}-"
                    value = value_of(HTML if escaped else PLAIN, node)
                    self.tokens.append((self.known[key], _flattened(value) if header else value))
                out.append(self.known[key])
        text = "".join(out)
        return one_line(text) if header else text


def _flattened(value: Value) -> Callable[[Data], str]:
    return lambda data: one_line(value(data))
