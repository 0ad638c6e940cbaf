"""What people get to read: compiled once a campaign, rendered for each person, on each channel in its own way. Pure."""

from services.domain.content.addresses import country_of, valid_address
from services.domain.content.checking import Finding, findings, follows_body, sources_of
from services.domain.content.compiled import (
    SPECIAL_NAMES,
    Compiled,
    CompiledEmail,
    CompiledSms,
    CompiledWhatsapp,
    Links,
    Rendered,
    RenderedEmail,
    RenderedSms,
    RenderedWhatsapp,
    TrackedLinks,
    present,
    render,
)
from services.domain.content.compiling import Footer, compile_content, content_for
from services.domain.content.cost import message_cost, unit_price
from services.domain.content.looks import look_of
from services.domain.content.plain import PlainMessage, render_plain
from services.domain.content.problems import RenderProblem, TemplateProblem
from services.domain.content.segments import Segments, sms_segments
from services.domain.content.substitutions import Substitutions, as_substitutions

__all__ = [
    "SPECIAL_NAMES", "Compiled", "CompiledEmail", "CompiledSms", "CompiledWhatsapp", "Finding", "Footer", "Links",
    "PlainMessage", "RenderProblem", "Rendered", "RenderedEmail", "RenderedSms", "RenderedWhatsapp", "Segments",
    "Substitutions", "TemplateProblem", "TrackedLinks", "as_substitutions", "compile_content", "content_for",
    "country_of", "findings", "follows_body", "look_of", "message_cost", "present", "render", "render_plain",
    "sms_segments", "sources_of", "unit_price", "valid_address",
]  # fmt: skip
