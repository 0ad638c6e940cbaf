"""The audit log of a brand."""

from __future__ import annotations

PAGE = """
-- The newest first, from behind a given one on; `action`: whole, or its first word.
SELECT entry_id, at, operator, source, action, object, recipient_id AS recipient, status, epoch_before, epoch_after,
       detail
FROM audit_log FINAL
WHERE brand = {brand:String}
  AND (at, entry_id) < (fromUnixTimestamp64Milli({before_ms:Int64}, 'UTC'), {before_id:String})
  AND ({operator:String} = '' OR operator = {operator:String})
  AND ({action:String} = '' OR action = {action:String} OR startsWith(action, concat({action:String}, '.')))
  AND ({object:String} = '' OR object = {object:String} OR recipient_id = {object:String})
ORDER BY at DESC, entry_id DESC
LIMIT {most:UInt32}
"""
