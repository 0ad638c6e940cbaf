"""What a campaign takes from its brand: which channels need a yes, and limits where it has none of its own.

Taken into the campaign's record, so that every service that reads it decides by the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas import DEFAULT_BRAND, Brand, BrandId, CampaignRecord, Limits, is_test


def brand_named(brands: Mapping[str, Brand], brand_id: str) -> Brand:
    """As it is registered; else one of which nothing is said."""
    return brands.get(brand_id) or Brand(brand_id=BrandId(brand_id))


def is_known(brands: Mapping[str, Brand], brand_id: str) -> bool:
    """The default brand needs no registering."""
    return brand_id == DEFAULT_BRAND or brand_id in brands


def with_brand(record: CampaignRecord, brand: Brand) -> CampaignRecord:
    """The record by the brand's rules. Done twice, it changes nothing more. A test send keeps to no caps and no quiet
    hours: somebody waits for it."""
    zone = (record.schedule.zone if record.schedule else None) or brand.zone or "UTC"
    needs = sorted(set(brand.opt_in_channels))
    limits = record.limits if is_test(record.campaign_id) else filled(record.limits, brand)
    return record.model_copy(update={"limits": limits, "needs_opt_in": needs, "zone": zone})


def filled(limits: Limits, brand: Brand) -> Limits:
    """A campaign's own limits, and the brand's where it names none. Transactional campaigns are outside of both."""
    quiet = limits.quiet_hours or brand.limits.quiet_hours
    return limits.model_copy(update={"quiet_hours": quiet, "caps": limits.caps or brand.limits.caps})


def needs_approval(record: CampaignRecord, brand: Brand) -> bool:
    """A budget above the brand's amount, one in another currency, or none at all: that may cost anything. A test send
    goes to one person."""
    above, budget = brand.approval_above, record.budget
    if above is None or is_test(record.campaign_id):
        return False
    return budget is None or budget.currency != above.currency or budget.total > above.total


def waits_for_approval(record: CampaignRecord) -> bool:
    """Somebody has asked for it, and nobody else has said yes."""
    return record.approval is not None and record.approval.approved_at is None
