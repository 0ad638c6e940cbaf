"""From what an author wrote, and left to the message body, to compiled content; every mistake named with its field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schemas import Body, Channel, Content, EmailContent, SmsContent, StepRecord, WhatsappContent
from services.domain.content import markup, tracking
from services.domain.content.compiled import (
    LINK,
    PREFERENCES_URL,
    UNSUBSCRIBE_URL,
    Compiled,
    CompiledEmail,
    CompiledSms,
    CompiledWhatsapp,
)
from services.domain.content.looks import USUAL_LOOK, Look
from services.domain.content.problems import TemplateProblem
from services.domain.content.templates import Template, compile_template


@dataclass(frozen=True)
class Footer:
    """What stands below every mail of a brand."""

    postal_address: str = ""
    unsubscribe: bool = True
    """False for transactional mails."""


@dataclass(frozen=True)
class _Source:
    """What content is compiled from. `field` is the path at which the author finds the channel's content."""

    content: Content
    body: Body
    name: str
    footer: Footer
    field: str
    tracked: bool = False
    look: Look = USUAL_LOOK

    def link(self) -> Template | None:
        return compile_template("body.link", self.body.link) if self.body.link else None

    def body_text(self) -> str:
        """The body's own text, checked, so that a mistake is shown where it was made."""
        if not self.body.text.strip():
            raise TemplateProblem(self.field, "no_content", f"there is nothing to send: give body.text or {self.field}")
        compile_template("body.text", self.body.text)
        return self.body.text

    def text_with_link(self) -> str:
        text = self.body_text().strip()
        if self.body.link and LINK not in compile_template("body.text", text).usage.used:
            text += " {{ link }}"
        return text


def content_for(step: StepRecord, body: Body, name: str) -> EmailContent | SmsContent | WhatsappContent:
    """What the step sends, its gaps filled from the message body. Raises `TemplateProblem`."""
    source = _Source(step.content, body, name, Footer(), f"content.{step.channel}")
    if step.channel is Channel.EMAIL:
        given = step.content.email or EmailContent()
        html = given.html or ("" if given.mjml else markup.html_from_text(source.body_text(), _needs_button(source)))
        return given.model_copy(update={"subject": given.subject or name, "html": html})
    if step.channel is Channel.SMS:
        return step.content.sms or SmsContent(text=source.text_with_link())
    if step.channel is Channel.WHATSAPP:
        return step.content.whatsapp or WhatsappContent(text=source.text_with_link())
    raise _no_such_channel(step.channel)


def compile_content(
    channel: Channel,
    content: Content,
    body: Body,
    *,
    name: str,
    footer: Footer = Footer(),
    field: str = "content",
    tracked: bool = False,
    look: Look = USUAL_LOOK,
) -> Compiled:
    """Compile one channel's content, its gaps filled from the body; `name` is the campaign's. `tracked`: its links lead
    by `/r/...` where `Links.tracked` is given as it is rendered.

    `field` is the path of `content` in the campaign file (`content`, or `steps.0.content`). Raises `TemplateProblem`.
    """
    compiler = _COMPILERS.get(channel)
    if compiler is None:
        raise _no_such_channel(channel)
    compiled = compiler(_Source(content, body, name, footer, f"{field}.{channel}", tracked, look))
    if compiled.uses(LINK) and not body.link:
        where = next(each.field for each in compiled.templates() if LINK in each.usage.used)
        raise TemplateProblem(where, "no_link", "{{ link }} is used, but body.link is empty: give it, or take it out")
    return compiled


def _no_such_channel(channel: str) -> TemplateProblem:
    return TemplateProblem("channels", "unsupported_channel", f"nothing can be sent by {channel} yet")


def _compile_sms(source: _Source) -> CompiledSms:
    given = source.content.sms
    if given is not None and given.text.strip():
        text = compile_template(f"{source.field}.text", given.text)
    else:
        text = compile_template("body.text", source.text_with_link())
    return CompiledSms(Channel.SMS, source.link(), text, tracked=source.tracked)


def _compile_whatsapp(source: _Source) -> CompiledWhatsapp:
    given = source.content.whatsapp
    if given is not None and given.template:
        variables = {
            key: compile_template(f"{source.field}.variables.{key}", text) for key, text in given.variables.items()
        }
        return CompiledWhatsapp(
            Channel.WHATSAPP, source.link(), given.template, variables, None, tracked=source.tracked
        )
    if given is not None and (given.text or "").strip():
        text = compile_template(f"{source.field}.text", given.text or "")
    else:
        text = compile_template("body.text", source.text_with_link())
    return CompiledWhatsapp(Channel.WHATSAPP, source.link(), None, {}, text, tracked=source.tracked)


def _compile_email(source: _Source) -> CompiledEmail:
    given = source.content.email or EmailContent()
    if given.subject:
        subject = compile_template(f"{source.field}.subject", given.subject)
    else:
        subject = compile_template("name", _literal(source.name))
    preheader = compile_template(f"{source.field}.preheader", given.preheader)
    field, html = _document(source, given)
    html, targets = tracking.take_links(field, html) if source.tracked else (html, {})
    try:
        plain = markup.with_footer(html, _footer(source, html))
        headed = markup.with_header(plain, source.look)
        document = markup.inline_css(markup.with_preheader(headed, given.preheader))
    except markup.MarkupError as error:
        raise TemplateProblem(field, "broken_markup", str(error), error.line, error.column) from None
    compiled = _compile_moved(field, document)
    text = _compile_text(source, given, plain, simple=compiled.parts is not None)
    return CompiledEmail(
        Channel.EMAIL, source.link(), subject, preheader, compiled, text, tracked=source.tracked, targets=targets
    )


def _document(source: _Source, given: EmailContent) -> tuple[str, str]:
    """The field that the HTML comes from, and the HTML; its Liquid checked where the author wrote it."""
    if given.mjml:
        field = f"{source.field}.mjml"
        compile_template(field, given.mjml, html=True)
        try:
            return field, markup.html_from_mjml(given.mjml)
        except markup.MarkupError as error:
            raise TemplateProblem(field, "broken_markup", str(error), error.line, error.column) from None
    if given.html:
        compile_template(f"{source.field}.html", given.html, html=True)
        return f"{source.field}.html", given.html
    return "body.text", markup.html_from_text(source.body_text(), _needs_button(source), source.look)


def _needs_button(source: _Source) -> bool:
    return bool(source.body.link) and LINK not in compile_template("body.text", source.body.text).usage.used


def _footer(source: _Source, html: str) -> list[str]:
    lines = [markup.literal_html(text) for text in (source.look.footer, source.footer.postal_address) if text]
    if source.footer.unsubscribe and UNSUBSCRIBE_URL not in html:
        lines.append(
            f'<a href="{{{{ {UNSUBSCRIBE_URL} }}}}">Unsubscribe</a> · '
            f'<a href="{{{{ {PREFERENCES_URL} }}}}">Preferences</a>'
        )
    return lines


def _compile_moved(field: str, document: str) -> Template:
    """The Liquid itself was right; after parsing as HTML it may stand where it no longer makes sense."""
    try:
        return compile_template(field, document, html=True)
    except TemplateProblem as problem:
        message = f"{problem.message}. Put {{% ... %}} around whole elements, not across their borders"
        raise TemplateProblem(field, "broken_template", message) from None


def _compile_text(source: _Source, given: EmailContent, html: str, *, simple: bool) -> Template | None:
    """None where the HTML has control flow: its order is lost in a conversion that knows nothing of it."""
    field = f"{source.field}.text"
    if given.text:
        text = compile_template(field, given.text)
        if source.footer.unsubscribe and UNSUBSCRIBE_URL not in given.text:
            text = compile_template(field, f"{given.text}\n\nUnsubscribe: {{{{ {UNSUBSCRIBE_URL} }}}}")
        return text
    return compile_template(field, markup.text_from_html(html)) if simple else None


def _literal(text: str) -> str:
    """As Liquid that prints just this."""
    return f"{{% raw %}}{text}{{% endraw %}}" if "{{" in text or "{%" in text else text


_COMPILERS: dict[Channel, Callable[[_Source], Compiled]] = {
    Channel.EMAIL: _compile_email,
    Channel.SMS: _compile_sms,
    Channel.WHATSAPP: _compile_whatsapp,
}
