"""The console as people see it: live without reloading, legible in both themes and on a phone, usable by keyboard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from deploy.local.installation import Access

CAMPAIGN: dict[str, Any] = {
    "id": "autumn", "name": "Autumn offer", "channels": ["email", "sms", "whatsapp"],
    "body": {"text": "Hi {{ name | default: 'there' }}", "link": "https://example.com/book"},
    "audience": {"filter": {"role": "all"}}, "budget": {"total": "500.00"},
}  # fmt: skip
DRAFT = "autumn-draft"
PATIENCE_MS = 120_000
AXE = {"rules": {"target-size": {"enabled": True}}}
"""Of WCAG 2.2 AA, the one rule that axe leaves out unless it is asked."""
PICTURES = Path(__file__).parents[2] / ".peal" / "e2e"
"""Every page as it was seen, to be looked at."""
PATHS = [
    "/", "/campaigns", "/campaigns/autumn", "/campaigns/autumn/people", "/campaigns?name=nothing-like-it",
    "/recipients/sample-00003", "/campaigns/nope", "/contacts", "/contacts/sample-00003", "/contacts?q=nobody-like-it",
    "/people/new", "/imports", "/segments", "/templates", "/accounts", "/accounts/connect",
    *(f"/campaigns/{DRAFT}/edit/{step}" for step in ("general", "content", "audience", "budget", "review")),
    *(f"/settings/{name}" for name in ("brand", "look", "operators", "api-keys", "approvals", "uncertain")),
    *(f"/settings/{name}" for name in ("dead-letters", "audit", "me")),
]  # fmt: skip


@pytest.fixture(scope="module")
def finished(api: httpx.Client, chromium: Browser, access: Access, session_file: Path) -> dict[str, Any]:
    """A campaign that ran to its end while its page was open; its figures, and whether the page was ever reloaded."""
    assert api.post("/campaigns", json=CAMPAIGN).status_code == 201
    assert api.post("/campaigns", json=CAMPAIGN | {"id": DRAFT}).status_code == 201
    assert api.post("/drafts", json={"campaign_id": DRAFT}).status_code == 201
    context = chromium.new_context(storage_state=session_file)
    page = context.new_page()
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    page.goto(f"{access.console_url}/campaigns/autumn")
    expect(page.locator(".badge")).to_have_text("draft")
    assert api.post("/campaigns/autumn/launch").status_code == 200
    expect(page.locator(".badge")).to_have_text("completed", timeout=PATIENCE_MS)
    expect(page.locator("#activity time").first).to_be_visible()
    assert len(loads) == 1
    context.close()
    return dict(api.get("/campaigns/autumn/stats").json())


def test_a_page_follows_its_campaign_to_the_end_without_reloading(finished: dict[str, Any]) -> None:
    assert finished["planned"] == 3 * finished["audience"]
    assert finished["settled"] == finished["planned"]
    assert finished["open"] == 0


def test_the_figures_on_the_page_are_those_of_rest(
    context: BrowserContext, access: Access, finished: dict[str, Any]
) -> None:
    page = context.new_page()
    page.goto(f"{access.console_url}/campaigns/autumn")
    for step in finished["by_step"]:
        row = page.locator("table.by-step tbody").nth(step["step"] - 1).locator("tr").first
        for label, name in (
            ("Planned", "planned"),
            ("Suppressed", "suppressed"),
            ("Failed", "failed"),
            ("Left", "open"),
        ):
            expect(row.locator(f"[data-label={label}]")).to_have_text(str(step[name]))
    expect(page.get_by_text("Sandbox: nothing leaves this machine.")).to_be_visible()


def test_from_the_campaign_to_a_persons_why_by_keyboard_alone(
    context: BrowserContext, access: Access, finished: dict[str, Any], api: httpx.Client
) -> None:
    stopped = api.get("/campaigns/autumn/sends", params={"status": "suppressed", "limit": 1}).json()["items"][0]
    contact = stopped["recipient"].partition("/")[2]
    page = context.new_page()
    page.goto(f"{access.console_url}/campaigns/autumn")
    page.get_by_label("Contact id").focus()
    page.keyboard.type(contact)
    page.keyboard.press("Enter")
    expect(page.locator(".summary")).to_contain_text("was not sent because")
    page.locator("summary").nth(stopped["step"] - 1).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".gates li.stopped").locator("visible=true")).to_be_visible()


def test_people_are_listed_by_outcome(context: BrowserContext, access: Access, finished: dict[str, Any]) -> None:
    page = context.new_page()
    page.goto(f"{access.console_url}/campaigns/autumn/people")
    page.get_by_label("Outcome").select_option("suppressed")
    page.get_by_label("Channel").select_option("sms")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(min(100, finished["by_channel"]["sms"]["suppressed"]))
    page.locator("tbody a").first.click()
    expect(page.locator(".summary")).to_contain_text("The SMS was not sent because")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 768, 360])
@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_whole_in_both_themes_and_widths(
    chromium: Browser, access: Access, session_file: Path, finished: dict[str, Any], theme: str, width: int, path: str
) -> None:
    """Nothing is cut off, no script fails, nothing comes from elsewhere, and axe finds no violation."""
    context = chromium.new_context(
        storage_state=session_file, color_scheme=theme, viewport={"width": width, "height": 800}  # type: ignore[arg-type]
    )  # fmt: skip
    page = context.new_page()
    failures, foreign = watch_page(page, access)
    page.goto(access.console_url + path, wait_until="load")
    check(page, f"{path}-{theme}-{width}")
    assert failures == []
    assert foreign == []
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_dialogs_and_the_sandboxs_inbox_are_whole_in_both_themes_and_widths(
    chromium: Browser, access: Access, session_file: Path, finished: dict[str, Any], theme: str, width: int
) -> None:
    context = chromium.new_context(
        storage_state=session_file, color_scheme=theme, viewport={"width": width, "height": 800}  # type: ignore[arg-type]
    )  # fmt: skip
    page = context.new_page()
    page.goto(f"{access.console_url}/campaigns/autumn")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    check(page, f"shortcuts-{theme}-{width}")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Clone").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    check(page, f"clone-{theme}-{width}")
    for path in ("/", "/inbox/sample-00003"):
        page.goto(access.sandbox_url + path)
        check(page, f"sandbox{path}-{theme}-{width}")
    context.close()


def check(page: Page, name: str) -> None:
    """Take a picture; nothing is cut off, and axe finds no violation."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    violations = Axe().run(page, options=AXE).response["violations"]
    assert [(v["id"], [node["html"] for node in v["nodes"]][:2]) for v in violations] == []


def test_the_keyboard_goes_everywhere_and_the_chosen_theme_is_kept(
    chromium: Browser, access: Access, session_file: Path, finished: dict[str, Any]
) -> None:
    context = chromium.new_context(storage_state=session_file, color_scheme="light")
    page = context.new_page()
    page.goto(access.console_url)
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", name="Campaigns", level=1)).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Name or id")).to_be_focused()
    page.keyboard.type("autumn")
    expect(page).to_have_url(re.compile("name=autumn"))
    expect(page.get_by_label("Name or id")).to_be_focused()
    page.get_by_role("button", name="Light or dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="Light or dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    context.close()


def test_the_page_to_sign_in_on_is_whole_too(chromium: Browser, access: Access) -> None:
    page = chromium.new_page()
    failures, foreign = watch_page(page, access)
    page.goto(access.console_url)
    page.get_by_text("Sign in with an API key").click()
    page.get_by_label("API key").fill(access.api_key)
    assert Axe().run(page, options=AXE).response["violations"] == []
    page.get_by_role("button", name="Sign in with the key").click()
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    assert (failures, foreign) == ([], [])
    page.close()


def watch_page(page: Page, access: Access) -> tuple[list[str], list[str]]:
    """Failures of its scripts and requests to elsewhere, as they come."""
    failures: list[str] = []
    page.on("console", lambda line: line.type == "error" and "404" not in line.text and failures.append(line.text))
    foreign: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("request", lambda request: request.url.startswith(access.console_url) or foreign.append(request.url))
    return failures, foreign
