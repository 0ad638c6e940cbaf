"""`/templates`: the brand's library of contents, one channel each."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from schemas import Channel, Template, Wire
from schemas.base import Identifier
from services.console.auditing import entry
from services.console.hub import Hub, HubOf
from services.console.problems import Problem, not_found
from services.console.security import Caller, Identity
from services.domain.campaigns import template_key, template_problems

router = APIRouter(prefix="/templates", tags=["templates"])


class TemplateBody(Wire):
    channel: Channel
    name: str
    content: dict[str, object]
    """As `content.<channel>` of a campaign."""
    expected_version: Annotated[int, Field(ge=0)] | None = None
    """Reject it if somebody has changed the template since; 0: it must be new."""


class TemplateUsed(BaseModel):
    campaign_id: str
    name: str
    status: str
    version: int


class TemplateView(BaseModel):
    template: Template
    used_by: list[TemplateUsed]
    """Campaigns with a content from it, the newest first."""


class TemplatePage(BaseModel):
    items: list[Template]
    next: str | None = None


def library_of(hub: Hub, caller: Identity) -> list[Template]:
    """The brand's, by channel and name."""
    own = [each for each in hub.templates.items.values() if each.brand == caller.brand]
    order = list(Channel)
    return sorted(own, key=lambda each: (order.index(each.channel), each.name.lower(), each.template_id))


async def template_named(hub: Hub, caller: Identity, template_id: str) -> Template:
    """Raises `Problem` 404, also for another brand's."""
    key = template_key(caller.brand, template_id)
    if key not in hub.templates.items:
        await hub.templates.catch_up()
    if (found := hub.templates.items.get(key)) is None:
        raise not_found("template", template_id)
    return found


@router.get("")
async def listing(hub: HubOf, caller: Caller, channel: Channel | None = None) -> TemplatePage:
    """By name."""
    wanted = [each for each in library_of(hub, caller) if channel is None or each.channel == channel]
    return TemplatePage(items=sorted(wanted, key=lambda each: (each.name.lower(), each.template_id)))


@router.get("/{template_id}")
async def show(template_id: Identifier, hub: HubOf, caller: Caller) -> TemplateView:
    return _view(hub, caller, await template_named(hub, caller, template_id))


@router.put("/{template_id}")
async def put(template_id: Identifier, body: TemplateBody, hub: HubOf, caller: Caller) -> TemplateView:
    """Make it, or a new version of it. Campaigns keep what they have taken from an earlier one."""
    await hub.templates.catch_up()
    was = hub.templates.items.get(template_key(caller.brand, template_id))
    version = was.version if was else 0
    if body.expected_version not in (None, version):
        raise Problem(409, "changed", f"'{template_id}' is at version {version} by now: look at it again first")
    if errors := template_problems(body.channel, body.content, body.name):
        raise Problem(422, "invalid", "the template cannot be used as it is", errors)
    made = Template(
        template_id=template_id, brand=caller.brand, channel=body.channel, name=body.name, content=body.content,
        version=version + 1, updated_at=hub.now(),
    )  # fmt: skip
    await _keep(hub, caller, made, made, "template.put")
    return _view(hub, caller, made)


@router.delete("/{template_id}", status_code=204)
async def remove(template_id: Identifier, hub: HubOf, caller: Caller) -> None:
    """Campaigns keep what they have taken from it."""
    await _keep(hub, caller, await template_named(hub, caller, template_id), None, "template.remove")


async def _keep(hub: Hub, caller: Identity, template: Template, value: Template | None, action: str) -> None:
    told = entry(caller, hub.now(), action, f"template/{template.template_id}", detail=f"version {template.version}")
    await hub.keep(hub.templates, template_key(template.brand, template.template_id), value, told)


def _view(hub: Hub, caller: Identity, template: Template) -> TemplateView:
    used: list[dict[str, Any]] = [
        {"campaign_id": record.campaign_id, "name": record.name, "status": record.status, "version": use.version}
        for record in hub.campaigns_of(caller)
        for use in record.templates.values()
        if use.template_id == template.template_id
    ]
    return TemplateView(template=template, used_by=[TemplateUsed(**each) for each in used])
