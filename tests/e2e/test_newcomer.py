"""A newcomer's whole way in the browser alone: from the link that `peal up` prints to a campaign that is over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from deploy.local.installation import Access

PATIENCE_MS = 60_000
RUNS_MS = 180_000
PEOPLE = 12
HEADER = "id,name,email,phone,city,opted in to SMS\n"
ROWS = "".join(
    f"newcomer-{n},Asha {n},newcomer-{n}@example.com,+9198765432{n:02d},Pune,{'yes' if n % 2 else 'no'}\n"
    for n in range(PEOPLE)
)
TYPO = "newcomer-x,Nobody,not an address,,Pune,no\n"


@pytest.fixture(scope="module")
def context(chromium: Browser, access: Access, session_file: Path) -> Iterator[BrowserContext]:
    opened = chromium.new_context(storage_state=session_file)
    opened.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def page(context: BrowserContext, access: Access) -> Page:
    opened = context.new_page()
    opened.goto(access.console_url)
    return opened


@pytest.fixture(scope="module")
def imported(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file of people, one row of it of no use, brought in by hand and put on a list."""
    file = tmp_path_factory.mktemp("newcomer") / "people.csv"
    file.write_text(HEADER + ROWS + TYPO)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Contacts").click()
    page.get_by_role("link", name="Import a file").click()
    page.get_by_label("Choose a file").set_input_files(file)
    page.get_by_label("Put them all on a list").fill("newcomers")
    agreed = page.get_by_label("opted in to SMS").locator("option:checked")
    expect(agreed).to_have_text("agreed to SMS")  # as was guessed by its heading
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("It is in.")).to_be_visible()


@pytest.fixture(scope="module")
def written(page: Page, imported: None) -> None:
    """The four steps before the last, each left by its own button."""
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Campaigns").click()
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_label("Name").fill("First steps")
    page.get_by_role("checkbox", name="Email").check()
    page.get_by_role("checkbox", name="SMS").check()
    page.get_by_role("link", name="On to Content").click()
    page.get_by_label("Text", exact=True).first.fill("Hi {{ name | default: 'there' }}, this is our first message.")
    page.get_by_label("Subject").fill("Hello {{ name }}")
    page.get_by_role("link", name="On to Audience").click()
    page.get_by_label("Uploaded lists").fill("newcomers")
    page.get_by_role("link", name="On to Budget and schedule").click()
    page.get_by_label("Total").fill("25.00")
    page.get_by_role("link", name="On to Review and send").click()


def test_the_people_of_a_file_are_in_and_its_mistake_is_told(page: Page, imported: None) -> None:
    expect(page.get_by_text("not an address")).to_be_visible()
    expect(page.locator(".figures")).to_contain_text(f"People{PEOPLE}")
    expect(page.get_by_role("link", name="Download the rows turned away")).to_be_visible()


def test_the_review_says_whom_it_reaches_before_anything_is_sent(page: Page, written: None) -> None:
    expect(page.get_by_text("Nothing is in the way")).to_be_visible()
    plan = page.get_by_role("region", name="What it comes to")
    expect(plan).to_contain_text(f"People{PEOPLE}")


def test_it_runs_to_its_end_before_ones_eyes_and_says_why_somebody_got_nothing(page: Page, written: None) -> None:
    for doubt in page.locator("[data-doubt]").all():
        doubt.check()
    page.get_by_role("button", name="Send Campaign").click()
    page.wait_for_url(re.compile(r"/campaigns/[^/]+$"))
    expect(page.locator(".badge").first).to_have_text("completed", timeout=RUNS_MS)
    sms = page.locator("table.by-step tbody", has_text="SMS").locator("tr").first
    expect(sms.locator("[data-label=Suppressed]")).to_have_text(str(PEOPLE // 2))
    page.get_by_label("Contact id").fill("newcomer-2")
    page.get_by_label("Contact id").press("Enter")
    expect(page.locator("main")).to_contain_text("SMS was not sent because")


def test_the_same_steps_by_keyboard_alone(page: Page, access: Access, imported: None) -> None:
    page.goto(access.console_url)
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.wait_for_url(re.compile(r"/edit/general$"))
    type_into(page, "name", "By keyboard")
    tab_to(page, "[data-channel][value=email]")
    page.keyboard.press("Space")
    onward(page, "content")
    type_into(page, "body.text", "Hello")
    onward(page, "audience")
    type_into(page, "audience.filter.lists", "newcomers")
    onward(page, "budget")
    type_into(page, "budget.total", "5")
    onward(page, "review")
    expect(page.get_by_text("Nothing is in the way")).to_be_visible()
    for doubt in page.locator("[data-doubt]").all():
        tab_to(page, "[data-doubt]:not(:checked)")
        page.keyboard.press("Space")
        expect(doubt).to_be_checked()
    tab_to(page, "[data-send]")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/campaigns/[^/]+$"))
    expect(page.locator(".badge").first).to_have_text("completed", timeout=RUNS_MS)


def tab_to(page: Page, selector: str) -> None:
    """By the tab key, as somebody without a mouse must: what cannot be reached so is not found."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"the tab key does not lead to {selector}")


def type_into(page: Page, name: str, text: str) -> None:
    tab_to(page, f'[name="{name}"]')
    page.keyboard.type(text)


def onward(page: Page, step: str) -> None:
    tab_to(page, f'a[href$="/edit/{step}"][data-leaves]')
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/edit/{step}$"))
