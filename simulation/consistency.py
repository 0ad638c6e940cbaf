"""Channel consistency: of the channels of a campaign, the share that says what the body says after a typo was mended.

Rendered by the real content core. What people forget is not simulated but assumed (`Habits`), and varied.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from schemas import Body, Channel, Content, EmailContent, SmsContent, WhatsappContent
from services.domain.content import RenderedEmail, RenderedSms, RenderedWhatsapp, compile_content, render
from services.sandbox.core.chance import draws
from simulation.plans import CHANNELS

CAMPAIGNS: Final = 300
WRONG, RIGHT = "before Mai", "before May"
TEXT: Final = "Hi {{ name | default: 'there' }}, book your AC service "
PERSON: Final = {"name": "Asha", "city": "Pune"}


@dataclass(frozen=True)
class Habits:
    mends_a_copy: float = 0.5
    """A typo is mended in the place where it was seen, and with this chance in each other text that was copied."""
    own_text: float = 0.1
    """Channels whose campaign has a text of its own instead of the body."""


@dataclass(frozen=True)
class Consistency:
    """In percent of channels. `copies`: a text in each tool. `peal`: one body; WhatsApp has approved templates, which
    no tool can mend. `peal_without_templates`: of mail and SMS alone."""

    copies: float
    peal: float
    peal_without_templates: float


def measure(seed: int, habits: Habits = Habits()) -> Consistency:
    copies, hub, texts = 0, 0, 0
    for campaign in range(CAMPAIGNS):
        chance = {channel: draws(seed, "consistency", str(campaign), channel) for channel in CHANNELS}
        seen_first = CHANNELS[int(chance["email"][2] * len(CHANNELS))]
        for channel in CHANNELS:
            by_hand = channel == seen_first or chance[channel][0] < habits.mends_a_copy
            copies += _says_so(channel, own=RIGHT if by_hand else WRONG)
            own = channel == "whatsapp" or chance[channel][1] < habits.own_text
            told = _says_so(channel, own=(RIGHT if by_hand else WRONG) if own else None)
            hub += told
            texts += told if channel != "whatsapp" else 0
    channels = len(CHANNELS)
    return Consistency(
        _pct(copies, CAMPAIGNS * channels), _pct(hub, CAMPAIGNS * channels), _pct(texts, CAMPAIGNS * (channels - 1))
    )


@cache
def _says_so(channel: str, own: str | None) -> bool:
    """Whether the rendered message says what the mended body says. `own`: the end of a text that overrides it."""
    compiled = compile_content(Channel(channel), _content(channel, own), Body(text=TEXT + RIGHT), name="Service")
    rendered = render(compiled, PERSON)
    match rendered:
        case RenderedEmail():
            text = rendered.text
        case RenderedSms():
            text = rendered.text
        case RenderedWhatsapp():
            text = rendered.text or ""
    return RIGHT in text


def _content(channel: str, own: str | None) -> Content:
    if own is None:
        return Content()
    if channel == "email":
        return Content(email=EmailContent(html=f"<p>{TEXT}{own}</p>"))
    if channel == "sms":
        return Content(sms=SmsContent(text=TEXT + own))
    return Content(whatsapp=WhatsappContent(text=TEXT + own))


def _pct(part: int, whole: int) -> float:
    return round(100 * part / whole, 2)
