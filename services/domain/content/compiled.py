"""What a channel's content becomes: compiled once a campaign, rendered for each person."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

from schemas import Channel
from services.domain.content.markup import text_from_html
from services.domain.content.problems import RenderProblem
from services.domain.content.segments import Segments, sms_segments
from services.domain.content.templates import Template
from services.domain.content.tracking import literal

LINK = "link"
UNSUBSCRIBE_URL = "unsubscribe_url"
PREFERENCES_URL = "preferences_url"
SPECIAL_NAMES = frozenset({LINK, UNSUBSCRIBE_URL, PREFERENCES_URL})
"""Placeholders that are not attributes of a person."""
_BREAKS = dict.fromkeys(map(ord, "\r\n\t\v\f\x1c\x1d\x1e\x85\u2028\u2029\0"), " ")
LONGEST_SMS = 1_600
"""Characters: Twilio refuses a longer body (error 21617)."""


class TrackedLinks(Protocol):
    def link(self, url: str, *, own: bool) -> str:
        """What stands for this target in one send. `own`: the campaign's link, and the same for everybody."""


class Links(NamedTuple):
    """Links made for one send."""

    unsubscribe_url: str = ""
    preferences_url: str = ""
    tracked: TrackedLinks | None = None
    """None: targets stand as they are."""


def present(data: Mapping[str, object]) -> dict[str, object]:
    """Attributes that somebody has. An empty one counts as missing, also in `{% if name %}`, where Liquid would call ""
    true."""
    return {name: value for name, value in data.items() if value not in ("", None)}


class RenderedEmail(NamedTuple):
    subject: str
    html: str
    text: str
    preheader: str


class RenderedSms(NamedTuple):
    text: str

    @property
    def segments(self) -> Segments:
        return sms_segments(self.text)


class RenderedWhatsapp(NamedTuple):
    template: str | None
    variables: dict[str, str]
    text: str | None


Rendered = RenderedEmail | RenderedSms | RenderedWhatsapp


@dataclass(frozen=True)
class _Compiled(ABC):
    channel: Channel
    link: Template | None
    """The body's link, which `{{ link }}` prints."""
    tracked: bool = field(default=False, kw_only=True)
    """Whether its links are to be tracked."""
    targets: Mapping[str, Template] = field(default_factory=dict, kw_only=True)
    """Of links that are placeholders of their own: name -> target."""

    @abstractmethod
    def templates(self) -> list[Template]:
        """All that is rendered."""

    @cached_property
    def _used(self) -> frozenset[str]:
        return frozenset().union(*[template.usage.used for template in self.templates()]) - self.targets.keys()

    def _with_link(self, templates: list[Template]) -> list[Template]:
        templates = [*templates, *self.targets.values()]
        uses_link = any(LINK in template.usage.used for template in templates)
        return [*templates, self.link] if self.link and uses_link else templates

    @cached_property
    def placeholders(self) -> frozenset[str]:
        """Attributes of a person that the content uses."""
        return self._used - SPECIAL_NAMES

    @cached_property
    def required(self) -> frozenset[str]:
        """Of these, the ones that it cannot do without."""
        required = frozenset().union(*[each.usage.required for each in self.templates()])
        return required - SPECIAL_NAMES - self.targets.keys()

    @cached_property
    def tracks(self) -> bool:
        """Whether any link of it is tracked."""
        return self.tracked and (self.uses(LINK) or bool(self.targets))

    def uses(self, name: str) -> bool:
        return name in self._used

    def values(self, data: Mapping[str, object], links: Links) -> dict[str, object]:
        """All that a template may print for one person. Ours win over an attribute of the same name."""
        values = present(data)
        values[UNSUBSCRIBE_URL], values[PREFERENCES_URL], tracked = links
        values[LINK] = own = self.link.render(values) if self.link else ""
        targets = {name: target.render(values) for name, target in self.targets.items()}
        if tracked is not None:
            values[LINK] = tracked.link(own, own=self._same_for_all)
            targets = {name: tracked.link(url, own=False) for name, url in targets.items()}
        return values | targets

    @cached_property
    def _same_for_all(self) -> bool:
        return literal(self.link)


@dataclass(frozen=True)
class CompiledSms(_Compiled):
    text: Template

    def templates(self) -> list[Template]:
        return self._with_link([self.text])

    def render(self, data: Mapping[str, object], links: Links) -> RenderedSms:
        text = self.text.render(self.values(data, links)).strip()
        if len(text) > LONGEST_SMS:
            raise RenderProblem(
                self.text.field, f"{len(text)} characters; at most {LONGEST_SMS} can be sent as one message"
            )
        return RenderedSms(text)


@dataclass(frozen=True)
class CompiledWhatsapp(_Compiled):
    template: str | None
    variables: Mapping[str, Template]
    text: Template | None

    def templates(self) -> list[Template]:
        return self._with_link([*self.variables.values(), *([self.text] if self.text else [])])

    def render(self, data: Mapping[str, object], links: Links) -> RenderedWhatsapp:
        values = self.values(data, links)
        return RenderedWhatsapp(
            self.template,
            {name: template.render(values) for name, template in self.variables.items()},
            self.text.render(values).strip() if self.text else None,
        )


@dataclass(frozen=True)
class CompiledEmail(_Compiled):
    subject: Template
    preheader: Template
    html: Template
    text: Template | None
    """None: made from each person's HTML, where the HTML's control flow cannot be carried over into text."""

    def templates(self) -> list[Template]:
        return self._with_link([self.subject, self.preheader, self.html, *([self.text] if self.text else [])])

    def render(self, data: Mapping[str, object], links: Links) -> RenderedEmail:
        values = self.values(data, links)
        html = self.html.render(values)
        return RenderedEmail(
            one_line(self.subject.render(values)),
            html,
            self.text.render(values) if self.text else text_from_html(html),
            one_line(self.preheader.render(values)),
        )


Compiled = CompiledEmail | CompiledSms | CompiledWhatsapp


def one_line(text: str) -> str:
    """For headers: a line break in somebody's name must not begin a new one."""
    return text.translate(_BREAKS)


def render(compiled: Compiled, data: Mapping[str, object], links: Links = Links()) -> Rendered:  # noqa: B008
    """Raises `RenderProblem` where this person's data do not fit."""
    return compiled.render(data, links)
