"""The figures of the dashboard and of lists, asked for at most once in a while however many people watch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from schemas import CampaignRecord, CampaignStatus
from services.console.accounts import UNENDED, accounts_of
from services.console.core.dashboard import MOST_LETTERS, Dashboard, Surroundings, dashboard, with_surroundings
from services.console.core.figures import Stats
from services.console.core.stats import assemble
from services.console.hub import Hub
from services.console.lately import Lately
from services.console.letters import LetterBox
from services.console.security import Identity
from services.console.sums import Sum, Sums, findings_of
from services.runtime.clock import boot_seconds

WATCHED = 20
"""Active and paused campaigns whose channels are looked at, the newest."""
LOOKED_AT = frozenset({CampaignStatus.ACTIVE, CampaignStatus.PAUSED})
ROWS_AGE_S: Final = 2.0
"""What a list says of a campaign may be so old."""
LETTERS_AGE_S: Final = 60.0


class Overview:
    def __init__(self, hub: Hub) -> None:
        self.hub, self.sums = hub, Sums(hub)
        self._figures = Lately[Dashboard](hub.settings.stats_age_s)
        self._rows: dict[str, tuple[CampaignRecord, Stats, float]] = {}
        self._letters = Lately[int](LETTERS_AGE_S)

    async def figures(self, identity: Identity) -> Dashboard:
        """The brand's; at most `stats_age_s` old, and never older than its campaigns' records. Raises `Problem` 503."""
        records = self.hub.campaigns_of(identity)
        found = await self._figures.fresh(identity.brand, lambda: self._ask(records), of=records)
        return self._whole(found, identity)

    async def lately(self, identity: Identity) -> Dashboard:
        """For a page that is told at once what has changed since: as above, or somewhat older."""
        records = self.hub.campaigns_of(identity)
        found = await self._figures.lately(identity.brand, lambda: self._ask(records), of=records)
        return self._whole(found, identity)

    def _whole(self, figures: Dashboard, identity: Identity) -> Dashboard:
        return with_surroundings(self._with_drafts(figures, identity), self._surroundings(identity))

    def _with_drafts(self, figures: Dashboard, identity: Identity) -> Dashboard:
        """Campaigns of which there is nothing but what is written so far are drafts too."""
        written = sum(draft.draft_id not in self.hub.campaigns.items for draft in self.hub.drafts_of(identity))
        status = CampaignStatus.DRAFT.value
        by_status = figures.by_status | {status: figures.by_status[status] + written}
        return figures.model_copy(update={"drafts": figures.drafts + written, "by_status": by_status})

    async def settled(self, records: Sequence[CampaignRecord]) -> dict[str, Stats]:
        """Figures of campaigns that are under way, for a list: in two questions for all that are not known yet."""
        now = boot_seconds()
        known = {
            record.campaign_id: kept[1]
            for record in records
            if (kept := self._rows.get(record.campaign_id)) and kept[0] == record and now - kept[2] < ROWS_AGE_S
        }
        unknown = [record for record in records if record.campaign_id not in known]
        found = await self._stats(unknown, await self.sums.of(unknown))
        self._rows = {record.campaign_id: (record, found[record.campaign_id], now) for record in unknown} | {
            campaign: kept
            for campaign, kept in self._rows.items()
            if campaign not in found and now - kept[2] < ROWS_AGE_S
        }
        return known | found

    def _surroundings(self, identity: Identity) -> Surroundings:
        """What is known at once; dead letters as of some time ago, and from the next look on where nobody has asked."""
        used = {
            (step.channel.value, str(step.account))
            for record in self.hub.campaigns_of(identity) if record.status in UNENDED for step in record.steps
        }  # fmt: skip
        standings = accounts_of(self.hub, identity.brand)
        accounts = [(each.account.channel.value, str(each.account.account_id), str(each.state)) for each in standings]
        return Surroundings(
            accounts=[(*each, each[:2] in used) for each in accounts], letters=self._known_letters(identity)
        )

    def _known_letters(self, identity: Identity) -> int | None:
        if identity.role != "admin":
            return None
        key = (identity.brand, identity.installation)
        self._letters.renew(key, lambda: self._count_letters(identity))
        return self._letters.known(key)

    async def _count_letters(self, identity: Identity) -> int:
        since = self.hub.now() - timedelta(days=1)
        letters, _ = await LetterBox(self.hub, identity).page("", None, MOST_LETTERS)
        return sum(letter.at >= since for letter in letters)

    async def _ask(self, records: list[CampaignRecord]) -> Dashboard:
        sums = await self.sums.of(records)
        looked_at = [record for record in records if record.status in LOOKED_AT][:WATCHED]
        stats = await self._stats(looked_at, sums)
        by_channel: dict[str, tuple[int, int]] = {}
        for found in sums.values():
            for channel, (sent, delivered) in found.channels.items():
                before = by_channel.get(channel, (0, 0))
                by_channel[channel] = (before[0] + sent, before[1] + delivered)
        spent = {campaign: found.spent_micros for campaign, found in sums.items()}
        running = [(record, stats[record.campaign_id]) for record in looked_at]
        return dashboard(records, spent, by_channel, running)

    async def _stats(self, records: Sequence[CampaignRecord], sums: dict[str, Sum]) -> dict[str, Stats]:
        standing, now = await self.sums.standing(records), self.hub.now()
        return {
            record.campaign_id: assemble(
                record, self.hub.progress_of(record),
                findings_of(sums.get(record.campaign_id, Sum()), standing[record.campaign_id]), 0.0, now,
            )
            for record in records
        }  # fmt: skip
