"""`/generate`: three variants of the texts of a campaign, for all its channels."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import APIRouter, Request
from pydantic import Field

from schemas import Channel, Wire
from services.console.api.content import Desk
from services.console.core.generated import Generated
from services.console.core.generating import Wish
from services.console.hub import Hub, HubOf
from services.console.problems import one_field
from services.console.security import Caller
from services.domain.audience import CONTACT_FIELDS
from services.domain.brands import brand_named

if TYPE_CHECKING:
    from services.console.generator import Generator

router = APIRouter(tags=["content"])
OFFERED = ("name", "city")
"""Fields that texts are offered, besides attributes by their names. Addresses and numbers have no place in texts."""
MOST_ATTRIBUTES = 20


class GenerateBody(Wire):
    name: Annotated[str, Field(max_length=200)] = ""
    description: Annotated[str, Field(max_length=4_000)] = ""
    channels: list[Channel]
    voice: Annotated[str, Field(max_length=2_000)] | None = None
    """How it is to sound; absent: as the brand says."""
    link: bool = False
    """Whether the campaign has a link."""


async def generator_of(request: Request, hub: Hub) -> Generator:
    """Made when it is first asked for: its client takes a second to import, which no start of the console needs, and
    which nobody else should wait for."""
    if not hasattr(request.app.state, "generator"):
        module = await asyncio.to_thread(import_module, "services.console.generator")
        request.app.state.generator = module.Generator(hub.settings)
    return cast("Generator", request.app.state.generator)


@router.post("/generate")
async def generate(body: GenerateBody, request: Request, hub: HubOf, desk: Desk, caller: Caller) -> Generated:
    """Made by the AI service that is set up, from what is given here, the brand's voice and the names of attributes;
    nothing about a person leaves. `sample`: none is set up. Nothing is stored: choose one, and lay its `changes`."""
    if not (body.name.strip() or body.description.strip()):
        raise one_field("description", "missing", "say in the name or the description what the campaign is about")
    channels = list(dict.fromkeys(body.channels))
    if not channels:
        raise one_field("channels", "missing", "choose a channel to write for")
    known = await desk.names.of(caller.brand)
    attributes = sorted((known or frozenset()) - CONTACT_FIELDS)[:MOST_ATTRIBUTES]
    voice = brand_named(hub.brands.items, caller.brand).voice if body.voice is None else body.voice
    wish = Wish(body.name.strip(), body.description.strip(), voice, channels, body.link, [*OFFERED, *attributes])
    return await (await generator_of(request, hub)).variants(wish, known)
