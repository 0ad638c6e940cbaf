"""Who may get which message: `decide` judges a request, `observe` folds events into what is known of a person.

Pure: `now` is an argument, and nothing here waits, reads a clock or talks to anyone.
"""

from services.domain.eligibility.chains import conditions, head_of
from services.domain.eligibility.consent import ALL_CHANNELS, permitted, stopped
from services.domain.eligibility.deciding import DEAD_LETTER, decide, next_attempt
from services.domain.eligibility.gates import GATES, Facts
from services.domain.eligibility.observing import KEEP_CLOSED, Event, Recall, milliseconds, observe, prune, recalls
from services.domain.eligibility.record import (
    SOURCES,
    CampaignRules,
    Record,
    Said,
    Send,
    StepRules,
    decode_campaign,
    decode_record,
    encode_record,
    fingerprint,
    new_record,
    send_id_of,
)
from services.domain.eligibility.verdicts import Held, Inactive, NotYet, Repeat, Route, Suppress, Unknown, Verdict

__all__ = [
    "ALL_CHANNELS", "DEAD_LETTER", "GATES", "KEEP_CLOSED", "SOURCES", "CampaignRules", "Event",
    "Facts", "Held", "Inactive", "NotYet", "Recall", "Record", "Repeat", "Route", "Said", "Send", "StepRules",
    "Suppress", "Unknown", "Verdict", "conditions", "decide", "decode_campaign", "decode_record", "encode_record",
    "fingerprint", "head_of", "milliseconds", "new_record", "next_attempt", "observe", "permitted", "prune",
    "recalls", "send_id_of", "stopped",
]  # fmt: skip
