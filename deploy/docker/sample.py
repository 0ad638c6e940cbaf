"""`python -m deploy.docker.sample`: people who do not exist and a campaign to look at, once an installation.

Only where the sandbox stands in for every provider, so that nothing can leave.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os

from deploy.docker.start import SECRETS_DIR
from deploy.local.environment import sandboxed_providers
from deploy.local.installation import ACCESS_FILE, Access
from services.cli.errors import CommandError
from services.cli.running import SAMPLE_ID, SAMPLE_PEOPLE, SAMPLE_SEED
from services.cli.sample_campaign import exists, rest_client, run_sample
from services.cli.samples import sample_people

CONSOLE_URL = "http://console:8080"
PROVIDERS = 2


async def run(access: Access) -> str:
    """What was done, as a sentence."""
    async with rest_client(dataclasses.replace(access, console_url=CONSOLE_URL)) as client:
        if await exists(client, SAMPLE_ID):
            return "The sample campaign is there."
        await run_sample(client, list(sample_people(SAMPLE_PEOPLE, SAMPLE_SEED)))
    return f"The sample campaign runs: {access.console_url}/campaigns/{SAMPLE_ID}"


def main() -> None:
    if len(sandboxed_providers(os.environ)) < PROVIDERS:
        print("A provider is set up, so nothing is sent by itself: no sample campaign.")
        return
    access = Access(**json.loads((SECRETS_DIR / ACCESS_FILE).read_text()))
    try:
        print(asyncio.run(run(access)))
    except CommandError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
