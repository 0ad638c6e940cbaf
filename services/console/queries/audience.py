"""How many people a filter means, and which lists there are."""

from __future__ import annotations

MATCHED = """
-- How many people a filter means.
SELECT count() %(matching)s
"""

LISTS = """
-- Uploaded lists, with how many people are on each.
SELECT name, count() AS people FROM (SELECT arrayJoin(lists) AS name FROM v_contacts WHERE brand = {brand:String})
GROUP BY name ORDER BY name
"""

CITIES = """
-- The cities that most people of the brand live in.
SELECT city AS name, count() AS people FROM v_contacts WHERE brand = {brand:String} AND city != ''
GROUP BY city ORDER BY people DESC, name LIMIT 300
"""
