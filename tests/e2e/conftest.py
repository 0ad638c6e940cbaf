"""A whole installation on free ports with a few people, and a browser to look at it with."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from deploy.local.installation import Access, Installation
from services.cli.samples import sample_people, write_contacts
from tests.integration.installation_desk import running

PEOPLE = 60
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Everything that `peal up` runs, with nobody in it; WhatsApp is slow, so that there is time to steer."""
    with running(tmp_path_factory.mktemp("installation"), {"PEAL_RATE_WHATSAPP": "5"}) as made:
        yield made


@pytest.fixture(scope="session")
def access(installation: Installation) -> Access:
    return installation.access


@pytest.fixture(scope="session")
def api(access: Access) -> Iterator[httpx.Client]:
    """REST with the key, after the sample's people have been brought in."""
    headers = {"Authorization": f"Bearer {access.api_key}"}
    with httpx.Client(base_url=f"{access.console_url}/api/v1", headers=headers, timeout=60) as client:
        file = io.StringIO()
        write_contacts(list(sample_people(PEOPLE, 7)), file)
        content = file.getvalue().encode()
        imported = client.post("/contacts/import", content=content, headers={"Content-Type": "text/csv"})
        assert imported.json()["imported"] == PEOPLE, imported.text
        yield client


@pytest.fixture(scope="session")
def chromium(installation: Installation) -> Iterator[Browser]:
    """The system's: `apt-get install chromium`. After the installation: Playwright keeps a loop of its own running."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert found, "Chromium is missing: install it (apt-get install chromium)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def session_file(chromium: Browser, access: Access, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cookie of somebody who used the admin link."""
    file = tmp_path_factory.mktemp("browser") / "session.json"
    context = chromium.new_context()
    page = context.new_page()
    page.goto(access.admin_link)
    assert page.url == f"{access.console_url}/"
    context.storage_state(path=file)
    context.close()
    return file


@pytest.fixture
def context(chromium: Browser, session_file: Path) -> Iterator[BrowserContext]:
    """Signed in."""
    opened = chromium.new_context(storage_state=session_file)
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()
