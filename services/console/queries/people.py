"""One person: what is recorded of them, and what became of their messages."""

from __future__ import annotations

_FIELDS = """
SELECT name, email, phone, role, city, pincode, zone, last_active_at, toJSONString(attributes) AS attributes, lists,
       is_deleted, version
"""

CONTACT = f"""
-- A person as the base has them, and as told of since the last compaction, which counts before it. In one question:
-- asking at all costs as much as finding one of them.
{_FIELDS}, 0 AS told FROM contacts WHERE recipient_id = {{recipient:String}}
UNION ALL
{_FIELDS}, 1 AS told FROM contacts_changes WHERE recipient_id = {{recipient:String}}
"""

WORDS = """
-- Every word of a person on consent, as often as it was told.
SELECT channel, purpose, state, reason, at, source, proof, ingested_at AS told_at
FROM consent_words WHERE recipient_id = {recipient:String}
"""

LEDGER = """
-- Events of a person from a moment on, oldest first. One may come twice: to look for that here would have every column
-- of every part read.
SELECT campaign_id, step, recipient_id, ord, attempt, toString(e.channel) AS channel, account,
       toString(e.status) AS status, reason, detail, cost_micros, provider, provider_message_id,
       occurred_at, machine, source
FROM delivery_events AS e
PREWHERE recipient_id = {recipient:String}
WHERE occurred_at >= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')
  AND ({campaign:String} = '' OR campaign_id = {campaign:String})
ORDER BY occurred_at, campaign_id, step, attempt, e.status, source, machine
LIMIT {most:UInt32}
"""

NEWEST = """
-- The same, the newest first, until a moment.
SELECT campaign_id, step, attempt, toString(e.channel) AS channel, toString(e.status) AS status, reason, detail,
       occurred_at, machine, source
FROM delivery_events AS e
PREWHERE recipient_id = {recipient:String}
WHERE occurred_at <= fromUnixTimestamp64Milli({at_ms:Int64}, 'UTC')
ORDER BY occurred_at DESC, campaign_id, step, attempt, e.status, source, machine
LIMIT {most:UInt32}
"""

ELSEWHERE = """
-- Of these campaigns, those whose frozen audience a person is in, and those that have reached the person.
SELECT 'member' AS how, toString(campaign_id) AS campaign FROM audience_members
WHERE recipient_id = {recipient:String} AND (campaign_id, snapshot_id) IN
    (SELECT campaign_id, snapshot_id FROM campaigns FINAL WHERE campaign_id IN {campaigns:Array(String)})
UNION ALL
SELECT 'reached', toString(campaign_id) FROM sends
WHERE recipient_id = {recipient:String} AND campaign_id IN {campaigns:Array(String)}
  AND status IN ('delivered', 'read', 'clicked', 'replied', 'unsubscribed', 'complained')
"""

ERASED = """
-- Whether somebody has been erased, by the keyed hash of the id.
SELECT 1 AS erased FROM erased WHERE brand = {brand:String} AND kind = 'contact' AND hash = {hash:String} LIMIT 1
"""

MEMBERSHIP = """
-- A person's place in a frozen audience; `ords`: where it is known to be, else empty.
SELECT ord, inline, name, opt_in, duplicate, clock_zone, best_hour FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND recipient_id = {recipient:String}
  AND (empty({ords:Array(UInt32)}) OR ord IN {ords:Array(UInt32)})
LIMIT 1
"""

CAMPAIGNS_OF = """
-- Campaigns that a person got or was to get something from, the newest first.
SELECT campaign_id, max(occurred_at) AS last FROM delivery_events
WHERE recipient_id = {recipient:String} GROUP BY campaign_id ORDER BY last DESC LIMIT {most:UInt32}
"""
