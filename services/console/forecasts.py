"""What a campaign would come to, launched now, as the console's routes ask for it."""

from __future__ import annotations

from collections.abc import Sequence

from schemas import CampaignRecord, Forecast, InlineRecipient
from services.console.hub import Hub
from services.runtime.forecasting import foresee


async def forecast_of(hub: Hub, record: CampaignRecord, people: Sequence[InlineRecipient] | None = None) -> Forecast:
    """`people`: those whom it lists, where they are not stored yet. Raises `Problem` 503."""
    accounts = hub.account_lookup(record.brand)
    return await foresee(hub.ask, record, accounts, hub.settings.public_url, hub.now(), people)
