"""The sample campaign over REST, as `peal up` and `peal demo` run it: the people, then the launch."""

from __future__ import annotations

import io
from typing import Any

import httpx
import yaml

from deploy.local.installation import Access
from deploy.local.jars import REPOSITORY
from services.cli.errors import CommandError
from services.cli.samples import SamplePerson, write_contacts

CAMPAIGN_FILE = REPOSITORY / "examples" / "sample-campaign.yaml"
API = "/api/v1"


def rest_client(access: Access) -> httpx.AsyncClient:
    """A client of the console's REST interface."""
    headers = {"Authorization": f"Bearer {access.api_key}"}
    return httpx.AsyncClient(base_url=access.console_url, headers=headers, timeout=60)


async def run_sample(client: httpx.AsyncClient, crowd: list[SamplePerson]) -> str:
    """Import the people, store what they agreed to, launch; returns the campaign's id."""
    await load_people(client, crowd)
    campaign = yaml.safe_load(CAMPAIGN_FILE.read_text())
    campaign_id = str((await post(client, f"{API}/campaigns", json=campaign))["campaign_id"])
    await post(client, f"{API}/campaigns/{campaign_id}/launch")
    return campaign_id


async def load_people(client: httpx.AsyncClient, crowd: list[SamplePerson]) -> None:
    file = io.StringIO()
    write_contacts(crowd, file)
    headers = {"Content-Type": "text/csv"}
    imported = await post(client, f"{API}/contacts/import", content=file.getvalue().encode(), headers=headers)
    if imported.get("rejected"):
        raise CommandError(f"the sample's contacts were refused: {imported}")
    for person in crowd:
        if person.opted_out_of:
            consent = {"contact": person.row["id"], "channel": person.opted_out_of, "state": "opted_out"}
            await post(client, f"{API}/consents", json=consent | {"source": "sample"})


async def exists(client: httpx.AsyncClient, campaign_id: str) -> bool:
    return (await client.get(f"{API}/campaigns/{campaign_id}")).status_code == httpx.codes.OK


async def post(client: httpx.AsyncClient, path: str, **arguments: Any) -> dict[str, Any]:
    return answer(await client.post(path, **arguments))


async def get(client: httpx.AsyncClient, path: str, **arguments: Any) -> dict[str, Any]:
    return answer(await client.get(path, **arguments))


def answer(response: httpx.Response) -> dict[str, Any]:
    """Raises CommandError for what is not a success."""
    if response.is_error:
        raise CommandError(f"{response.request.method} {response.request.url.path}: {response.text[:500]}")
    return dict(response.json())
