"""Pictures of the console for the docs: `python -m docs.screenshots` writes docs/images/*.png.

Runs an installation of its own, with people who do not exist, until they are taken. Needs the system's Chromium.
"""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Browser, Page, async_playwright, expect

from deploy.local.free_ports import free_ports
from deploy.local.installation import Access, make_installation
from services.cli.samples import sample_people, write_contacts

IMAGES = Path(__file__).parent / "images"
PEOPLE = 400
RATES = {"PEAL_RATE_EMAIL": "60", "PEAL_RATE_SMS": "12", "PEAL_RATE_WHATSAPP": "8"}
"""Messages a second: slow enough to be seen on their way."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
PATIENCE_MS = 120_000
TEMPLATE = {"template": "HX5f3c1b7e9a2d4c6e8f0a1b2c3d4e5f60", "variables": {"1": "{{ name | default: 'there' }}"}}
SUMMER: dict[str, Any] = {
    "id": "summer-ac-2026", "name": "Summer AC Service Reminder", "channels": ["email", "sms", "whatsapp"],
    "body": {"text": "Hi {{ name | default: 'there' }}, book your AC service before May.", "link": "https://example.com"},
    "content": {"whatsapp": TEMPLATE},
    "audience": {"filter": {"role": "all"}}, "budget": {"total": "5.00"},
}  # fmt: skip
WELCOME = SUMMER | {"id": "welcome-back", "name": "Welcome back", "channels": ["email"], "budget": {"total": "1.00"}}
NEWS = WELCOME | {"id": "news", "name": "What is new in October"}
DRAFT = SUMMER | {"id": "diwali", "name": "Diwali greetings"}
SPRING: dict[str, Any] = {
    "name": "Spring check-up", "description": "Bring last year's customers back before the season.",
    "steps": [
        {"channel": "email"}, {"channel": "sms", "only_if": "not_engaged", "after": "24h"},
        {"channel": "whatsapp", "only_if": "not_delivered", "after": "12h"},
    ],
    "body": {"text": "Hi {{ name | default: 'there' }}, your AC has not been looked at since last spring.",
             "link": "https://example.com/spring"},
    "content": {"email": {"subject": "{{ name | default: 'Hello' }}, is your AC ready?"}, "whatsapp": TEMPLATE},
    "audience": {"filter": {"role": "customer", "cities": ["Pune", "Mumbai"]}},
    "budget": {"total": "40.00", "allocation": {"email": "20%", "sms": "50%", "whatsapp": "30%"}},
}  # fmt: skip
STEPS = {
    "general": "#f-name", "content": "[data-shown]", "audience": "[data-preview]", "budget": "[data-sums]",
    "review": "[data-send]",
}  # fmt: skip
"""What is to be seen of each step before its picture is taken."""
PLACES = {
    "/contacts": "contacts", "/contacts/{contact}": "contact", "/segments": "segments", "/templates": "templates",
    "/accounts": "accounts", "/settings/brand": "brand", "/settings/look": "look", "/settings/operators": "operators",
}  # fmt: skip
SEGMENT = {"name": "Active in Pune", "filter": {"cities": ["Pune"], "active_within_days": 30}}
SHOP = "customer no,full name,e-mail,mobile,town,newsletter\n" + "".join(
    f"S{n},Asha {n},asha{n}@example.com,+9198765432{n:02d},Pune,yes\n" for n in range(9)
)


async def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        sys.exit("Chromium is missing: install it (apt-get install chromium)")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        made = make_installation(Path(folder), free_ports(), RATES)
        try:
            await made.stack.start()
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
                await take(browser, made.access)
                await browser.close()
        finally:
            await made.stack.stop()


async def take(browser: Browser, access: Access) -> None:
    headers = {"Authorization": f"Bearer {access.api_key}"}
    async with httpx.AsyncClient(base_url=f"{access.console_url}/api/v1", headers=headers, timeout=60) as api:
        await bring_people(api)
        for campaign in (WELCOME, NEWS, SUMMER, DRAFT):
            (await api.post("/campaigns", json=campaign)).raise_for_status()
        desk = await browser.new_context(viewport=DESK, device_scale_factor=1)  # type: ignore[arg-type]
        page = await desk.new_page()
        await page.goto(access.admin_link)
        state = await desk.storage_state()
        await run_to_the_end(page, access, api, "welcome-back")

        for act in ("news/launch", "news/pause", "summer-ac-2026/launch"):
            (await api.post(f"/campaigns/{act}")).raise_for_status()
        await page.goto(f"{access.console_url}/campaigns/summer-ac-2026")
        for column, step in (("Read", 0), ("Delivered", 1), ("Sent", 2)):
            cell = page.locator(f"[data-label={column}]").nth(step)
            await expect(cell).to_have_text(re.compile(r"^[1-9]\d"), timeout=PATIENCE_MS)
        await picture(page, "campaign-live")
        await page.goto(access.console_url)
        await picture(page, "dashboard")
        await in_context(browser, state, access.console_url, "dashboard-dark", DESK, "dark")
        await in_context(browser, state, access.console_url, "dashboard-phone", PHONE, "light")
        await page.goto(f"{access.console_url}/campaigns/summer-ac-2026")
        await page.get_by_role("button", name="Pause").click()
        await page.get_by_role("dialog").wait_for()
        await picture(page, "campaign-pause", whole=False)
        await page.get_by_role("dialog").get_by_role("button", name="Pause").click()
        await page.locator("#paused").wait_for()
        await picture(page, "campaign-paused", whole=False)
        person = (await api.get("/campaigns/summer-ac-2026/sends", params={"status": "delivered", "limit": 1})).json()
        contact = person["items"][0]["recipient"].partition("/")[2]
        await page.goto(f"{access.console_url}/recipients/{contact}?campaign=summer-ac-2026")
        await page.locator("details").first.evaluate("details => details.open = true")
        await picture(page, "person")
        await page.goto(f"{access.sandbox_url}/inbox/{contact}")
        await picture(page, "sandbox-inbox", whole=False)
        await page.goto(f"{access.console_url}/campaigns")
        await picture(page, "campaigns")
        await page.goto(f"{access.console_url}/campaigns/summer-ac-2026/people?status=suppressed")
        await picture(page, "people", whole=False)
        url = f"{access.console_url}/campaigns/summer-ac-2026"
        await in_context(browser, state, url, "campaign-dark", DESK, "dark")
        await in_context(browser, state, url, "campaign-phone", PHONE, "light")
        await tour(page, access, api, contact)


async def tour(page: Page, access: Access, api: httpx.AsyncClient, contact: str) -> None:
    """The pages on which somebody plans, keeps people and sets up."""
    console = access.console_url
    answer = await api.post("/drafts", json={"sheet": SPRING})
    answer.raise_for_status()
    steps = f"{console}/campaigns/{answer.json()['draft_id']}/edit"
    for step, settled in STEPS.items():
        await page.goto(f"{steps}/{step}")
        await expect(page.locator(settled).first).to_be_visible()
        await picture(page, f"edit-{step}", whole=step != "content")
    (await api.put("/segments/pune-active", json=SEGMENT)).raise_for_status()
    for path, name in PLACES.items():
        await page.goto(console + path.format(contact=contact))
        await picture(page, name, whole=False)
    await page.goto(f"{console}/imports")
    await page.locator("#file").set_input_files(
        {"name": "shop.csv", "mimeType": "text/csv", "buffer": SHOP.encode()}  # type: ignore[arg-type]
    )
    await expect(page.get_by_label("Put them all on a list")).to_be_visible()
    await picture(page, "import", whole=False)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("sum")
    await expect(page.locator("#palette [role=option]").first).to_be_visible()
    await picture(page, "palette", whole=False)


async def bring_people(api: httpx.AsyncClient) -> None:
    file = io.StringIO()
    write_contacts(list(sample_people(PEOPLE, 7)), file)
    answer = await api.post("/contacts/import", content=file.getvalue().encode(), headers={"Content-Type": "text/csv"})
    answer.raise_for_status()


async def run_to_the_end(page: Page, access: Access, api: httpx.AsyncClient, campaign: str) -> None:
    (await api.post(f"/campaigns/{campaign}/launch")).raise_for_status()
    await page.goto(f"{access.console_url}/campaigns/{campaign}")
    await expect(page.locator(".badge")).to_have_text("completed", timeout=PATIENCE_MS)


async def in_context(browser: Browser, state: Any, url: str, name: str, size: dict[str, int], theme: str) -> None:
    context = await browser.new_context(storage_state=state, viewport=size, color_scheme=theme)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(url)
    await picture(page, name)
    await context.close()


async def picture(page: Page, name: str, whole: bool = True) -> None:
    await page.wait_for_timeout(500)  # charts are drawn, and the first news has come
    await page.screenshot(path=IMAGES / f"{name}.png", full_page=whole)


if __name__ == "__main__":
    asyncio.run(main())
