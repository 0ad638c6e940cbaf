"""Why a person did or did not get a campaign's messages: from what is recorded to an account in words."""

from services.domain.explain.account import Explanation, StepExplanation, explain
from services.domain.explain.facts import ContactFacts, Facts, LedgerEvent, Membership
from services.domain.explain.verdicts import Gate, Verdict

__all__ = [
    "ContactFacts",
    "Explanation",
    "Facts",
    "Gate",
    "LedgerEvent",
    "Membership",
    "StepExplanation",
    "Verdict",
    "explain",
]
