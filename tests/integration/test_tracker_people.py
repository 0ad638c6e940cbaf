"""Callbacks, links, stops and contacts, over HTTP and topics, against the running tracker."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from freezing import frozen
from service_process import ServiceProcess
from tracker_stage import (
    LINK_SECRET,
    NOW,
    PHONE,
    Callbacks,
    Stage,
    event,
    inbound_form,
    mail_event,
    own_stage,
    status_form,
    status_path,
    until,
)

from schemas import Brand, ContactChange
from schemas.topics import BRANDS, CONSENTS, CONTACT_CHANGES, DELIVERY_EVENTS, ENGAGEMENTS, INBOUND_MESSAGES
from services.domain.clicks import Click, make_click_token
from services.domain.links import PREFERENCES, UNSUBSCRIBE, LinkTarget, make_token
from services.domain.messages import encode_json
from services.runtime.clickhouse import make_clickhouse
from services.tracker.compaction import Compaction
from services.tracker.store import Store

TOPICS = (DELIVERY_EVENTS, CONTACT_CHANGES, CONSENTS, ENGAGEMENTS, INBOUND_MESSAGES)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with own_stage(tmp_path_factory.mktemp("tracker-people")) as found:
        yield found


@pytest.fixture(scope="module")
def tracker(stage: Stage) -> Iterator[ServiceProcess]:
    process = stage.tracker()
    asyncio.run(process.start())
    yield process
    assert asyncio.run(process.stop()) == 0


@pytest.fixture
async def callbacks(stage: Stage, tracker: ServiceProcess) -> AsyncIterator[Callbacks]:
    async with aiohttp.ClientSession() as session:
        yield Callbacks(stage, session)


async def contacts(stage: Stage, *people: dict[str, Any]) -> None:
    changes = []
    for person in people:
        fields = dict(person)
        recipient, at = fields.pop("recipient"), fields.pop("at", NOW)
        whole = {"recipient": recipient, "occurred_at": at} | ({"set": fields} if fields else {"delete": True})
        changes.append((recipient, ContactChange.model_validate(whole).write()))
    await stage.publish(CONTACT_CHANGES, changes)
    await stage.consumed(CONTACT_CHANGES)


async def settled(stage: Stage) -> None:
    """All is read that is on the topics, and what the tracker itself has then put there."""
    for _ in range(2):
        await stage.consumed(*TOPICS)


async def consents_of(stage: Stage, recipient: str) -> dict[str, tuple[str, str]]:
    rows = await stage.rows("SELECT channel, state, reason FROM v_consents WHERE recipient_id = %(r)s", r=recipient)
    return {row[0]: (row[1], row[2]) for row in rows}


async def test_a_signed_status_becomes_an_event_on_the_topic_and_in_the_ledger(
    stage: Stage, callbacks: Callbacks
) -> None:
    await stage.campaign("status")
    await stage.publish_events([event("status", 5, "accepted", step=2, channel="sms", cost_micros=7900)])
    for word in ("queued", "sent", "delivered", "delivered", "sent"):
        assert await callbacks.twilio(status_path("status", 5), status_form(word)) == 204
    await settled(stage)
    told = [value["json"] for value in await stage.values(DELIVERY_EVENTS, "status/2/c-5")]
    assert {one["status"] for one in told} == {"accepted", "delivered"}
    assert {one["occurred_at"] for one in told if one["status"] == "delivered"}.__len__() == 1, (
        "a repeat keeps its time"
    )
    rows = await stage.rows("SELECT status, cost_micros FROM sends WHERE campaign_id = 'status'")
    assert rows == [("delivered", 7900)]
    assert (await stage.rows("SELECT sent, delivered FROM v_funnel WHERE campaign_id = 'status'")) == [(1, 1)]


async def test_statuses_in_reverse_order_never_fall_back(stage: Stage, callbacks: Callbacks) -> None:
    await stage.campaign("reverse")
    for word in ("read", "delivered", "sent", "failed"):
        assert await callbacks.twilio(status_path("reverse", 1), status_form(word, "30003"), requote=True) == 204
    await settled(stage)
    assert (await stage.rows("SELECT status FROM sends WHERE campaign_id = 'reverse'")) == [("read",)]


async def test_forged_altered_and_unsigned_callbacks_get_403_and_leave_nothing(
    stage: Stage, tracker: ServiceProcess, callbacks: Callbacks
) -> None:
    await stage.campaign("forged")
    before = await tracker.metric("peal_callbacks_total"), await stage.ends(DELIVERY_EVENTS, INBOUND_MESSAGES)
    path, form = status_path("forged", 1), status_form("delivered")
    assert await callbacks.twilio(path, form, sign="") == 403
    assert await callbacks.twilio(path, form, sign="Zm9yZ2Vk") == 403
    assert await callbacks.twilio("/webhooks/twilio/inbound", inbound_form("STOP"), sign="Zm9yZ2Vk") == 403
    assert await callbacks.sendgrid([mail_event("forged", 1, "delivered")], signed=False) == 403
    assert await callbacks.sendgrid([mail_event("forged", 1, "delivered")], altered=b" ") == 403
    after = await tracker.metric("peal_callbacks_total"), await stage.ends(DELIVERY_EVENTS, INBOUND_MESSAGES)
    assert after[0] == before[0] + 5
    assert after[1] == before[1]
    assert not await stage.rows("SELECT 1 FROM provider_callbacks WHERE body LIKE '%forged%'")


async def test_words_that_are_not_understood_are_kept_for_whoever_extends_the_tables(
    stage: Stage, callbacks: Callbacks
) -> None:
    await stage.campaign("unknown")
    assert await callbacks.twilio(status_path("unknown", 1), status_form("teleported")) == 204
    assert await callbacks.sendgrid([mail_event("unknown", 1, "hummed"), mail_event("unknown", 2, "delivered")]) == 204
    rows = await stage.rows(
        "SELECT provider, kind, reason FROM provider_callbacks WHERE body LIKE '%unknown%1%' ORDER BY 1"
    )
    assert rows == [("sendgrid", "hummed", "unknown_status"), ("twilio", "teleported", "unknown_status")]
    await settled(stage)
    assert (await stage.rows("SELECT count() FROM sends WHERE campaign_id = 'unknown'")) == [(1,)]


async def test_a_callback_of_a_campaign_made_a_moment_ago_is_understood(stage: Stage, callbacks: Callbacks) -> None:
    await stage.campaign("brandnew")
    assert await callbacks.sendgrid([mail_event("brandnew", 1, "delivered")]) == 204
    assert await stage.values(DELIVERY_EVENTS, "brandnew/1/c-1")


async def test_a_thousand_mail_events_arrive_in_one_call_and_opens_by_machines_are_not_reads(
    stage: Stage, callbacks: Callbacks
) -> None:
    await stage.campaign("mails")
    batch = [mail_event("mails", n, "delivered") for n in range(900)]
    batch += [mail_event("mails", n, "open", sg_machine_open=n >= 60) for n in range(100)]
    for _ in range(2):
        assert await callbacks.sendgrid(batch) == 204
    await settled(stage)
    assert (await stage.rows("SELECT delivered, read FROM v_funnel WHERE campaign_id = 'mails'")) == [(900, 60)]
    assert (await stage.rows("SELECT countIf(machine) FROM events WHERE campaign_id = 'mails'")) == [(40,)]


async def test_a_hard_bounce_counts_for_everybody_of_the_brand_with_that_address(
    stage: Stage, callbacks: Callbacks
) -> None:
    await stage.campaign("bounce")
    early = NOW - timedelta(hours=1)
    await contacts(
        stage,
        {"recipient": "default/c-70", "email": "shared@example.com", "at": early},
        {"recipient": "default/c-71", "email": "SHARED@example.com", "at": early},
        {"recipient": "default/c-72", "email": "other@example.com", "at": early},
        {"recipient": "acme/c-73", "email": "shared@example.com", "at": early},
    )
    bounce = mail_event("bounce", 70, "bounce", type="bounce", status="5.1.1", bounce_classification="Invalid Address")
    assert await callbacks.sendgrid([bounce, bounce]) == 204
    await settled(stage)
    assert (await consents_of(stage, "default/c-70"))["email"] == ("opted_out", "bounced_before")
    assert (await consents_of(stage, "default/c-71"))["email"] == ("opted_out", "bounced_before")
    assert await consents_of(stage, "default/c-72") == {}
    assert await consents_of(stage, "acme/c-73") == {}, "another brand is another matter"
    assert "sms" not in await consents_of(stage, "default/c-70")
    await contacts(stage, {"recipient": "default/c-74", "email": "shared@example.com"})
    await settled(stage)
    assert (await consents_of(stage, "default/c-74"))["email"] == ("opted_out", "bounced_before"), (
        "and for who gets it later"
    )


async def test_an_address_given_after_the_message_is_not_blamed_for_its_bounce(
    stage: Stage, callbacks: Callbacks
) -> None:
    await stage.campaign("moved")
    await contacts(
        stage, {"recipient": "default/c-75", "email": "new@example.com", "at": datetime.now(UTC) + timedelta(hours=1)}
    )
    bounce = mail_event("moved", 75, "bounce", type="bounce", status="5.1.1")
    assert await callbacks.sendgrid([bounce]) == 204
    await settled(stage)
    assert not await stage.rows("SELECT 1 FROM address_suppressions WHERE address = 'new@example.com'")


async def test_people_listed_in_a_campaign_are_found_by_their_address_too(stage: Stage, callbacks: Callbacks) -> None:
    client = await make_clickhouse(stage.settings)
    columns = ["campaign_id", "snapshot_id", "ord", "recipient_id", "inline", "email", "phone"]
    members = [["listed", "L1", n, f"default/c-{80 + n}", 1, "twin@example.com", "+919800000001"] for n in range(2)]
    await client.insert("audience_members", members, columns)
    await client.close()
    await stage.campaign("listed", listed="L1")
    assert await callbacks.sendgrid([mail_event("listed", 80, "spamreport")]) == 204
    await settled(stage)
    for number in (80, 81):
        assert (await consents_of(stage, f"default/c-{number}"))["email"] == ("opted_out", "complained_before")


async def test_stop_opts_out_everybody_with_the_number_and_start_opts_in_again(
    stage: Stage, callbacks: Callbacks
) -> None:
    await stage.campaign("stop")
    await contacts(stage, {"recipient": "default/c-90", "phone": PHONE}, {"recipient": "default/c-91", "phone": PHONE})
    await stage.publish_events([event("stop", 90, "accepted", step=2, channel="sms")])
    await settled(stage)
    assert await callbacks.twilio("/webhooks/twilio/inbound", inbound_form(" Stop. ", "SM1")) == 200
    await settled(stage)
    for number in (90, 91):
        assert (await consents_of(stage, f"default/c-{number}")) == {"sms": ("opted_out", "opted_out")}
    assert (await stage.rows("SELECT status FROM sends WHERE campaign_id = 'stop'")) == [("unsubscribed",)]
    rows = await stage.rows("SELECT recipient_id, keyword FROM inbound_messages FINAL WHERE message_id = 'SM1'")
    assert rows == [("default/c-90", "stop")], "the one of them whom we wrote to"
    assert await callbacks.twilio("/webhooks/twilio/inbound", inbound_form("START", "SM2")) == 200
    await settled(stage)
    assert (await consents_of(stage, "default/c-90"))["sms"][0] == "opted_in"
    await contacts(stage, {"recipient": "default/c-92", "phone": PHONE})
    await settled(stage)
    assert await consents_of(stage, "default/c-92") == {}, "the number is no longer suppressed"


async def test_at_a_number_of_several_brands_stop_counts_for_all_start_for_the_last_and_each_has_words(
    stage: Stage, callbacks: Callbacks
) -> None:
    number = "+919833333333"
    words = {"mr": {"stop": ["थांबवा"], "help": ["मदत"], "help_answer": "North & Co: call 1"}}
    north = Brand.model_validate({"brand_id": "north", "keywords": words})
    await stage.publish(BRANDS, [("north", north.write())])
    await stage.campaign("shared", brand="north")
    people = [f"{brand}/c-97" for brand in ("default", "north", "elsewhere")]
    await contacts(stage, *({"recipient": person, "phone": number} for person in people))
    wrote = event("shared", 97, "accepted", step=2, channel="sms", after_s=-60, recipient="north/c-97")
    await stage.publish_events([wrote])
    await settled(stage)

    async def answered() -> bool:
        assert await callbacks.twilio("/webhooks/twilio/inbound", inbound_form("मदत!", "SM5", number)) == 200
        return "<Message>North &amp; Co: call 1</Message>" in callbacks.answer

    await until(answered, "the answer, once the tracker has read what the brand says")
    assert await callbacks.twilio("/webhooks/twilio/inbound", inbound_form("थांबवा", "SM6", number)) == 200
    assert callbacks.answer.endswith("<Response></Response>")
    await settled(stage)
    assert [(await consents_of(stage, person)).get("sms") for person in people] == [
        ("opted_out", "opted_out"), ("opted_out", "opted_out"), None,
    ], "a brand that does not write from the number is another matter"  # fmt: skip
    assert await callbacks.twilio("/webhooks/twilio/inbound", inbound_form("START", "SM7", number)) == 200
    await settled(stage)
    states = [(await consents_of(stage, person))["sms"][0] for person in people[:2]]
    assert states == ["opted_out", "opted_in"], "a yes is for the brand that wrote last"


async def test_a_stop_from_an_unknown_number_counts_for_who_gets_the_number_later(
    stage: Stage, callbacks: Callbacks
) -> None:
    number = "+919811111111"
    assert await callbacks.twilio("/webhooks/twilio/inbound", inbound_form("STOP", "SM3", number)) == 200
    await settled(stage)
    letters = await stage.values(INBOUND_MESSAGES, number)
    assert [(one["key"], one["json"]["recipient"]) for one in letters] == [(number.encode(), None)]
    await contacts(stage, {"recipient": "default/c-93", "phone": number})
    await settled(stage)
    assert (await consents_of(stage, "default/c-93"))["sms"] == ("opted_out", "opted_out")


async def test_an_answer_is_a_reply_to_the_latest_send(stage: Stage, callbacks: Callbacks) -> None:
    number = "+919822222222"
    await stage.campaign("answer")
    await contacts(stage, {"recipient": "default/c-95", "phone": number})
    await stage.publish_events([event("answer", 95, "accepted", step=2, channel="sms", after_s=-60)])
    await settled(stage)
    for _ in range(2):
        status = await callbacks.twilio("/webhooks/twilio/inbound", inbound_form("When do you open?", "SM4", number))
        assert status == 200
    await settled(stage)
    assert (await stage.rows("SELECT status, ord FROM sends WHERE campaign_id = 'answer'")) == [("replied", 95)]
    assert (await stage.rows("SELECT count() FROM inbound_messages FINAL WHERE message_id = 'SM4'")) == [(1,)]


async def test_the_unsubscribe_link_acts_on_post_only(stage: Stage, tracker: ServiceProcess) -> None:
    await stage.campaign("link")
    await stage.publish_events([event("link", 60, "accepted", attempt=2)])
    await settled(stage)
    url = f"{stage.url}/u/{make_token(LINK_SECRET, UNSUBSCRIBE, LinkTarget('default/c-60', 'email', 'link/1/c-60'))}"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as page:
            assert page.status == 200
            assert "<button" in await page.text()
        await session.head(url)
        assert await consents_of(stage, "default/c-60") == {}, "scanners follow links"
        async with session.post(url, data={"List-Unsubscribe": "One-Click"}) as answer:
            assert answer.status == 200
        async with session.post(f"{stage.url}/u/AAAA") as answer:
            assert answer.status == 404
    await settled(stage)
    assert (await consents_of(stage, "default/c-60"))["email"] == ("opted_out", "opted_out")
    rows = await stage.rows("SELECT status, attempt, ord FROM sends WHERE campaign_id = 'link'")
    assert rows == [("unsubscribed", 2, 60)]
    assert (await stage.rows("SELECT unsubscribed FROM v_funnel WHERE campaign_id = 'link'")) == [(1,)]


PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"}


async def follow(stage: Stage, token: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session,
        session.request(method, f"{stage.url}/r/{token}", allow_redirects=False, headers=headers) as answer,
    ):
        return answer.status, answer.headers.get("Location", "")


async def clicked(stage: Stage, campaign: str) -> set[tuple[Any, ...]]:
    query = "SELECT ord, machine FROM delivery_events WHERE campaign_id = %(campaign)s AND status = 'clicked'"
    return set(await stage.rows(query, campaign=campaign))


async def test_a_tracked_link_leads_on_while_kafka_and_clickhouse_stand_still_and_the_click_is_told_later(
    stage: Stage, tracker: ServiceProcess
) -> None:
    await stage.campaign("clicks", link="https://shop.example/book?a=1")
    await contacts_on_list(stage, "clicks", 4)
    await stage.publish_events([event("clicks", n, "accepted", step=2, channel="sms", after_s=-60) for n in range(4)])
    await settled(stage)
    first, second, third = (make_click_token(LINK_SECRET, Click("clicks", 2, n, 1)) for n in range(3))
    target = "https://shop.example/book?a=1&utm_source=peal&utm_medium=sms&utm_campaign=clicks"
    assert await follow(stage, first, **PERSON) == (302, target)
    assert await follow(stage, second, "HEAD", **PERSON) == (302, target)
    assert await follow(stage, second[:-1] + ("A" if second[-1] != "A" else "B"), **PERSON) == (404, "")
    still = [stage.process_on(port) for port in (stage.ports.clickhouse, stage.ports.kafka)]
    with frozen(*still):
        assert await follow(stage, third, **PERSON) == (302, target)
    await until(lambda: _all_told(stage), "the clicks are in the ledger")
    assert await clicked(stage, "clicks") == {(0, False), (1, True), (2, False)}
    funnel = "SELECT clicked FROM v_funnel WHERE campaign_id = 'clicks'"
    assert (await stage.rows(funnel)) == [(2,)], "a HEAD request is no person's"


async def _all_told(stage: Stage) -> bool:
    return len(await clicked(stage, "clicks")) == 3


async def contacts_on_list(stage: Stage, campaign: str, count: int) -> None:
    """The frozen audience of a campaign of the stage."""
    client = await make_clickhouse(stage.settings)
    rows = [(campaign, "s1", n, f"default/c-{n}") for n in range(count)]
    columns = ["campaign_id", "snapshot_id", "ord", "recipient_id"]
    await client.insert("audience_members", rows, column_names=columns)
    await client.close()


async def test_the_preference_page_changes_what_was_ticked_and_nothing_else(
    stage: Stage, tracker: ServiceProcess
) -> None:
    token = make_token(LINK_SECRET, PREFERENCES, LinkTarget("default/c-61", "email", "link/1/c-61"))
    url = f"{stage.url}/p/{token}"
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as page:
            assert 'value="email" checked' in await page.text()
        form = [("shown", "email:on"), ("shown", "sms:off"), ("shown", "push:on"), ("on", "sms"), ("on", "push")]
        async with session.post(url, data=aiohttp.FormData(form)) as answer:
            assert 'value="sms" checked' in await answer.text()
        async with session.get(f"{stage.url}/u/{token}") as page:
            assert page.status == 404, "a token for one page is refused by every other"
    await settled(stage)
    assert await consents_of(stage, "default/c-61") == {"email": ("opted_out", "opted_out"), "sms": ("opted_in", "")}


async def test_contacts_are_merged_field_by_field_whatever_comes_first(stage: Stage, tracker: ServiceProcess) -> None:
    who = {"recipient": "default/c-40"}
    hours = [NOW + timedelta(hours=n) for n in (-3, -2, -1)]
    await contacts(stage, who | {"name": "New", "attributes": {"plan": "gold", "since": "2024-01-01"}, "at": hours[1]})
    await contacts(stage, who | {"name": "Old", "city": "Pune", "phone": "098", "at": hours[0]})
    await contacts(stage, who | {"attributes": {"plan": "silver"}, "email": " A@Example.com", "at": hours[2]})
    rows = await stage.rows(
        "SELECT name, city, phone, email, attributes FROM v_contacts WHERE recipient_id = 'default/c-40'"
    )
    assert rows == [("New", "Pune", "", "a@example.com", {"plan": "silver", "since": "2024-01-01"})]
    assert await tracker.metric("peal_contact_fields_refused_total") >= 1
    await contacts(stage, {"recipient": "default/c-40"})
    assert not await stage.rows("SELECT 1 FROM v_contacts WHERE recipient_id = 'default/c-40'")


async def test_compaction_changes_nothing_that_anybody_reads_while_contacts_keep_changing(
    stage: Stage, tracker: ServiceProcess
) -> None:
    people = [{"recipient": f"default/k-{n}", "name": f"N{n}", "city": "Pune"} for n in range(500)]
    await contacts(stage, *people)
    client = await make_clickhouse(stage.settings)
    compaction = Compaction(Store(client), 1, lambda: True)
    view = """
        SELECT count(), uniqExact(recipient_id), countIf(city = 'Goa')
        FROM v_contacts WHERE recipient_id LIKE 'default/k-%'
    """
    moving = asyncio.create_task(
        contacts(stage, *[p | {"city": "Goa", "at": NOW + timedelta(seconds=5)} for p in people[:200]])
    )
    await compaction.compact()
    await moving
    assert await stage.rows(view) == [(500, 500, 200)]
    await compaction.compact()
    assert await stage.rows(view) == [(500, 500, 200)]
    assert (await stage.rows("SELECT count() FROM contacts_changes")) == [(0,)]
    await contacts(stage, people[0] | {"city": "Pune", "at": NOW + timedelta(seconds=9)})
    assert await stage.rows(view) == [(500, 500, 199)]
    await client.close()


async def test_consents_and_engagements_are_kept_and_the_newest_word_holds(
    stage: Stage, tracker: ServiceProcess
) -> None:
    """As the router judges: a no to all channels stands until it is lifted for all."""
    said = [
        ("sms", "opted_in", 1), ("sms", "opted_out", 3), ("sms", "opted_in", 2), ("all", "opted_out", 2),
        ("email", "opted_in", 5),
    ]  # fmt: skip
    await stage.publish(CONSENTS, [
        ("default/c-50", encode_json({"recipient": "default/c-50", "channel": channel, "state": state,
                                      "at": NOW + timedelta(seconds=at), "source": "form", "proof": "p"}))
        for channel, state, at in said
    ])  # fmt: skip
    visit = {"recipient": "default/c-50", "kind": "visit", "campaign_id": "x", "at": NOW, "value": "12.50"}
    await stage.publish(ENGAGEMENTS, [("default/c-50", encode_json(visit))] * 2)
    await settled(stage)
    found = {channel: state for channel, (state, _) in (await consents_of(stage, "default/c-50")).items()}
    everywhere = ("sms", "email", "whatsapp", "push", "social")
    assert found == dict.fromkeys(everywhere, "opted_out")
    lifted = {"recipient": "default/c-50", "channel": "all", "state": "opted_in", "at": NOW + timedelta(seconds=6)}
    await stage.publish(CONSENTS, [("default/c-50", encode_json(lifted))])
    await settled(stage)
    found = {channel: state for channel, (state, _) in (await consents_of(stage, "default/c-50")).items()}
    assert found == dict.fromkeys(everywhere, "opted_in") | {"sms": "opted_out"}
    rows = await stage.rows("SELECT kind, value FROM engagements FINAL WHERE recipient_id = 'default/c-50'")
    assert [(kind, float(value)) for kind, value in rows] == [("visit", 12.5)]


async def test_campaigns_are_mirrored_for_the_views(stage: Stage, tracker: ServiceProcess) -> None:
    await stage.campaign("mirrored", count=4)
    await stage.publish_events([event("mirrored", n, "delivered", source="sendgrid") for n in range(3)])
    await settled(stage)

    async def there() -> Any:
        return await stage.rows(
            "SELECT name, audience, delivered, reach_rate FROM reach WHERE campaign_id = 'mirrored'"
        )

    assert await until(there, "the campaign is there") == [("The mirrored", 4, 3, 0.75)]


async def test_while_kafka_does_not_answer_a_callback_gets_503_and_its_repeat_is_taken(
    stage: Stage, callbacks: Callbacks
) -> None:
    await stage.campaign("later")
    assert await callbacks.sendgrid([mail_event("later", 1, "delivered")]) == 204
    with frozen(stage.process_on(stage.ports.kafka)):
        assert await callbacks.sendgrid([mail_event("later", 2, "delivered")]) == 503
    async with asyncio.timeout(60):
        while (answer := await callbacks.sendgrid([mail_event("later", 2, "delivered")])) != 204:
            assert answer == 503, "until the broker has caught up, as a provider repeats it"
    await settled(stage)
    assert (await stage.rows("SELECT delivered FROM v_funnel WHERE campaign_id = 'later'")) == [(2,)]


async def test_no_repeat_of_a_callback_makes_another_consent(stage: Stage, callbacks: Callbacks) -> None:
    """The counts of what was published above: one consent a person, channel, state and moment."""
    told = Counter(one["value"] for one in await stage.values(CONSENTS, "bounced_before"))
    assert all(count <= 2 for count in told.values()), "the same word for word, so it changes nothing"
