"""What is asked of ClickHouse for a draft."""

from __future__ import annotations

LISTED = """
-- People whom a campaign lists itself, as they were stored, in their order.
SELECT recipient_id, name, email, phone, zone, toString(attributes) AS attributes, opt_in FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND NOT erased ORDER BY ord LIMIT 1 BY ord
"""
