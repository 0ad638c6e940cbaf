"""The application: its routes, its errors, its measures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.console import problems
from services.console.activity import ActivityFeed
from services.console.api import (
    accounts,
    api_keys,
    audience,
    audit,
    brands,
    campaigns,
    consents,
    contacts,
    content,
    content_tests,
    costs,
    dashboard,
    dead_letters,
    drafts,
    engagements,
    generate,
    imports,
    look,
    me,
    operators,
    plans,
    recipients,
    segments,
    stats,
    steering,
    templates,
    uncertain,
)
from services.console.assets import PATH, STATIC, Assets
from services.console.contents import ContentDesk
from services.console.description import describe
from services.console.drafts import Drafts
from services.console.first_answers import FirstAnswers
from services.console.hub import Hub
from services.console.import_jobs import ImportJobs
from services.console.live import StatsDesk
from services.console.overview import Overview
from services.console.pages import accounts as account_pages
from services.console.pages import (
    acts,
    editor,
    editor_audience,
    editor_budget,
    editor_review,
    login,
    palette,
    people,
    roster,
    settings,
)
from services.console.pages import campaigns as campaign_pages
from services.console.pages import contacts as contact_pages
from services.console.pages import content as content_pages
from services.console.pages import dashboard as dashboard_page
from services.console.pages import imports as import_pages
from services.console.pages import look as look_page
from services.console.pages import templates as template_pages
from services.console.pages.common import SignInError, problem_page, to_sign_in
from services.console.roll import Roll
from services.console.security import API, Keeper
from services.console.signing_in import SignIn
from services.console.texts import language_of, speak
from services.runtime import metrics

POLICY = (
    "default-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
"""What a page may load: nothing from elsewhere, no script or style but ours, none inside the page."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""On every answer."""
ALWAYS_TLS = "max-age=31536000"
"""Whoever came by HTTPS once keeps to it for a year."""


def make_app(hub: Hub, activity: ActivityFeed, stop: asyncio.Event) -> FastAPI:
    """`stop`: when it is set, event streams end."""
    app = FastAPI(
        title="Peal",
        version="1",
        description="One campaign, many channels; every planned message ends in exactly one recorded outcome.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.hub = hub
    app.state.keeper = Keeper(hub.settings, lambda: hub.operators.items)
    app.state.stats = StatsDesk(hub)
    app.state.overview = Overview(hub)
    app.state.roll = Roll(hub)
    app.state.imports = ImportJobs(hub)
    app.state.activity = activity
    app.state.drafts = Drafts(hub)
    app.state.contents = ContentDesk(hub, app.state.drafts.names)
    app.state.first_answers = FirstAnswers()
    app.state.sign_in = SignIn(hub)
    app.state.stop = stop
    problems.install(app, API, problem_page)
    app.add_exception_handler(SignInError, to_sign_in)
    app.middleware("http")(_measure)
    apis = (
        plans, campaigns, steering, stats, recipients, contacts, consents, audience, dashboard, accounts,
        dead_letters, uncertain, drafts, brands, templates, operators, api_keys, audit, costs, engagements,
        segments, imports,
        content, content_tests, generate, look, me,
    )  # fmt: skip
    for module in apis:
        app.include_router(module.router, prefix=API)
    pages = (
        login, dashboard_page, editor, editor_audience, editor_budget, editor_review, campaign_pages, roster, acts,
        people, palette, settings, account_pages,
    )  # fmt: skip
    for page in (*pages, contact_pages, import_pages, content_pages, template_pages, look_page):
        app.include_router(page.router, include_in_schema=False)
    app.mount(PATH, Assets(directory=STATIC), name="static")
    describe(app)
    return app


async def _measure(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
    began = time.perf_counter()
    request.state.language = language_of(request.headers.get("accept-language", ""))
    speak(request.state.language)
    response = await proceed(request)
    route = getattr(request.scope.get("route"), "path", "other")
    metrics.http_requests.labels(request.method, route, response.status_code).inc()
    metrics.http_seconds.labels(route).observe(time.perf_counter() - began)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.url.scheme == "https":
        response.headers.setdefault("Strict-Transport-Security", ALWAYS_TLS)
    if response.headers.get("content-type", "").startswith("text/html"):
        response.headers.setdefault("Content-Security-Policy", POLICY)
    return response
