"""What a brand's sends have cost."""

from __future__ import annotations

BY_CAMPAIGN = """
-- Costs of a brand's sends whose last word on them fell into a stretch of days (UTC), by campaign, channel and account.
SELECT campaign_id, channel, account, sum(attempts) AS attempts, sum(cost_micros) AS cost_micros
FROM costs
WHERE brand = {brand:String} AND day >= {first:Date} AND day < {behind:Date}
GROUP BY campaign_id, channel, account
ORDER BY campaign_id, channel, account
"""
