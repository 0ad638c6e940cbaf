"""Contents from a brand's library: what a template says when a campaign is applied is what the campaign says."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from schemas import Body, Campaign, Channel, Content, FieldError, Template, TemplateUse
from services.domain.content import TemplateProblem, compile_content
from services.domain.field_errors import field_errors

Library = Mapping[str, Template]
"""By `template_key`."""


def template_key(brand: str, template_id: str) -> str:
    """Of a record on `templates`: ids are a brand's own."""
    return f"{brand}/{template_id}"


def with_templates(campaign: Campaign, library: Library) -> tuple[Campaign, list[FieldError]]:
    """The campaign with the contents of the templates that it names, and what is wrong with their names."""
    errors: list[FieldError] = []
    given: dict[str, Any] = {}
    used = {step.channel for step in campaign.resolved_steps}
    for channel, template_id in campaign.templates.items():
        found = library.get(template_key(campaign.brand, template_id))
        problem = _problem(campaign, channel, template_id, found, library, channel in used)
        if problem is not None:
            errors.append(problem)
        elif found is not None:
            given[channel.value], wrong = _content(found)
            errors += [each.model_copy(update={"field": f"templates.{channel.value}"}) for each in wrong]
    contents = {name: getattr(campaign.content, name) for name in Content.model_fields} | given
    return campaign.model_copy(update={"content": Content(**contents)}), errors


def template_uses(campaign: Campaign, library: Library) -> dict[Channel, TemplateUse]:
    """Which template of which version each channel's content is from."""
    found = {channel: library.get(template_key(campaign.brand, name)) for channel, name in campaign.templates.items()}
    return {
        channel: TemplateUse(template_id=template.template_id, version=template.version)
        for channel, template in found.items()
        if template is not None
    }


def template_problems(channel: Channel, content: Mapping[str, object], name: str) -> list[FieldError]:
    """What is wrong with a template by itself, whoever it is sent to."""
    try:
        made = Content.model_validate({channel.value: content})
        compile_content(channel, made, Body(text="", link="https://example.com"), name=name)
    except ValidationError as error:
        return [found.model_copy(update={"field": f"content.{found.field}"}) for found in field_errors(error, channel)]
    except TemplateProblem as problem:
        field = "content." + problem.field.removeprefix(f"content.{channel.value}.")
        return [FieldError(field=field, problem=problem.problem, message=problem.message)]
    return []


def _content(template: Template) -> tuple[object, list[FieldError]]:
    """What stands on the topic may be older than what a content must be now."""
    name = template.channel.value
    try:
        return getattr(Content.model_validate({name: template.content}), name), []
    except ValidationError as error:
        return None, field_errors(error, name)


def _problem(
    campaign: Campaign, channel: Channel, template_id: str, found: Template | None, library: Library, used: bool
) -> FieldError | None:
    field = f"templates.{channel.value}"
    if found is None:
        own = [each.template_id for each in library.values() if each.brand == campaign.brand]
        guess = difflib.get_close_matches(template_id, own, n=1, cutoff=0.6)
        remedy = f"did you mean '{guess[0]}'?" if guess else "`peal template list` tells which there are"
        return FieldError(
            field=field, problem="unknown_template", message=f"there is no template '{template_id}'; {remedy}"
        )
    if found.channel != channel:
        message = f"'{template_id}' is a template for {found.channel.value}: name one for {channel.value}"
        return FieldError(field=field, problem="wrong_channel", message=message)
    if not used:
        message = f"no step goes out by {channel.value}: add one, or leave the template out"
        return FieldError(field=field, problem="unused", message=message)
    if getattr(campaign.content, channel.value) is not None:
        message = f"content.{channel.value} is given as well: keep one of them"
        return FieldError(field=field, problem="given_twice", message=message)
    return None
