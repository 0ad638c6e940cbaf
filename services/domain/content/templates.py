"""Liquid, held on a short lead: no files, no includes, bounded loops and output; compiled once, rendered for thousands.

The limits are python-liquid's own (`Environment.loop_iteration_limit` and its neighbours). A template without control
flow is rendered by joining its parts, which is several times faster than the general way and gives the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

from liquid import BoundTemplate, Environment
from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path, StringLiteral
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError
from liquid.stringify import to_liquid_string

from services.domain.content.limits import BoundedTemplate, bind, bounded, too_long
from services.domain.content.problems import RenderProblem, TemplateProblem
from services.domain.content.usage import Usage, usage_of

_FORBIDDEN_TAGS = ("include", "render", "liquid", "tablerow", "increment", "decrement", "ifchanged", "doc")
_FORBIDDEN_FILTERS = ("safe",)

Data = Mapping[str, object]
Value = Callable[[Data], str]
"""Gives the text of one `{{ ... }}` for one person."""


class _Environment(Environment):
    block_nesting_limit = 10
    context_depth_limit = 12
    loop_iteration_limit = 1_000
    local_namespace_limit = 100_000
    output_stream_limit = 1_000_000
    template_class = BoundedTemplate

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for tag in _FORBIDDEN_TAGS:
            del self.tags[tag]
        for name in _FORBIDDEN_FILTERS:
            del self.filters[name]
        self.filters = {name: bounded(name, function) for name, function in self.filters.items()}


PLAIN: Final = _Environment()
HTML: Final = _Environment(autoescape=True)


class Template:
    """One compiled text. `field` is where its author finds it, such as `content.sms.text`."""

    def __init__(self, field: str, bound: BoundTemplate) -> None:
        self.field, self.bound, self.nodes = field, bound, bound.nodes
        self.usage: Usage = usage_of(bound)
        self.parts: list[str | Value] | None = _parts(bound)
        """Texts and values to join; None where there is control flow."""

    def render(self, data: Data) -> str:
        """Raises `RenderProblem` where this person's data do not fit (a text where a number is demanded)."""
        if self.parts is not None:
            return unix_lines("".join([part if isinstance(part, str) else part(data) for part in self.parts]))
        return render_bound(self.field, self.bound, data)


def compile_template(field: str, source: str, *, html: bool = False) -> Template:
    """Raises `TemplateProblem` with the place of what is wrong. `html`: values are escaped for HTML."""
    if problem := too_long(source):
        raise TemplateProblem(field, "too_long", problem)
    environment = HTML if html else PLAIN
    try:
        bound = environment.from_string(source)
        _check_filters(environment, bound)
        bind(bound)
        bound.render()  # finds what only shows when it runs, such as a filter that lacks its argument
    except LiquidError as error:
        raise _problem(field, source, error) from None
    except RecursionError:
        raise TemplateProblem(field, "broken_template", "the template is nested too deeply") from None
    except (ArithmeticError, ValueError, TypeError) as error:
        raise TemplateProblem(field, "broken_template", f"it cannot be rendered: {error}") from None
    return Template(field, bound)


def render_bound(field: str, bound: BoundTemplate, data: Data) -> str:
    try:
        return bound.render(data)
    except LiquidError as error:
        raise RenderProblem(field, str(error.message)) from None
    except (ArithmeticError, ValueError, TypeError, RecursionError) as error:
        raise RenderProblem(field, str(error)) from None


def _check_filters(environment: Environment, bound: BoundTemplate) -> None:
    for name, spans in bound.analyze(include_partials=False).filters.items():
        if name not in environment.filters:
            raise _UnknownFilterError(name, spans[0].index)


class _UnknownFilterError(LiquidError):
    def __init__(self, name: str, index: int) -> None:
        super().__init__(f"there is no filter '{name}'", token=None)
        self.index = index


def _problem(field: str, source: str, error: LiquidError) -> TemplateProblem:
    message = str(error.message)
    if isinstance(error, _UnknownFilterError):
        index = error.index
    elif error.token is not None and error.token.start_index >= 0:
        index = error.token.start_index
    else:
        index = len(source)
    message = message.replace("found end of expression", "found the end of the text").replace(
        "expected tag end", "a block is not closed: expected tag end"
    )
    line = source.count("\n", 0, index) + 1
    column = index - (source.rfind("\n", 0, index) + 1) + 1
    text = f"line {line}, column {column}: {message}"
    return TemplateProblem(field, "broken_template", text, line, column)


def _parts(bound: BoundTemplate) -> list[str | Value] | None:
    parts: list[str | Value] = []
    for node in bound.nodes:
        if isinstance(node, ContentNode):
            parts.append(node.text)
        elif isinstance(node, OutputNode):
            parts.append(value_of(bound.env, node))
        else:
            return None
    return parts


def value_of(environment: Environment, node: OutputNode) -> Value:
    """The quickest function that gives what this node would print."""
    plain = _plain_value(environment.autoescape, node)
    if plain is not None:
        return plain
    alone = environment.template_class(environment, cast(list[Node], [node]))
    return lambda data: render_bound(str(node), alone, data)


def _plain_value(autoescape: bool, node: OutputNode) -> Value | None:
    """`{{ name }}` and `{{ name | default: "text" }}`, without Liquid's machinery."""
    expression = node.expression
    if not isinstance(expression, FilteredExpression) or not isinstance(expression.left, Path):
        return None
    path, filters = expression.left.path, expression.filters or []
    if len(path) != 1 or not isinstance(path[0], str):
        return None
    name, fallback = path[0], ""
    if filters:
        given = _default_text(filters)
        if given is None:
            return None
        fallback = given

    def value(data: Data) -> str:
        found: Any = data.get(name)
        if found is None or found == "" or (filters and found is False):
            return fallback  # as its author wrote it: Liquid escapes data, not literals
        return unix_lines(str(to_liquid_string(found, autoescape)))

    return value


def unix_lines(text: str) -> str:
    """Line ends as Liquid's own output buffer leaves them."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _default_text(filters: Iterable[Any]) -> str | None:
    found = list(filters)
    if len(found) != 1 or found[0].name != "default" or len(found[0].args) != 1:
        return None
    literal = found[0].args[0].value
    name = getattr(found[0].args[0], "name", None)
    return str(literal.value) if isinstance(literal, StringLiteral) and name is None else None
