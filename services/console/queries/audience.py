"""How many people a filter means, and how many of them each channel reaches."""

from __future__ import annotations

PREVIEW = """
-- By channel, each person counted under the first thing that keeps them out, in the order in which the router judges.
-- A consent to all channels counts for each; the newer word holds, and at a tie the opt-out.
WITH
    matched AS (SELECT recipient_id, email, phone %(matching)s),
    said AS
    (
        SELECT recipient_id,
               argMax(c.state, (c.at, c.state = 'opted_out')) AS state,
               argMax(c.reason, (c.at, c.state = 'opted_out')) AS reason
        FROM consents AS c
        WHERE brand = {brand:String} AND channel IN ({channel:String}, 'all')
        GROUP BY recipient_id
    )
SELECT why, count() FROM
(
    SELECT
        if({channel:String} = 'email', m.email, m.phone) AS address,
        multiIf(
            address != '' AND row_number() OVER (PARTITION BY address ORDER BY m.recipient_id) > 1, 'duplicate',
            address = '', 'no_address',
            s.state = 'opted_out', s.reason,
            {channel:String} IN ('sms', 'whatsapp') AND s.state != 'opted_in', 'no_consent',
            ''
        ) AS why
    FROM matched AS m LEFT JOIN said AS s USING (recipient_id)
)
GROUP BY why
"""

MATCHED = """
-- How many people a filter means.
SELECT count() %(matching)s
"""
