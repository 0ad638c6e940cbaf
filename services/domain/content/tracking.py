"""Links in the HTML of mails: each that leads to a web page becomes a placeholder, filled in for each send."""

from __future__ import annotations

import html
import re
from typing import Final

from services.domain.content.markup import Marks
from services.domain.content.problems import TemplateProblem
from services.domain.content.templates import Template, compile_template

PREFIX: Final = "peal_link_"
_HREF = re.compile(r"""(<a\b[^<>]*?\shref\s*=\s*)(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_OWN_LINK = re.compile(r"\{\{-?\s*link\s*-?\}\}")
_OTHER_PAGES = ("unsubscribe_url", "preferences_url")


def take_links(field: str, source: str) -> tuple[str, dict[str, Template]]:
    """The HTML with placeholders, and by placeholder what it stands for.

    Left as they are: `{{ link }}` alone, which is tracked anyway; unsubscription and preferences; what is no web page;
    and targets made from a loop's or a template's own variables, which mean nothing outside of it.
    """
    marks = Marks(source)
    outside = compile_template(field, source, html=True).usage.used
    found: dict[str, Template] = {}
    names: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        marked = match[2] if match[2] is not None else match[3]
        target = marks.put_back(html.unescape(marked)).strip()
        if target not in names:
            template = _target(field, target, outside)
            if template is None:
                return match[0]
            names[target] = f"{PREFIX}{len(names) + 1}"
            found[names[target]] = template
        return f'{match[1]}"{{{{ {names[target]} }}}}"'

    return marks.put_back(_HREF.sub(replace, marks.take_out(source, comments=False))), found


def _target(field: str, target: str, outside: frozenset[str]) -> Template | None:
    if _OWN_LINK.fullmatch(target) or any(name in target for name in _OTHER_PAGES):
        return None
    if not target.lower().startswith(("http://", "https://", "{{")):
        return None
    try:
        template = compile_template(field, target)
    except TemplateProblem:
        return None
    return template if template.usage.used <= outside else None


def literal(template: Template | None) -> bool:
    """The same for everybody."""
    return template is not None and template.parts is not None and all(isinstance(part, str) for part in template.parts)
