"""What follows from a batch beside its rows: stops for all who have the address; what an answer says of a send."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schemas import Account, CampaignRecord
from services.tracker.addresses import Addresses
from services.tracker.core.batch import Batch
from services.tracker.core.contacts import new_addresses
from services.tracker.core.rows import Inbound
from services.tracker.core.stops import Stop, address_stops, answer_event, consent_for, inbound_stops
from services.tracker.publish import Publisher


class Directory:
    """What the registries say of accounts and campaigns."""

    def __init__(
        self, campaigns: Callable[[], dict[str, CampaignRecord]], accounts: Callable[[], dict[str, Account]]
    ) -> None:
        self.campaigns, self.accounts = campaigns, accounts

    def brands_of(self, channel: str, account: str) -> set[str]:
        """Every brand that writes from this account: its owner, and those whose campaigns use it."""
        found = {
            record.brand
            for record in self.campaigns().values()
            if any(step.account == account and step.channel == channel for step in record.steps)
        }
        known = self.accounts().get(account)
        return found | {known.brand if known else "default"}


class Effects:
    """All of it can be done again: the same batch makes the same consents, rows and events."""

    def __init__(self, addresses: Addresses, publisher: Publisher, directory: Directory) -> None:
        self.addresses, self.publisher, self.directory = addresses, publisher, directory

    async def apply(self, batch: Batch) -> None:
        stops = address_stops(batch.stops, await self.addresses.of_people(batch.stops)) if batch.stops else []
        for message in batch.answers:
            stops += inbound_stops(message, self.directory.brands_of(message.channel, message.account))
        if stops:
            await self.addresses.suppress(stops)
            await self._tell(await self.addresses.holders(stops))
        if given := new_addresses(batch.changes):
            await self._tell(await self.addresses.known_stops(given))
        for message in batch.answers:
            await self._answer(message)

    async def _tell(self, pairs: Sequence[tuple[Stop, str]]) -> None:
        await self.publisher.consents([consent_for(stop, recipient) for stop, recipient in pairs])

    async def _answer(self, message: Inbound) -> None:
        if message.keyword in ("start", "help"):
            return
        brands = self.directory.brands_of(message.channel, message.account)
        probe = [Stop(brand, message.channel, message.from_address, "", message.at, "") for brand in sorted(brands)]
        holders = [recipient for _, recipient in await self.addresses.holders(probe)]
        send = await self.addresses.last_send(holders, message.channel, message.at)
        if send and (event := answer_event(message, send)):
            await self.publisher.events([event])
