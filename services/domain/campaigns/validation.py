"""Whether a campaign can be sent: content, placeholders, accounts. Each finding names the field and the remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from schemas import AudienceFilter, Body, CampaignRecord, FieldError, StepRecord
from services.domain.audience import filter_problems, unknown_campaigns
from services.domain.campaigns.accounts import AccountLookup
from services.domain.campaigns.money import MICROS, caps_of
from services.domain.content import Compiled, compile_content, findings


def compile_step(step: StepRecord, body: Body, name: str, tracked: bool = False) -> Compiled:
    """The content of a step, ready to be rendered. Raises `TemplateProblem`."""
    return compile_content(step.channel, step.content, body, name=name, tracked=tracked)


def check_filter(audience: AudienceFilter, known_campaigns: set[str]) -> list[FieldError]:
    """`known_campaigns`: those of the brand that the filter may name."""
    return filter_problems(audience) + unknown_campaigns(audience, known_campaigns)


def check_campaign(record: CampaignRecord, accounts: AccountLookup, known: Collection[str]) -> list[FieldError]:
    """Everything that is wrong with a campaign. `known`: the attributes that any of its people may have."""
    errors: list[FieldError] = []
    for step in record.steps:
        if accounts(step.channel, step.account) is None:
            errors.append(_unknown_account(step))
        told = findings(step.channel, step.content, record.body, name=record.name, known=known)
        errors += [FieldError(field=each.field, problem=each.problem, message=each.message) for each in told]
    return unique(errors + _budget_problems(record, accounts))


def _budget_problems(record: CampaignRecord, accounts: AccountLookup) -> list[FieldError]:
    caps, budget = caps_of(record), record.budget
    if caps is None or budget is None:
        return []
    problems = []
    if (given := sum(caps.by_channel.values())) > caps.total:
        message = f"the shares add up to {given / MICROS:.2f}, more than the total of {caps.total / MICROS:.2f}"
        problems.append(FieldError(field="budget.allocation", problem="over_total", message=f"{message}: lower them"))
    found = (accounts(step.channel, step.account) for step in record.steps)
    for currency in {account.rate_card.currency for account in found if account} - {budget.currency}:
        message = f"the budget is in {budget.currency}, but an account bills in {currency}: give it in {currency}"
        problems.append(FieldError(field="budget.currency", problem="wrong_currency", message=message))
    return problems


def _unknown_account(step: StepRecord) -> FieldError:
    if step.account == "default":
        message = f"no account is connected for {step.channel.value}: connect one, or leave the channel out"
    else:
        message = f"there is no account '{step.account}' for {step.channel.value}: check its name, or connect it"
    return FieldError(field=f"accounts.{step.channel.value}", problem="unknown_account", message=message)


def unique(errors: Iterable[FieldError]) -> list[FieldError]:
    """Each finding once, where several steps share the content."""
    return list({(error.field, error.problem, error.message): error for error in errors}.values())
