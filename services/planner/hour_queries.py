"""Questions to ClickHouse about when people may be messaged: their zones, their best hours, who is of which group."""

from __future__ import annotations

LEAST_OPENS = 3
"""Fewer openings say nothing of somebody's habits."""
LOOK_BACK_DAYS = 90

KNOWN_ZONES = "(SELECT time_zone FROM system.time_zones)"
CAMPAIGN_ZONE = f"if({{zone:String}} IN {KNOWN_ZONES}, {{zone:String}}, 'UTC')"

PLACED = f"""
-- A contact's zone may be anything: what is no zone gives way to the campaign's.
if(zone IN {KNOWN_ZONES}, toString(zone), {CAMPAIGN_ZONE})
"""

OPENED = f"""brand = {{brand:String}} AND least(read_at, clicked_at) <= {{now:DateTime('UTC')}}
  AND least(read_at, clicked_at) > {{now:DateTime('UTC')}} - toIntervalDay({LOOK_BACK_DAYS})"""

OPENINGS = f"""
-- Each message that was opened or clicked by a person, not by a machine, and when it was first.
SELECT recipient_id, toDateTime(least(min(read_at), min(clicked_at)), 'UTC') AS opened_at
FROM standings WHERE {OPENED} %(some)s
GROUP BY campaign_id, step, recipient_id
"""
ALL: dict[str, str] = {"some": ""}
SAMPLE = {
    "some": f"""
  AND cityHash64(recipient_id) % (SELECT greatest(1, intDiv(count(), 100000)) FROM standings WHERE {OPENED}) = 0
"""
}
"""Of people of whom there are too many openings to look at them all."""

HOUR = "toInt8(substring(toString(opened_at, clock_zone), 12, 2))"

BEST_HOURS = f"""
-- The hour of their own day in which people opened most, the earlier one of equals.
SELECT recipient_id, argMax(hour, (n, -hour)) AS best_hour, toUInt16(max(n)) AS best_opens, toUInt16(sum(n)) AS opens
FROM
(
    SELECT o.recipient_id AS recipient_id, {HOUR} AS hour, count() AS n
    FROM ({OPENINGS % ALL}) AS o INNER JOIN (%(placed)s) AS p ON p.recipient_id = o.recipient_id
    GROUP BY recipient_id, hour
)
GROUP BY recipient_id HAVING sum(n) >= {LEAST_OPENS}
"""

NO_BEST_HOURS = """
SELECT '' AS recipient_id, toInt8(-1) AS best_hour, toUInt16(0) AS best_opens, toUInt16(0) AS opens WHERE 0
"""

BRAND_HOUR = f"""
-- The hour in which all of the brand's people together opened most, each by their own clock; of a sample of people
-- where there are more openings than such a question is worth.
SELECT {HOUR} AS hour, count() AS n
FROM
(
    SELECT opened_at, if(c.clock_zone = '', {CAMPAIGN_ZONE}, c.clock_zone) AS clock_zone
    FROM ({OPENINGS % SAMPLE}) AS o LEFT JOIN
    (
        SELECT recipient_id, {PLACED} AS clock_zone FROM v_contacts
        WHERE brand = {{brand:String}} AND recipient_id IN (SELECT recipient_id FROM ({OPENINGS % SAMPLE}))
    ) AS c ON c.recipient_id = o.recipient_id
)
GROUP BY hour HAVING n >= {LEAST_OPENS} ORDER BY n DESC, hour LIMIT 1
"""

LISTED = """
SELECT recipient_id, clock_zone FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND NOT erased
"""

GROUPS = """
-- How many people of an audience there are by zone and best hour.
SELECT toString(clock_zone), best_hour, groupBitmapMerge(members) FROM audience_groups
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String}
GROUP BY clock_zone, best_hour ORDER BY clock_zone, best_hour
"""

OF_GROUPS = """(SELECT groupBitmapMergeState(members) FROM audience_groups
 WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String}
   AND (toString(clock_zone), best_hour) IN {groups:Array(Tuple(String, Int8))})"""
"""The ordinals of some groups, as a set."""

NEXT_OF_GROUPS = f"""
-- The next ordinals of some groups, from `first` up to `last`.
SELECT arrayJoin(bitmapToArray(bitmapSubsetLimit(
    bitmapSubsetInRange({OF_GROUPS}, {{first:UInt32}}, toUInt32({{last:UInt32}} + 1)), {{first:UInt32}}, {{most:UInt64}}
))) AS ord
ORDER BY ord
"""
