"""What a campaign's definition means: its record, what is wrong with it, what it may cost."""

from services.domain.campaigns.accounts import AccountLookup, account_named, usable_accounts
from services.domain.campaigns.definition import only_channel, record_of, step_records
from services.domain.campaigns.money import MICROS, Caps, caps_of, reserve_micros
from services.domain.campaigns.templates import (
    Library,
    template_key,
    template_problems,
    template_uses,
    with_templates,
)
from services.domain.campaigns.validation import check_campaign, check_filter, compile_step, unique

__all__ = [
    "MICROS", "AccountLookup", "Caps", "Library", "account_named", "caps_of", "check_campaign", "check_filter",
    "compile_step", "only_channel", "record_of", "reserve_micros", "step_records", "template_key", "template_problems",
    "template_uses", "unique", "usable_accounts", "with_templates",
]  # fmt: skip
