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

from services.domain.content.looks import USUAL_LOOK, Look, readable_on

_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_MJML_PLACE = re.compile(r"\s*at position (\d+):\d+")
_BODY_START = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_TEXT_OPTIONS = ParserConfig(css=CSS_PROFILES["strict"].copy(), display_links=True)
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

PARAGRAPH_STYLE = "margin:0 0 16px"


class MarkupError(ValueError):
    """The HTML or MJML cannot be used; the message says why. `line` and `column` count from 1; 0: not known."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line, self.column = line, column


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
    marked = marks.take_out(source)
    try:
        return marks.put_back(mrml.to_html(marked, render_options=options).content)
    except OSError as error:
        raise _mjml_error(marks.put_back(str(error)), marked, marks) from None


def _mjml_error(told: str, marked: str, marks: Marks) -> MarkupError:
    """mrml tells a range of bytes in what it was given: the place where the author finds it."""
    place = _MJML_PLACE.search(told)
    if place is None:
        return MarkupError(f"the MJML cannot be read: {told}")
    before = marks.put_back(marked.encode()[: int(place[1])].decode(errors="ignore"))
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    words = told[: place.start()].strip()
    return MarkupError(f"line {line}, column {column}: the MJML cannot be read: {words}", line, column)


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


def html_from_text(text: str, button: bool, look: Look = USUAL_LOOK) -> str:
    """Paragraphs from a message body, and a button to `{{ link }}` where `button` says so. Liquid stays as it is."""
    paragraphs = [
        f'<p style="{PARAGRAPH_STYLE}">{escape_around_liquid(part.strip()).replace(chr(10), "<br>")}</p>'
        for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    ]
    if button:
        style = (
            f"display:inline-block;padding:12px 20px;border-radius:6px;background:{look.accent};"
            f"color:{readable_on(look.accent)};text-decoration:none"
        )
        paragraphs.append(f'<p style="{PARAGRAPH_STYLE}"><a href="{{{{ link }}}}" style="{style}">Learn more</a></p>')
    inner = (
        '<div style="max-width:600px;margin:0 auto;padding:24px;font-family:Arial,Helvetica,sans-serif;'
        f'font-size:16px;line-height:1.5;color:{look.text}">{"".join(paragraphs)}</div>'
    )
    if look.background.lower() == USUAL_LOOK.background:
        return inner
    return f'<html><body style="margin:0;background-color:{look.background}">{inner}</body></html>'


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
    return _at_start(html, hidden)


def with_header(html: str, look: Look) -> str:
    """The brand's header at the beginning of the body, where it has one."""
    if not look.header and not look.logo:
        return html
    parts = []
    if look.logo:
        alt = "" if look.header else "Logo"
        parts.append(
            f'<img src="{escape(look.logo)}" alt="{alt}" height="48" style="max-height:48px;vertical-align:middle">'
        )
    if look.header:
        gap = "padding-left:12px;" if look.logo else ""
        parts.append(f'<span style="{gap}vertical-align:middle">{literal_html(look.header)}</span>')
    colours = f"color:{look.text};border-bottom:3px solid {look.accent}"
    header = (
        '<div style="max-width:600px;margin:0 auto;padding:16px 24px;font-family:Arial,Helvetica,sans-serif;'
        f'font-size:18px;font-weight:bold;{colours}">{"".join(parts)}</div>'
    )
    return _at_start(html, header)


def literal_html(text: str) -> str:
    """A plain text as HTML, in which Liquid is nothing special."""
    if "{{" in text or "{%" in text:
        text = f"{{% raw %}}{escape(text, quote=False)}{{% endraw %}}"
    else:
        text = escape(text, quote=False)
    return text.replace("\r\n", "\n").replace("\n", "<br>")


def _at_start(html: str, part: str) -> str:
    start = _BODY_START.search(html)
    at = start.end() if start else 0
    return html[:at] + part + html[at:]


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
