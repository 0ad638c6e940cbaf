"""Whom it concerns when a campaign is paused, resumed or cancelled."""

from __future__ import annotations

from services.console.queries.stats import STANDING_SETS

PEOPLE_DONE = (
    STANDING_SETS
    + """
-- People whose every send stands at one of these statuses; a step of which nothing stands so leaves nobody.
SELECT if(count() = {all_steps:UInt16}, groupBitmapAnd(settled), 0) FROM
(
    SELECT step, groupBitmapOrState(own) AS settled FROM standing
    WHERE toString(status) IN {statuses:Array(String)}
    GROUP BY step
)
"""
)

LAST_CALL = """
-- When the last message left that a provider took. A send that is only assumed to have left says nothing of calls.
SELECT max(at) AS at, count() AS calls FROM last_calls WHERE campaign_id = {campaign:String}
"""
