"""Who follows links that is no person: mail scanners, link previews, crawlers. By what they call themselves, and by
how soon they come."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

SCANNERS: Final = (
    # previews, as a messenger shows them below a message
    "whatsapp/", "facebookexternalhit", "facebot", "twitterbot", "telegrambot", "slackbot", "slack-imgproxy",
    "discordbot", "linkedinbot", "skypeuripreview", "viber/", "line-poker", "kakaotalk-scrap", "redditbot",
    "google-messages", "googlemessages", "applebot", "snapchat", "signal-android", "bitlybot", "embedly", "iframely",
    # scanners of mail gateways
    "barracuda", "proofpoint", "mimecast", "symantec", "messagelabs", "trendmicro", "fireeye", "forcepoint",
    "cloudmark", "sophos", "safelinks", "ms-office", "microsoft office", "bingpreview", "googleimageproxy",
    "yahoomailproxy", "yahoocachesystem", "virustotal", "urlscan", "zscaler", "paloalto", "checkpoint",
    # programs
    "curl/", "wget/", "python-requests", "python-urllib", "aiohttp/", "httpx/", "go-http-client", "okhttp/", "java/",
    "apache-httpclient", "libwww-perl", "node-fetch", "axios/", "headlesschrome", "phantomjs", "puppeteer",
)  # fmt: skip
"""Parts of user agents, in lowercase, as these programs send them by their own documentation."""
_BOT = re.compile(r"bot\b|crawl|spider|scanner|preview|prefetch|monitor", re.IGNORECASE)
SOONEST: Final = timedelta(seconds=1)
"""No person reads a message and follows its link within this time of its arrival."""


def is_machine(method: str, user_agent: str, purpose: str = "") -> bool:
    """`purpose`: the header `Sec-Purpose`, with which browsers say that they fetch ahead."""
    if method != "GET" or not user_agent or "prefetch" in purpose.lower():
        return True
    lower = user_agent.lower()
    return any(part in lower for part in SCANNERS) or _BOT.search(user_agent) is not None


def too_soon(clicked_at: datetime, accepted_at: datetime | None, delivered_at: datetime | None) -> bool:
    """Followed before anyone can have read it. None: not known."""
    known = [at for at in (accepted_at, delivered_at) if at is not None and at <= clicked_at]
    return bool(known) and clicked_at - max(known) < SOONEST
