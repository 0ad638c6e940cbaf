"""One message body, rendered by each channel in its own way, and overridden where wanted."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Body, Channel, Content, EmailContent, RateCard, SmsContent, StepRecord, WhatsappContent
from services.domain.content import (
    CompiledEmail,
    Footer,
    Links,
    RenderedEmail,
    RenderedSms,
    RenderedWhatsapp,
    RenderProblem,
    TemplateProblem,
    as_substitutions,
    compile_content,
    content_for,
    message_cost,
    render,
)

BODY = Body(
    text="Hi {{ name | default: 'there' }} & co,\n\nbook in {{ city }}",
    link="https://example.com/b?c={{ city | url_encode }}&x=1",
)
FOOTER = Footer("1 Road, Pune")
BROKEN_VARIABLE = Content(whatsapp=WhatsappContent(template="HX1", variables={"1": "x", "2": "{{"}))
LINKS = Links("https://peal.example/u/T", "https://peal.example/p/T")


def email(content: EmailContent | None = None, body: Body = BODY, footer: Footer = FOOTER) -> CompiledEmail:
    compiled = compile_content(Channel.EMAIL, Content(email=content), body, name="Summer {{ 1 }}", footer=footer)
    assert isinstance(compiled, CompiledEmail)
    return compiled


def rendered(compiled: CompiledEmail, **data: object) -> RenderedEmail:
    mail = render(compiled, data, LINKS)
    assert isinstance(mail, RenderedEmail)
    return mail


def test_a_mail_without_content_of_its_own_is_made_from_the_body() -> None:
    """Subject: the campaign's name; HTML: escaped paragraphs and a button; text; footer with address and links."""
    mail = rendered(email(), city="New <York>")
    assert mail.subject == "Summer {{ 1 }}"
    assert "Hi there &amp; co," in mail.html
    assert "book in New &lt;York&gt;" in mail.html
    assert 'href="https://example.com/b?c=New+%3CYork%3E&amp;x=1"' in mail.html
    assert "1 Road, Pune" in mail.html
    assert f'<a href="{LINKS.unsubscribe_url}">Unsubscribe</a>' in mail.html
    assert "Hi there & co,\n\nbook in New <York>" in mail.text
    assert "https://example.com/b?c=New+%3CYork%3E&x=1" in mail.text
    assert LINKS.unsubscribe_url in mail.text


def test_sms_and_whatsapp_without_content_are_the_body_and_its_link() -> None:
    for channel in (Channel.SMS, Channel.WHATSAPP):
        sent = render(compile_content(channel, Content(), BODY, name="n"), {"city": "Pune"}, LINKS)
        assert isinstance(sent, RenderedSms | RenderedWhatsapp)
        assert sent.text == "Hi there & co,\n\nbook in Pune https://example.com/b?c=Pune&x=1"


def test_content_for_fills_the_gaps_that_a_step_leaves() -> None:
    step = StepRecord(channel=Channel.EMAIL, account="default", content=Content(email=EmailContent(preheader="now")))
    filled = content_for(step, BODY, "Name")
    assert isinstance(filled, EmailContent)
    assert (filled.subject, filled.preheader) == ("Name", "now")
    assert "{{ city }}" in filled.html
    sms = content_for(StepRecord(channel=Channel.SMS, account="default", content=Content()), BODY, "Name")
    assert sms == SmsContent(text=BODY.text + " {{ link }}")


def test_css_is_inlined_and_liquid_stays_where_it_was() -> None:
    """Loops between table rows, conditions with `>` and tags inside attributes survive the parser of HTML."""
    html = (
        "<style>.a{color:red} @media (max-width:600px){.a{color:blue}}</style>"
        '<table>{% for i in (1..3) %}<tr><td class="a">{{ i }}{% if i > 2 %}!{% endif %}</td></tr>{% endfor %}</table>'
        '<a {% if name %}title="{{ name }}"{% endif %} href="{{ link }}">go</a>'
    )
    mail = rendered(email(EmailContent(subject="s", html=html)), name='"A"', city="P")
    assert re.findall(r'<td class="a" style="color: red;?">(.*?)</td>', mail.html) == ["1", "2", "3!"]
    assert 'title="&#34;A&#34;"' in mail.html
    assert "@media" in mail.html
    assert "3!" in mail.text


def test_mjml_becomes_html_without_fonts_from_elsewhere() -> None:
    mjml = (
        "<mjml><mj-body>{% if name %}<mj-section><mj-column><mj-text>Hi {{ name }}</mj-text></mj-column></mj-section>"
        "{% endif %}</mj-body></mjml>"
    )
    compiled = email(EmailContent(subject="s", mjml=mjml))
    assert "Hi A" in rendered(compiled, name="A").html
    assert "Hi" not in rendered(compiled, name="").html
    assert "fonts" not in rendered(compiled, name="A").html


def test_the_preheader_is_hidden_and_not_in_the_text() -> None:
    mail = rendered(email(EmailContent(subject="s", preheader="10% < {{ city }}")), city="Pune")
    assert "10% &lt; Pune</div>" in mail.html
    assert "10%" not in mail.text
    assert mail.preheader == "10% < Pune"


def test_a_mail_with_its_own_unsubscribe_link_gets_no_second_one() -> None:
    html = '<p>x <a href="{{ unsubscribe_url }}">stop</a></p>'
    mail = rendered(email(EmailContent(subject="s", html=html)))
    assert mail.html.count(LINKS.unsubscribe_url) == 1


def test_transactional_mails_have_no_unsubscribe_link() -> None:
    mail = rendered(email(footer=Footer("1 Road", unsubscribe=False)), city="P")
    assert "nsubscribe" not in mail.html + mail.text


def test_a_line_break_in_a_name_begins_no_header() -> None:
    compiled = email(EmailContent(subject="Hi {{ name }}"))
    data = {"name": "A\r\nBcc: all@example.com", "city": "P"}
    assert rendered(compiled, **data).subject == "Hi A Bcc: all@example.com"
    shared = as_substitutions(compiled)
    assert shared is not None
    assert not any("\n" in value for token, value in shared.values(data, LINKS).items() if token in shared.subject)


NAMES = st.text(max_size=30)


@given(NAMES, NAMES)
def test_substitution_gives_the_same_mail_as_rendering(name: str, city: str) -> None:
    """One template for a thousand people reads, for each, exactly like a mail of their own."""
    compiled = email(
        EmailContent(
            subject="Hi {{ name | default: 'you' }}!",
            preheader="in {{ city }}",
            html="<p title='{{ name }}'>{{ city | upcase }} {{ link }}</p>",
        )
    )
    shared = as_substitutions(compiled)
    assert shared is not None
    data = {"name": name, "city": city}
    subject, html, text = shared.subject, shared.html, shared.text
    for token, value in shared.values(data, LINKS).items():
        subject, html, text = (part.replace(token, value) for part in (subject, html, text))
    mail = rendered(compiled, **data)
    assert (subject, html, text) == (mail.subject, mail.html, mail.text)


def test_control_flow_takes_one_mail_a_person() -> None:
    assert as_substitutions(email(EmailContent(subject="s", html="{% if name %}<p>{{ name }}</p>{% endif %}"))) is None


@pytest.mark.parametrize(
    ("channel", "content", "body", "field", "problem"),
    [
        (Channel.SMS, Content(), Body(), "content.sms", "no_content"),
        (Channel.SMS, Content(sms=SmsContent(text="a {{ b")), BODY, "content.sms.text", "broken_template"),
        (Channel.SMS, Content(sms=SmsContent(text="{{ link }}")), Body(text="x"), "content.sms.text", "no_link"),
        (Channel.SMS, Content(), Body(text="{{ b"), "body.text", "broken_template"),
        (Channel.SMS, Content(), Body(text="b", link="{{ x"), "body.link", "broken_template"),
        (Channel.EMAIL, Content(email=EmailContent(subject="{{")), BODY, "content.email.subject", "broken_template"),
        (Channel.EMAIL, Content(email=EmailContent(html="{{ x |")), BODY, "content.email.html", "broken_template"),
        (Channel.EMAIL, Content(email=EmailContent(mjml="<mjml><mj-x>")), BODY, "content.email.mjml", "broken_markup"),
        (Channel.WHATSAPP, BROKEN_VARIABLE, BODY, "content.whatsapp.variables.2", "broken_template"),
        (Channel.PUSH, Content(), BODY, "channels", "unsupported_channel"),
    ],
)  # fmt: skip
def test_mistakes_name_the_field_where_they_were_made(
    channel: Channel, content: Content, body: Body, field: str, problem: str
) -> None:
    with pytest.raises(TemplateProblem) as caught:
        compile_content(channel, content, body, name="n")
    assert (caught.value.field, caught.value.problem) == (field, problem)


def test_placeholders_of_all_parts_are_known_and_links_are_not_attributes() -> None:
    compiled = email(
        EmailContent(
            subject="{{ a }}", preheader="{{ b }}", html="{{ c | default: 1 }} {{ link }} {{ unsubscribe_url }}"
        )
    )
    assert compiled.placeholders == {"a", "b", "c", "city"}
    assert compiled.required == {"a", "b", "city"}


def test_whatsapp_templates_carry_rendered_variables() -> None:
    content = Content(whatsapp=WhatsappContent(template="HX1", variables={"1": "{{ name }}", "2": "{{ link }}"}))
    sent = render(compile_content(Channel.WHATSAPP, content, BODY, name="n"), {"name": "A", "city": "P"}, LINKS)
    assert sent == RenderedWhatsapp("HX1", {"1": "A", "2": "https://example.com/b?c=P&x=1"}, None)


def test_an_sms_that_no_provider_takes_is_a_problem_of_that_person() -> None:
    compiled = compile_content(Channel.SMS, Content(sms=SmsContent(text="{{ name }}")), BODY, name="n")
    with pytest.raises(RenderProblem, match="at most 1600"):
        render(compiled, {"name": "x" * 1601}, LINKS)


def test_cost_counts_segments_and_countries() -> None:
    card = RateCard(message_micros=100, by_country={"IN": 7})
    long = RenderedSms("x" * 161)
    assert message_cost(card, "sms", "+4915112345678", long) == 200
    assert message_cost(card, "sms", "+919812345678", long) == 14
    assert message_cost(card, "email", "a@example.com", None) == 100
