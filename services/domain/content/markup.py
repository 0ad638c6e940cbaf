"""HTML of mails, prepared once a campaign: MJML turned into HTML, CSS inlined, footer added, plain text made from it.

Parsers of HTML know nothing of Liquid: a `{% for %}` between table rows is moved out of the table, and a `>` in a
condition becomes `&gt;`. So the Liquid is taken out, kept in place by marks that parsers leave alone, and put back.
"""

from __future__ import annotations

import hashlib
import re
from html import escape

import css_inline
import mrml
from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_BODY_START = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_TEXT_OPTIONS = ParserConfig(css=CSS_PROFILES["strict"].copy(), display_links=True)
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

PARAGRAPH_STYLE = "margin:0 0 16px"
BUTTON_STYLE = (
    "display:inline-block;padding:12px 20px;border-radius:6px;background:#1f6feb;color:#ffffff;text-decoration:none"
)


class MarkupError(ValueError):
    """The HTML or MJML cannot be used; the message says why."""


class Marks:
    """The Liquid of a text, taken out."""

    def __init__(self, source: str) -> None:
        self.name = f"peal{hashlib.sha256(source.encode()).hexdigest()[:10]}"
        self.liquid: list[str] = []
        self.back = re.compile(rf'(?:<!--|&lt;!--)?{self.name}x(\d+)x(?:-->|--&gt;)?(?:="")?')

    def take_out(self, source: str, *, comments: bool = True) -> str:
        """`comments`: mark control tags between elements by HTML comments, which may stand anywhere."""
        out, at, inside = [], 0, False
        for match in _LIQUID.finditer(source):
            literal = source[at : match.start()]
            if "<" in literal or ">" in literal:
                inside = literal.rfind("<") > literal.rfind(">")
            mark = f"{self.name}x{len(self.liquid)}x"
            comment = comments and not inside and match[0].startswith("{%")
            out += [literal, f"<!--{mark}-->" if comment else mark]
            self.liquid.append(match[0])
            at = match.end()
        return "".join([*out, source[at:]])

    def put_back(self, marked: str) -> str:
        return self.back.sub(lambda match: self.liquid[int(match[1])], marked)


def html_from_mjml(source: str) -> str:
    """Raises `MarkupError`."""
    marks = Marks(source)
    options = mrml.RenderOptions(fonts={})  # a mail does not load fonts from elsewhere
    try:
        return marks.put_back(mrml.to_html(marks.take_out(source), render_options=options).content)
    except OSError as error:
        raise MarkupError(f"the MJML cannot be read: {marks.put_back(str(error))}") from None


def inline_css(source: str) -> str:
    """A whole document with its style sheets moved into the elements; media queries stay. Raises `MarkupError`."""
    marks = Marks(source)
    try:
        inlined = marks.put_back(_INLINER.inline(marks.take_out(source)))
    except css_inline.InlineError as error:
        raise MarkupError(f"the style sheet cannot be read: {error}") from None
    return inlined if inlined.lstrip().lower().startswith("<!doctype") else "<!DOCTYPE html>" + inlined


def text_from_html(source: str) -> str:
    """Plain text of a document that may hold Liquid; link targets stay readable."""
    marks = Marks(source)
    text = get_text(marks.take_out(source, comments=False), _TEXT_OPTIONS)
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return marks.put_back(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)))


def html_from_text(text: str, button: bool) -> str:
    """Paragraphs from a message body, and a button to `{{ link }}` where `button` says so. Liquid stays as it is."""
    paragraphs = [
        f'<p style="{PARAGRAPH_STYLE}">{escape_around_liquid(part.strip()).replace(chr(10), "<br>")}</p>'
        for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    ]
    if button:
        paragraphs.append(
            f'<p style="{PARAGRAPH_STYLE}"><a href="{{{{ link }}}}" style="{BUTTON_STYLE}">Learn more</a></p>'
        )
    return (
        '<div style="max-width:600px;margin:0 auto;padding:24px;font-family:Arial,Helvetica,sans-serif;'
        f'font-size:16px;line-height:1.5;color:#1f2328">{"".join(paragraphs)}</div>'
    )


def escape_around_liquid(text: str) -> str:
    """Literal text as HTML; Liquid tags unchanged (their values are escaped as they are printed)."""
    out, at = [], 0
    for match in _LIQUID.finditer(text):
        out += [escape(text[at : match.start()], quote=False), match[0]]
        at = match.end()
    return "".join([*out, escape(text[at:], quote=False)])


def with_preheader(html: str, preheader: str) -> str:
    """The line that mailboxes show after the subject, hidden in the mail itself."""
    if not preheader:
        return html
    hidden = (
        f'<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{escape_around_liquid(preheader)}</div>'
    )
    start = _BODY_START.search(html)
    at = start.end() if start else 0
    return html[:at] + hidden + html[at:]


def with_footer(html: str, lines: list[str]) -> str:
    """Lines of HTML at the end of the body."""
    if not lines:
        return html
    footer = (
        '<div style="max-width:600px;margin:0 auto;padding:16px 24px;font-family:Arial,Helvetica,sans-serif;'
        f'font-size:12px;line-height:1.5;color:#656d76">{"<br>".join(lines)}</div>'
    )
    ends = list(_BODY_END.finditer(html))
    at = ends[-1].start() if ends else len(html)
    return html[:at] + footer + html[at:]
