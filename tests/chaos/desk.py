"""What an operator has: REST, and a look at what arrived. Patient, for what it talks to is being killed."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
from ulid import ULID

from deploy.local.installation import Access

PATIENCE_S = 120.0
PAGE = 1_000


class RefusedError(Exception):
    """The command was understood and rejected."""


class Desk:
    def __init__(self, access: Access) -> None:
        self.access = access
        headers = {"Authorization": f"Bearer {access.api_key}"}
        self.rest = httpx.AsyncClient(
            base_url=f"{access.console_url}/api/v1", headers=headers, timeout=15, trust_env=False
        )

    async def ask(self, method: str, path: str, *, insist: bool = False, **arguments: Any) -> httpx.Response:
        """Again, with the same command id, until there is an answer. `insist`: what is refused because the planner
        cannot read the database just now is asked once more, as a new command, as a person would: for what was refused
        stays refused. Raises RefusedError, TimeoutError."""
        headers = {"Idempotency-Key": str(ULID())} if method == "POST" else {}
        deadline, last = time.monotonic() + PATIENCE_S, "no answer"
        while time.monotonic() < deadline:
            try:
                response = await self.rest.request(method, path, headers=headers, **arguments)
            except httpx.HTTPError as error:
                last = repr(error)
            else:
                if response.is_success:
                    return response
                last = f"{response.status_code} {response.text[:300]}"
                if response.is_client_error and response.status_code not in (408, 429):
                    if not insist or '"unavailable"' not in response.text:
                        raise RefusedError(f"{method} {path}: {response.text}")
                    headers = {"Idempotency-Key": str(ULID())}
            await asyncio.sleep(0.3)
        raise TimeoutError(f"{method} {path}: {last}")

    async def stats(self, campaign_id: str) -> dict[str, Any]:
        return dict((await self.ask("GET", f"/campaigns/{campaign_id}/stats")).json())

    async def received(self, campaign_id: str) -> list[dict[str, Any]]:
        """What the sandbox's providers accepted, in the order of arrival."""
        url = f"{self.access.sandbox_url}/messages"
        text = (await self.ask("GET", url, params={"campaign": campaign_id})).text
        return [json.loads(line) for line in text.splitlines()]

    async def callbacks_pending(self) -> int:
        """What the sandbox has yet to tell of, or tell again."""
        return int((await self.ask("GET", f"{self.access.sandbox_url}/sandbox/callbacks")).json()["pending"])

    async def taken(self, campaign_id: str) -> int:
        """How many messages of it the providers have accepted so far."""
        url = f"{self.access.sandbox_url}/messages/count"
        return int((await self.ask("GET", url, params={"campaign": campaign_id})).json()["count"])

    async def sends(self, campaign_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = (
                await self.ask("GET", f"/campaigns/{campaign_id}/sends", params={"cursor": cursor, "limit": PAGE})
            ).json()
            found += page["items"]
            if not (cursor := page["next"] or ""):
                return found

    async def ledger(self, contact: str) -> list[dict[str, Any]]:
        answer = await self.ask("GET", f"/recipients/{contact}/ledger", params={"limit": PAGE})
        return list(answer.json()["items"])

    async def set_world(self, knobs: dict[str, Any]) -> None:
        await self.ask("PUT", f"{self.access.sandbox_url}/sandbox/world", json=knobs)
