"""Sample texts for a campaign, made from its name and description: always the same for the same campaign."""

from __future__ import annotations

from typing import Any

import msgspec

LONGEST_GIST = 110
"""Characters of the description that fit into an SMS beside the rest."""


class Wish(msgspec.Struct):
    """A campaign, as the first message of a user tells it."""

    name: str
    description: str = ""
    channels: list[str] = []
    link: bool = False


def wish_of(content: object) -> Wish | None:
    """None: it is no campaign."""
    if not isinstance(content, str):
        return None
    try:
        return msgspec.json.decode(content.encode(), type=Wish)
    except msgspec.DecodeError:
        return None


def samples(wish: Wish) -> list[dict[str, Any]]:
    """Three: friendly, short, with a question."""
    gist = _gist(wish.description or wish.name)
    name = _plain(wish.name)[:60] or "News"
    hello, link = "{{ name | default: 'there' }}", " {{ link }}" if wish.link else ""
    styles = [
        ("Sample 1: friendly", f"Hi {hello},", f"we have news for you: {gist}.", "Warm regards", f"For you: {name}"),
        ("Sample 2: to the point", f"Hello {hello}.", f"{gist}.", "It takes a minute.", name),
        ("Sample 3: a question", f"Hi {hello},", f"have you thought about it? {gist}.", "Just answer.", f"{name}?"),
    ]
    return [
        {"label": label, "body": f"{greeting}\n\n{line}{link}\n\n{close}"}
        | {channel: part for channel, part in _parts(greeting, line, link, subject, gist).items()
           if channel in wish.channels}
        for label, greeting, line, close, subject in styles
    ]  # fmt: skip


def _parts(greeting: str, line: str, link: str, subject: str, gist: str) -> dict[str, dict[str, str]]:
    words = f"{greeting} {line}{link}"
    return {
        "email": {"subject": subject[:80], "preheader": gist[:100]},
        "sms": {"text": words},
        "whatsapp": {"text": words},
        "push": {"title": subject[:50], "message": f"{line}"[:160]},
        "social": {"text": f"{subject}: {gist}.{link}"[:270]},
    }


def _gist(text: str) -> str:
    """The first sentence, cut at a word, in plain letters."""
    first = _plain(text).split(". ")[0].strip().rstrip(".!?,;")
    if len(first) > LONGEST_GIST:
        first = first[:LONGEST_GIST].rsplit(" ", 1)[0]
    return first or "something that you may like"


def _plain(text: str) -> str:
    """Without braces, which would begin a placeholder, and without what makes an SMS dearer."""
    kept = text.translate({ord(each): " " for each in "{}%\n\r\t"})
    return " ".join(kept.encode("ascii", errors="ignore").decode().split())
