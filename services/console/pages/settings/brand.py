"""What is said of a brand, and the brands that there are."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from schemas import AnswerWords, Channel
from services.console.hub import HubOf
from services.console.pages.common import Visitor, page
from services.domain.brands import brand_named

router = APIRouter()
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


@router.get("/brand")
async def show(request: Request, hub: HubOf, visitor: Visitor, language: str = "") -> HTMLResponse:
    """`language`: one that words are to be added in."""
    brand = brand_named(hub.brands.items, visitor.brand)
    words = dict(brand.keywords)
    if new := language.strip() if _LANGUAGE.fullmatch(language.strip()) else "":
        words.setdefault(new, AnswerWords())
    return page(
        request, "settings/brand.html", brand=brand, words=words or {"en": AnswerWords()}, new=new,
        mistaken=language if language and not new else "", channels=list(Channel),
    )  # fmt: skip
