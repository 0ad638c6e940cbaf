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
-- Each message that was opened or clicked by a person, not by a machine, and when it was first; of a sample of people
-- where there are too many openings to look at them all.
SELECT recipient_id, toDateTime(least(min(read_at), min(clicked_at)), 'UTC') AS opened_at
FROM standings WHERE {OPENED}
  AND cityHash64(recipient_id) % (SELECT greatest(1, intDiv(count(), 100000)) FROM standings WHERE {OPENED}) = 0
GROUP BY campaign_id, step, recipient_id
"""

HOUR = "toInt8(substring(toString(opened_at, clock_zone), 12, 2))"

HABITS = f"""
-- When each of some people first opened or clicked each message of these days, where they did so often enough. Of a
-- message there may be several rows: they are numbers by whose upper bits messages are told apart.
SELECT
    recipient_id,
    groupArray(bitShiftLeft(toUInt128(cityHash64(campaign_id, step)), 32) + toUnixTimestamp(least(read_at, clicked_at)))
        AS told,
    arrayCompact(opening -> bitShiftRight(opening, 32), arraySort(told)) AS openings,
    arrayMap(opening -> toDateTime(toUInt32(bitAnd(opening, 0xffffffff)), 'UTC'), openings) AS times
FROM standings WHERE {OPENED} AND recipient_id IN (%(whom)s)
GROUP BY recipient_id HAVING length(times) >= {LEAST_OPENS}
"""
NO_HABITS = "SELECT '' AS recipient_id, CAST([] AS Array(DateTime('UTC'))) AS times WHERE 0"

BEST_HOUR = f"""
-- The hour of their own day in which people opened most, the earlier one of equals: of `times`, by `clock_zone`.
arrayMap(opened_at -> {HOUR}, times) AS hours,
arrayMax((n, hour) -> toInt32(n) * 24 + 23 - hour, arrayEnumerateUniq(hours), hours) AS best,
toInt8(23 - modulo(best, 24)) AS best_hour, toUInt16(intDiv(best, 24)) AS best_opens, toUInt16(length(times)) AS opens
"""

BRAND_HOUR = f"""
-- The hour in which all of the brand's people together opened most, each by their own clock; of a sample of people
-- where there are more openings than such a question is worth.
SELECT {HOUR} AS hour, count() AS n
FROM
(
    SELECT opened_at, if(c.clock_zone = '', {CAMPAIGN_ZONE}, c.clock_zone) AS clock_zone
    FROM ({OPENINGS}) AS o LEFT JOIN
    (
        SELECT recipient_id, {PLACED} AS clock_zone FROM v_contacts
        WHERE brand = {{brand:String}} AND recipient_id IN (SELECT recipient_id FROM ({OPENINGS}))
    ) AS c ON c.recipient_id = o.recipient_id
)
GROUP BY hour HAVING n >= {LEAST_OPENS} ORDER BY n DESC, hour LIMIT 1
"""

LISTED = """
SELECT recipient_id, clock_zone FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND NOT erased
"""

LISTED_BEST_HOURS = f"""
-- The best hours of people whom a campaign lists, where they are known.
WITH listed AS ({LISTED}), habits AS ({HABITS % {"whom": "SELECT recipient_id FROM listed"}})
SELECT recipient_id, best_hour, best_opens, opens
FROM (SELECT recipient_id, {BEST_HOUR} FROM listed INNER JOIN habits USING (recipient_id))
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
