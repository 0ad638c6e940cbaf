"""A draft in the browser: what is typed is never lost, whatever stops meanwhile and whoever else writes in it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route, expect

from deploy.local.installation import Access, Installation

PATIENCE_MS = 90_000
SAVED, AWAY = "Everything is saved.", "Not saved: the console or its broker does not answer."


@pytest.fixture(autouse=True)
def _patient(context: BrowserContext) -> None:
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def page(context: BrowserContext, access: Access) -> Page:
    """A new draft."""
    opened = context.new_page()
    opened.goto(f"{access.console_url}/campaigns/new")
    opened.wait_for_url(re.compile(r"/edit/general$"))
    return opened


@pytest.fixture
def colleague(chromium: Browser, context: BrowserContext) -> Iterator[Page]:
    """The same person at another machine: nothing is shared but who they are."""
    opened = chromium.new_context(storage_state=context.storage_state())
    yield opened.new_page()
    opened.close()


def test_what_is_typed_while_the_broker_is_away_is_kept_and_saved_once_it_is_back(
    page: Page, installation: Installation
) -> None:
    page.get_by_label("Name").fill("Before")
    expect(page.locator("#saved")).to_contain_text(SAVED)
    frozen = installation.stack.kill("kafka", signal.SIGSTOP)
    try:
        page.get_by_label("Name").fill("Written while nothing answered")
        expect(page.locator("#saved")).to_contain_text(AWAY)
        page.get_by_label("Description").fill("And more of it")
    finally:
        os.kill(frozen, signal.SIGCONT)
    expect(page.locator("#saved")).to_contain_text(SAVED)
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("Written while nothing answered")
    expect(page.get_by_label("Description")).to_have_value("And more of it")


def test_what_was_not_saved_when_the_page_was_closed_is_there_when_it_is_opened_again(
    page: Page, installation: Installation, context: BrowserContext
) -> None:
    address = page.url
    frozen = installation.stack.kill("kafka", signal.SIGSTOP)
    try:
        page.get_by_label("Name").fill("Closed too early")
        expect(page.locator("#saved")).to_contain_text(AWAY)
        page.close()
    finally:
        os.kill(frozen, signal.SIGCONT)
    again = context.new_page()
    again.goto(address)
    expect(again.get_by_label("Name")).to_have_value("Closed too early")
    expect(again.locator("#saved")).to_contain_text(SAVED)


def test_the_second_of_two_who_write_one_draft_is_told_and_chooses(page: Page, colleague: Page) -> None:
    colleague.goto(page.url)
    page.get_by_label("Name").fill("Theirs")
    expect(page.locator("#saved")).to_contain_text(SAVED)
    colleague.get_by_label("Name").fill("Mine")
    expect(colleague.locator("#saved")).to_contain_text("somebody else has changed this draft")
    colleague.get_by_role("button", name="See what differs").click()
    dialog = colleague.get_by_role("dialog")
    expect(dialog).to_contain_text("Mine")
    expect(dialog).to_contain_text("Theirs")
    dialog.get_by_role("button", name="Keep yours").click()
    expect(colleague.locator("#saved")).to_contain_text(SAVED)
    expect(colleague.get_by_label("Name")).to_have_value("Mine")
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("Mine")


def test_what_is_typed_before_the_pages_script_is_there_is_saved_too(page: Page) -> None:
    """A slow line brings the form first."""
    held: list[Route] = []
    page.route("**/editor.js*", lambda route: held.append(route))
    page.reload(wait_until="commit")
    page.get_by_label("Name").fill("Faster than the line")
    page.get_by_role("checkbox", name="Email").check()
    with page.expect_response(lambda answer: answer.request.method == "PATCH" and answer.ok):
        for route in held:
            route.continue_()
    expect(page.locator("#saved")).to_contain_text(SAVED)
    page.unroute_all()
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("Faster than the line")
    expect(page.get_by_role("checkbox", name="Email")).to_be_checked()


def test_what_is_ticked_while_a_steps_own_script_is_on_the_way_is_saved_too(page: Page) -> None:
    held: list[Route] = []
    page.route("**/general.js*", lambda route: held.append(route))
    page.reload(wait_until="commit")
    expect(page.get_by_role("checkbox", name="SMS")).to_be_visible()
    deadline = time.monotonic() + 30  # asked from outside: the page's policy forbids what Playwright would wait with
    while not page.evaluate("Boolean(globalThis.Peal?.draft)"):
        assert time.monotonic() < deadline, "the form's script does not come"
        page.wait_for_timeout(20)
    page.get_by_role("checkbox", name="SMS").check()
    with page.expect_response(lambda answer: answer.request.method == "PATCH" and answer.ok):
        for route in held:
            route.continue_()
    page.unroute_all()
    page.reload()
    expect(page.get_by_role("checkbox", name="SMS")).to_be_checked()


def test_opening_the_steps_changes_nothing(page: Page, api: httpx.Client) -> None:
    """Neither of an empty draft nor of a full one, whatever the steps' scripts put into their controls."""
    draft = page.url.split("/")[-3]
    written: list[str] = []
    page.on("request", lambda request: written.append(request.url) if request.method == "PATCH" else None)
    full = {
        "name": "Full", "kind": "transactional", "channels": ["email", "sms", "whatsapp"],
        "content.email.subject": "Hello", "content.email.mjml": "<mjml></mjml>", "content.sms.text": "Hi {{ name }}",
        "content.whatsapp.template": "HX" + "0" * 32, "content.whatsapp.variables": {"1": "{{ name }}"},
        "audience.filter.role": "customer", "audience.filter.cities": ["Pune"],
        "audience.filter.attributes": {"plan": ["gold"]}, "budget.total": "100.00",
    }  # fmt: skip
    for changes in ({}, full):
        if changes:
            revision = api.get(f"/drafts/{draft}").json()["revision"]
            api.patch(f"/drafts/{draft}", json={"expected_revision": revision, "changes": changes}).raise_for_status()
        for step in ("general", "content", "audience", "budget", "review"):
            page.goto(re.sub(r"/edit/.*", f"/edit/{step}", page.url))
            expect(page.locator("#saved")).to_contain_text(SAVED)
            page.wait_for_load_state("networkidle")
    assert written == []


def test_a_step_that_was_made_before_the_last_change_was_saved_is_made_anew(page: Page) -> None:
    """Who goes on faster than the console saves finds the fields of the channels just chosen."""
    held: list[Route] = []
    page.route("**/api/v1/drafts/*", lambda route: held.append(route) if route.request.method == "PATCH" else None)
    page.get_by_role("checkbox", name="Email").check()
    page.get_by_role("link", name="On to Content").click()
    page.wait_for_url(re.compile(r"/edit/content$"))
    page.unroute_all()
    for route in held:
        with contextlib.suppress(Error):  # given up with the page that asked
            route.continue_()
    page.get_by_label("Subject").fill("Hello")
    expect(page.locator("#saved")).to_contain_text(SAVED)


def test_segments_are_combined_by_name_and_their_conditions_are_in_the_draft(
    page: Page, api: httpx.Client, access: Access
) -> None:
    """None of it needs the conditions as they are written in a file; who takes one away has it back as it was."""
    for name, conditions in (
        ("Pune", {"cities": ["Pune"]}),
        ("Partners", {"role": "partner"}),
        ("Staff", {"lists": ["staff"]}),
    ):
        api.post("/segments", json={"name": name, "filter": conditions}).raise_for_status()
    draft = page.url.split("/")[-3]
    page.goto(f"{access.console_url}/campaigns/{draft}/edit/audience")
    among = page.get_by_role("group", name="Only people of these segments")
    without = page.get_by_role("group", name="Without the people of these segments")
    for name in ("Pune", "Partners"):
        among.get_by_label("Add a segment").select_option(name)
    without.get_by_label("Add a segment").select_option("Staff")
    expect(page.locator("#saved")).to_contain_text(SAVED)
    saved = api.get(f"/drafts/{draft}").json()["sheet"]["audience"]["filter"]
    assert saved == {"any": [{"cities": ["Pune"]}, {"role": "partner"}], "not": {"lists": ["staff"]}}
    page.reload()
    expect(among.locator("[data-chosen] li")).to_have_count(2)
    expect(without.locator("[data-chosen] li")).to_contain_text("Staff")
    among.get_by_role("button", name="Remove this segment").first.click()
    expect(page.locator("#saved")).to_contain_text(SAVED)
    page.reload()
    expect(among.locator("[data-chosen] li")).to_have_count(1)
    assert api.get(f"/drafts/{draft}").json()["sheet"]["audience"]["filter"]["any"] == [{"role": "partner"}]
