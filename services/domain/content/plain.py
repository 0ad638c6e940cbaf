"""Channels that nothing is sent by yet: what their message would say, from the same templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from schemas import Body, Channel, Content
from services.domain.content.compiled import Links, present
from services.domain.content.templates import compile_template


class PlainMessage(NamedTuple):
    title: str
    text: str
    link: str
    image: str


def render_plain(channel: Channel, content: Content, body: Body, name: str, data: Mapping[str, object]) -> PlainMessage:
    """A push message or a social post. Raises `TemplateProblem`, `RenderProblem`."""
    values = present(data)
    links = Links()
    values |= {"unsubscribe_url": links.unsubscribe_url, "preferences_url": links.preferences_url, "link": ""}

    def text(field: str, source: str) -> str:
        return compile_template(field, source).render(values).strip()

    values["link"] = text("body.link", body.link or "")
    if channel is Channel.PUSH:
        push, root = content.push, "content.push"
        return PlainMessage(
            text(f"{root}.title", push.title if push and push.title else name),
            text(f"{root}.message", push.message) if push and push.message else text("body.text", body.text),
            text(f"{root}.link", (push.link if push else None) or body.link or ""),
            text(f"{root}.image", (push.image if push else None) or ""),
        )
    post, root = content.social, "content.social"
    return PlainMessage(
        "",
        text(f"{root}.text", post.text) if post and post.text else text("body.text", body.text),
        text(f"{root}.link", (post.link if post else None) or body.link or ""),
        post.media[0] if post and post.media else "",
    )
