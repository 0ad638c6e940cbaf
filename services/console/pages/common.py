"""What pages share: templates, the session, words for figures."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.templating import Jinja2Templates
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.console.assets import asset
from services.console.core.acts import offered, own_content
from services.console.core.contact_rows import UNDATED_OPT_IN
from services.console.core.dashboard import failing
from services.console.core.figures import Counts, Stats
from services.console.core.roles import refusal
from services.console.hub import hub_of
from services.console.pages.navigation import ACTIONS, MAIN, SETTINGS, places
from services.console.problems import Problem
from services.console.security import Identity, session_of
from services.console.texts import gettext, ngettext

templates = Jinja2Templates(directory=Path(__file__).parent.parent / "templates")
templates.env.add_extension("jinja2.ext.i18n")
templates.env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]


class SignInError(Exception):
    """Nobody is signed in: the page to sign in on comes instead."""


async def to_sign_in(_request: Request, _error: Exception) -> Response:
    return RedirectResponse("/login", status_code=303)


async def require_session(request: Request) -> Identity:
    """Whoever is signed in, with the role that the page needs. Raises `SignInError`, `Problem` 403."""
    identity = session_of(request)
    if identity is None:
        raise SignInError
    if refused := refusal(identity.role, request.method, request.scope["path"]):
        raise Problem(403, "not_allowed", refused)
    return identity


Visitor = Annotated[Identity, Depends(require_session)]


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render; every page knows whether the sandbox stands in, and who is signed in."""
    hub, identity = hub_of(request), session_of(request)
    values |= {"sandboxed": hub.sandboxed, "identity": identity, "brands": hub.brands_of(identity) if identity else []}
    values |= {"language": request.state.language}
    return templates.TemplateResponse(request, template, values, status_code=status)


def problem_page(request: Request, problem: Problem) -> HTMLResponse:
    return page(request, "problem.html", problem.status, title=_TITLES.get(problem.status, "That did not work"),
                message=problem.detail)  # fmt: skip


_TITLES = {403: "Not yours to do", 404: "There is nothing here", 503: "Not available now", 401: "Please sign in"}


def number(value: int) -> str:
    """Thousands parted by a narrow space that does not break."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def money(micros: int | None, currency: str) -> str:
    if micros is None:
        return "none"
    return f"{micros / 1_000_000:,.2f} {currency}"


def gauge(stats: Stats) -> tuple[float, float]:
    """Percent of the budget that is spent, and that is set aside; they never pass 100 together."""
    if not stats.budget_micros:
        return 0.0, 0.0
    spent = min(100.0, 100 * stats.spent_micros / stats.budget_micros)
    return round(spent, 3), round(min(100 - spent, 100 * stats.reserved_micros / stats.budget_micros), 3)


def words(name: str) -> str:
    return name.replace("_", " ")


def undated(detail: str) -> str:
    """Without the time of a consent that came without one: contacts' files give it the oldest that there is."""
    return detail.replace(f" {UNDATED_OPT_IN:%Y-%m-%d %H:%M} UTC", "")


def clock(at: datetime | None) -> Markup:
    """The moment in UTC; a script tells it in the reader's own zone."""
    if at is None:
        return Markup("–")
    iso = at.isoformat(timespec="seconds")
    return Markup(f'<time datetime="{iso}">{at:%d %b %H:%M:%S} UTC</time>')  # noqa: S704  figures and words of ours


def share(part: int, whole: int) -> str:
    """Percent, honest at both ends: 100 only for all, 0 only for none."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "<0.1%"
    if 99.9 < percent < 100:
        return ">99.9%"
    return f"{percent:.0f}%" if percent in (0, 100) else f"{percent:.1f}%"


def segments(counts: Counts) -> list[tuple[str, int]]:
    """A step's planned messages, parted by where they stand, for its bar; they add up to what is planned."""
    went = max(0, counts.settled - counts.suppressed - counts.failed - counts.bounced)
    delivered = min(counts.delivered, went)
    return [
        ("delivered", delivered),
        ("sent", went - delivered),
        ("failed", counts.failed + counts.bounced),
        ("uncertain", counts.uncertain),
        ("suppressed", counts.suppressed),
        ("left", max(0, counts.open - counts.uncertain)),
    ]


def bar(counts: Counts) -> list[tuple[str, int, float, float]]:
    """(name, sends, where it begins, how wide it is): percent of what is planned."""
    found, at = [], 0.0
    for name, sends in segments(counts):
        width = 100 * sends / counts.planned if counts.planned else 0.0
        found.append((name, sends, round(at, 3), round(width, 3)))
        at += width
    return found


CHANNEL_NAMES = {"email": "Email", "sms": "SMS", "whatsapp": "WhatsApp", "push": "Push", "social": "Social"}
templates.env.filters |= {
    "number": number, "words": words, "undated": undated, "clock": clock, "segment": lambda text: quote(text, safe=""),
    "channel": lambda name: CHANNEL_NAMES.get(name, name),
}  # fmt: skip
templates.env.globals |= {
    "money": money, "share": share, "bar": bar, "offered": offered, "gauge": gauge, "asset": asset, "failing": failing,
    "own_content": own_content, "places": places, "main_places": MAIN, "settings_places": SETTINGS,
    "actions": ACTIONS,
}  # fmt: skip
