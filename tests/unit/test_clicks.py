"""Tracked links: short, forged by nobody, leading where the author said and nowhere else; and who is no person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Account, Body, CampaignRecord, Channel, Content, EmailContent, SmsContent, Tracking
from services.domain.campaigns import reserve_micros
from services.domain.clicks import (
    Click,
    ClickLinks,
    campaign_tag,
    make_click_token,
    read_click_token,
    target_of,
    trackable,
)
from services.domain.content import (
    Compiled,
    CompiledEmail,
    Links,
    RenderedEmail,
    RenderedSms,
    as_substitutions,
    compile_content,
    render,
)
from services.domain.links import BadTokenError
from services.domain.messages import SendRequest
from services.tracker.core.machines import is_machine, too_soon

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LINKS = ClickLinks("https://p.example", "secret", "summer", 2, 17, 1)
PEOPLE_SAY = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"


def campaign(link: str | None = "https://shop.example/book", **changes: Any) -> CampaignRecord:
    record = {
        "campaign_id": "summer", "brand": "default", "name": "Summer", "status": "active", "epoch": 1,
        "body": {"text": "Hi", "link": link}, "created_at": NOW, "updated_at": NOW,
        "steps": [{"channel": name, "account": "default", "content": {}} for name in ("email", "sms")],
    }  # fmt: skip
    return CampaignRecord.model_validate(record | changes)


def known(*campaigns: str) -> Any:
    return lambda tag: [name for name in campaigns if campaign_tag(name) == tag]


clicks = st.builds(
    Click, st.just("summer"), st.integers(1, 300), st.integers(0, 2**32 - 1), st.integers(1, 65_535),
    st.sampled_from(["", "https://shop.example/a?b=c#d", "http://é.example/ü"]),
)  # fmt: skip


@given(clicks)
def test_a_token_says_which_link_of_which_attempt_it_was(click: Click) -> None:
    token = make_click_token("secret", click)
    assert read_click_token("secret", token, known("winter", "summer")) == click


@given(clicks, st.data())
def test_no_altered_token_is_believed(click: Click, data: st.DataObject) -> None:
    token = make_click_token("secret", click)
    place = data.draw(st.integers(0, len(token) - 2))
    other = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda character: character != token[place]))
    with pytest.raises(BadTokenError):
        read_click_token("secret", token[:place] + other + token[place + 1 :], known("summer"))


@pytest.mark.parametrize("token", ["", "x", "é", "A" * 9_000, "AAAA", "A" * 30])
def test_whatever_else_comes_is_refused(token: str) -> None:
    with pytest.raises(BadTokenError):
        read_click_token("secret", token, known("summer"))


def test_a_token_of_another_secret_or_campaign_is_refused() -> None:
    token = make_click_token("secret", Click("summer", 1, 0, 1))
    for secret, names in (("other", ("summer",)), ("secret", ("winter",))):
        with pytest.raises(BadTokenError):
            read_click_token(secret, token, known(*names))


@pytest.mark.parametrize(("ordinal", "length"), [(0, 19), (16_383, 20), (9_999_999, 23)])
def test_the_token_of_an_sms_is_short(ordinal: int, length: int) -> None:
    assert len(make_click_token("secret", Click("summer", 1, ordinal, 1))) == length


# ------------------------------------------------------------------------------------------------------- where it leads


def test_the_target_gets_the_campaigns_utm_parameters_and_keeps_its_own() -> None:
    record = campaign("https://shop.example/book?a=1&utm_medium=mine#top")
    assert target_of(Click("summer", 2, 0, 1), record) == (
        "https://shop.example/book?a=1&utm_medium=mine&utm_source=peal&utm_campaign=summer#top"
    )


def test_a_campaign_names_its_own_utm_parameters_and_leaves_out_what_it_sets_to_nothing() -> None:
    record = campaign(brand="acme", tracking={"utm_medium": "", "utm_campaign": "May Sale"})
    assert target_of(Click("summer", 2, 0, 1), record) == (
        "https://shop.example/book?utm_source=acme&utm_campaign=May+Sale"
    )


def test_what_the_author_put_behind_the_link_goes_on_to_the_target() -> None:
    target = target_of(Click("summer", 1, 0, 1), campaign("https://shop.example/?a=1"), "c=Pune%20City&utm_source=x")
    assert target is not None
    assert parse_qs(urlsplit(target).query) == {
        "a": ["1"], "c": ["Pune City"], "utm_source": ["x"], "utm_medium": ["email"], "utm_campaign": ["summer"],
    }  # fmt: skip


def test_mending_the_campaigns_link_mends_it_in_messages_that_are_out() -> None:
    target = target_of(Click("summer", 1, 0, 1), campaign("https://new.example/"))
    assert target is not None
    assert target.startswith("https://new.example/?")


@pytest.mark.parametrize("link", [None, "", "javascript:alert(1)", "ftp://x", "//evil.example", "https://x/{{ name }}"])
def test_a_link_that_is_no_page_any_more_leads_nowhere(link: str | None) -> None:
    assert target_of(Click("summer", 1, 0, 1), campaign(link)) is None


@given(st.text(max_size=40))
def test_a_target_fits_into_one_header_line(path: str) -> None:
    url = f"https://shop.example/{path}"
    target = target_of(Click("summer", 1, 0, 1, url), campaign()) if trackable(url) else ""
    assert target is not None
    assert target.isascii()
    assert not set(target) & set("\r\n \t")


# ---------------------------------------------------------------------------------------------------------- in messages


def compiled(channel: Channel, content: Content, link: str | None = "https://shop.example/book") -> Compiled:
    return compile_content(channel, content, Body(text="Hi {{ name }}", link=link), name="Summer", tracked=True)


def clicked(url: str) -> Click:
    assert url.startswith("https://p.example/r/"), url
    return read_click_token("secret", url.rpartition("/")[2], known("summer"))


def test_the_bodys_link_is_tracked_in_an_sms_and_its_target_stays_with_the_campaign() -> None:
    sms = render(compiled(Channel.SMS, Content()), {"name": "Asha"}, Links(tracked=LINKS))
    assert isinstance(sms, RenderedSms)
    hi, _, url = sms.text.rpartition(" ")
    assert (hi, clicked(url)) == ("Hi Asha", Click("summer", 2, 17, 1, ""))


def test_a_link_with_a_persons_own_data_carries_its_target() -> None:
    content = Content(sms=SmsContent(text="{{ link }}"))
    sms = render(compiled(Channel.SMS, content, "https://x.example/?n={{ name }}"), {"name": "A"}, Links(tracked=LINKS))
    assert isinstance(sms, RenderedSms)
    assert clicked(sms.text).url == "https://x.example/?n=A"


HTML = """<p>{{ name }} <a class="b" href="https://a.example/?x=1&amp;y={{ name | url_encode }}">A</a>
<a href='https://b.example/'>B</a> <a href="{{ link }}">L</a> <a href="mailto:a@b.example">M</a>
<a href="{{ unsubscribe_url }}">U</a> <a href="#top">T</a>
{% for p in products %}<a href="{{ p.url }}">P</a>{% endfor %}{% if name %}<a href="https://b.example/">B</a>{% endif %}
"""


def test_each_link_of_a_mail_that_leads_to_a_page_is_tracked_and_no_other() -> None:
    mail = compiled(Channel.EMAIL, Content(email=EmailContent(subject="s", html=HTML)))
    assert isinstance(mail, CompiledEmail)
    assert mail.placeholders == {"name", "products"}
    data = {"name": "A&B", "products": [{"url": "https://p.example/1"}]}
    sent = render(mail, data, Links("https://p.example/u/T", "https://p.example/p/T", LINKS))
    assert isinstance(sent, RenderedEmail)
    hrefs = [part.split('"')[0] for part in sent.html.split('href="')[1:]]
    assert [clicked(url).url for url in hrefs[:3]] == ["https://a.example/?x=1&y=A%26B", "https://b.example/", ""]
    assert hrefs[3:6] == ["mailto:a@b.example", "https://p.example/u/T", "#top"]
    assert hrefs[6] == "https://p.example/1", "made from a loop's own variable: as it was written"
    assert clicked(hrefs[7]).url == "https://b.example/"


def test_in_one_mail_for_many_each_person_has_links_of_their_own() -> None:
    html = '<a href="https://a.example/{{ name }}">A</a> <a href="{{ link }}">L</a>'
    mail = compiled(Channel.EMAIL, Content(email=EmailContent(subject="s", html=html)))
    assert isinstance(mail, CompiledEmail)
    shared = as_substitutions(mail)
    assert shared is not None
    assert "a.example" not in shared.html + shared.text
    for ordinal, name in ((3, "asha"), (4, "bela")):
        values = shared.values({"name": name}, Links("u", "p", LINKS._replace(ord=ordinal)))
        html = shared.html
        for token, value in values.items():
            html = html.replace(token, value)
        found = [clicked(part.split('"')[0]) for part in html.split('href="')[1:] if part.startswith("https://p")]
        assert [(click.ord, click.url) for click in found] == [(ordinal, f"https://a.example/{name}"), (ordinal, "")]


def test_without_tracking_links_stay_as_they_were_written() -> None:
    html = '<a href="https://a.example/">A</a>'
    mail = compile_content(
        Channel.EMAIL, Content(email=EmailContent(subject="s", html=html)), Body(), name="n", tracked=False
    )
    sent = render(mail, {}, Links("u", "p", LINKS))
    assert isinstance(sent, RenderedEmail)
    assert html in sent.html
    assert Tracking().links, "links are tracked where nothing else is said"


def test_the_reserve_of_an_sms_counts_the_segments_of_the_tracked_link() -> None:
    account = Account.model_validate(
        {
            "account_id": "default", "channel": "sms", "provider": "twilio", "base_url": "http://x", "sender": "+1",
            "username": "AC", "rate_per_s": 1, "rate_card": {"currency": "USD", "message_micros": 10},
        }
    )  # fmt: skip
    public_url = "https://links.example"
    for filler in range(100, 161):
        content = compiled(Channel.SMS, Content(sms=SmsContent(text="x" * filler + "{{ link }}")))
        request = SendRequest(
            send_id="summer/1/c", campaign_id="summer", step=1, recipient="default/c", ord=5_000_000, attempt=3,
            epoch=1, channel="sms", address="+919812345678", expires_at=NOW,
        )  # fmt: skip
        sent = render(content, {}, Links(tracked=ClickLinks(public_url, "secret", "summer", 1, 5_000_000, 3)))
        assert isinstance(sent, RenderedSms)
        assert reserve_micros(account, content, request, public_url) == 10 * sent.segments.count


# ------------------------------------------------------------------------------------------------------------- machines


@pytest.mark.parametrize(
    ("method", "agent", "purpose"),
    [
        ("HEAD", PEOPLE_SAY, ""),
        ("GET", "", ""),
        ("GET", PEOPLE_SAY, "prefetch;prerender"),
        ("GET", "WhatsApp/2.23.20.0 A", ""),
        ("GET", "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", ""),
        ("GET", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", ""),
        ("GET", "Mozilla/5.0 BingPreview/1.0b", ""),
        ("GET", "python-requests/2.31", ""),
    ],
)
def test_scanners_previews_and_programs_are_machines(method: str, agent: str, purpose: str) -> None:
    assert is_machine(method, agent, purpose)


@pytest.mark.parametrize(
    "agent",
    [
        PEOPLE_SAY,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36 [FBAN/FB4A]",
        "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    ],
)
def test_browsers_are_people(agent: str) -> None:
    assert not is_machine("GET", agent)


def test_nobody_follows_a_link_within_a_second_of_the_messages_arrival() -> None:
    second = timedelta(seconds=1)
    assert too_soon(NOW, NOW - second / 2, None)
    assert too_soon(NOW, NOW - 9 * second, NOW - second / 2)
    assert not too_soon(NOW, NOW - 2 * second, None)
    assert not too_soon(NOW, NOW - 2 * second, NOW + second), "a receipt that comes later says nothing of the click"
    assert not too_soon(NOW, None, None)
