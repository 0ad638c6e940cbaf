"""The content of each step that is being sent, compiled once; and each message prepared from it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from schemas import Account, Brand, CampaignRecord
from services.domain.clicks import ClickLinks
from services.domain.content import (
    Compiled,
    CompiledEmail,
    Footer,
    Links,
    RenderProblem,
    Substitutions,
    TemplateProblem,
    as_substitutions,
    compile_content,
    look_of,
    message_cost,
    render,
)
from services.domain.links import PREFERENCES, UNSUBSCRIBE, LinkTarget, make_token
from services.domain.messages import SendMessage

if TYPE_CHECKING:
    from services.senders.items import Item

MOST_KEPT = 256
MOST_VALUES = 9_000
"""Bytes of what differs in one person's mail, such as long links: SendGrid takes 10,000 a person in a shared call.
Whoever's mail has more gets a call of their own."""


class StepContent:
    """One step of one campaign in one epoch. Equal only to itself: messages of one may share a call."""

    def __init__(self, compiled: Compiled | None, problem: str, brand: Brand | None, one_click: bool) -> None:
        self.compiled, self.problem, self.brand = compiled, problem, brand
        self.one_click = one_click
        """Whether the mail carries List-Unsubscribe headers."""
        self.substitutions: Substitutions | None = (
            as_substitutions(compiled) if isinstance(compiled, CompiledEmail) else None
        )
        self.needs_unsubscribe = one_click or (compiled is not None and compiled.uses("unsubscribe_url"))
        self.tracks = compiled is not None and compiled.tracks
        """Whether its links are ours, so that the provider is to leave them alone."""
        self.needs_preferences = compiled is not None and compiled.uses("preferences_url")


class ContentBook:
    """Compiled contents by campaign, epoch and step, and the signing of links."""

    def __init__(self, public_url: str, link_secret: str, account: Account, per_call: int) -> None:
        self.public_url, self.link_secret = public_url.rstrip("/"), link_secret
        self.account, self.per_call = account, per_call
        self._known: OrderedDict[tuple[str, int, int], StepContent] = OrderedDict()

    def prepare(self, item: Item, campaign: CampaignRecord, brand: Brand | None) -> None:
        """Fill in what the item will send and cost; a message that cannot be rendered gets a `problem` instead."""
        if item.content is not None:
            return
        message = item.sure
        content = item.content = self._content(campaign, message.step, brand)
        if content.compiled is None:
            item.problem = content.problem
            return
        item.links = self._links(content, message)
        try:
            if self.per_call > 1 and content.substitutions is not None:
                values = content.substitutions.values(message.data, item.links)
                item.values = values if _size(values) <= MOST_VALUES else None
            if item.values is None:
                item.rendered = render(content.compiled, message.data, item.links)
        except RenderProblem as problem:
            item.problem = str(problem)
            return
        item.cost_micros = message_cost(self.account.rate_card, message.channel, message.address, item.rendered)

    def _content(self, campaign: CampaignRecord, step: int, brand: Brand | None) -> StepContent:
        key = (campaign.campaign_id, campaign.epoch, step)
        found = self._known.get(key)
        if found is None or (found.brand is not brand and found.brand != brand):
            found = self._known[key] = _compile(campaign, step, brand, bool(self.link_secret))
            if len(self._known) > MOST_KEPT:
                self._known.popitem(last=False)
        return found

    def _links(self, content: StepContent, message: SendMessage) -> Links:
        tracked = None
        if content.tracks:
            tracked = ClickLinks(
                self.public_url, self.link_secret, message.campaign_id, message.step, message.ord, message.attempt
            )
        if not content.needs_unsubscribe and not content.needs_preferences:
            return Links(tracked=tracked)
        target = LinkTarget(message.recipient, message.channel, message.send_id)
        return Links(
            f"{self.public_url}/u/{make_token(self.link_secret, UNSUBSCRIBE, target)}",
            f"{self.public_url}/p/{make_token(self.link_secret, PREFERENCES, target)}"
            if content.needs_preferences
            else "",
            tracked,
        )


def _size(values: dict[str, str]) -> int:
    """Bytes as JSON, nearly."""
    return sum(len(token) + len(value.encode()) + 6 for token, value in values.items())


def _compile(campaign: CampaignRecord, step: int, brand: Brand | None, signed: bool) -> StepContent:
    """`signed`: there is a secret to sign links with."""
    marketing = campaign.kind != "transactional"
    if not 1 <= step <= len(campaign.steps):
        return StepContent(None, f"campaign {campaign.campaign_id} has no step {step}", brand, False)
    record = campaign.steps[step - 1]
    footer = Footer(brand.postal_address if brand else "", unsubscribe=marketing)
    try:
        compiled = compile_content(
            record.channel, record.content, campaign.body, name=campaign.name, footer=footer,
            tracked=signed and campaign.tracking.links, look=look_of(brand),
        )  # fmt: skip
    except TemplateProblem as problem:
        return StepContent(None, str(problem), brand, False)
    return StepContent(compiled, "", brand, marketing)
