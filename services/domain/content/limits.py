"""How much work a template may ask for: else a line of Liquid takes all memory, or the processor for hours.

python-liquid bounds the output, the variables and each nest of loops. What it leaves open is bounded here: what one
filter makes (`replace` in a chain, `join` of a range), what the filters of a rendering do together, and how much stands
in loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Final

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags.for_tag import ForNode
from liquid.exceptions import FilterArgumentError, LiquidError, LiquidSyntaxError, LoopIterationLimitError
from liquid.expression import Expression

LONGEST_TEMPLATE: Final = 500_000
"""Characters, style sheets inlined; mailboxes cut a mail off at a fifth of it."""
MOST_LIQUID: Final = 10_000
"""Tags, placeholders and filters: reading more takes seconds."""
LARGEST_TEXT: Final = 100_000
"""Characters that a filter may make."""
LARGEST_LIST: Final = 2_000
LARGEST_NUMBER: Final = 10_000
"""Bits: fewer than the digits that Python is ready to print."""
MOST_WORK: Final = 50_000
"""Of all filters of a rendering, each of them 1, and 1 more per 1,000 characters or per entry of a list: about 1 s."""
MOST_IN_LOOPS: Final = 1_000
"""Tags, placeholders and parts of these inside of loops, which may go round 1,000 times."""

Filter = Callable[..., object]


class CountingContext(RenderContext):
    """Adds up what the filters of one rendering do."""

    __slots__ = ("work",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.work = 0

    def spend(self, name: str, work: int) -> None:
        self.work += work
        if self.work > MOST_WORK:
            raise FilterArgumentError(f"{name}: the filters of this text have too much to do", token=None)


class BoundedTemplate(BoundTemplate):
    context_class = CountingContext


class BoundedRange(RangeLiteral):
    """Refused before a loop turns it round or skips along it, which it would do entry by entry."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made = super()._make_range(start, stop)
        if made.stop - made.start > LARGEST_LIST:
            raise LoopIterationLimitError("loop iteration limit reached", token=None)
        return made


def bounded(name: str, function: Filter) -> Filter:
    """The same filter, which refuses what is too large, and fails with nothing but Liquid's own errors."""
    wants_context = getattr(function, "with_context", False)

    @wraps(function)
    def bounded_filter(value: object, *args: object, context: CountingContext, **named: object) -> object:
        context.spend(name, 1 + sum(_work(each) for each in (value, *args)))
        _check(name, value)
        if (size := _made(name, value, args)) > LARGEST_TEXT:
            raise FilterArgumentError(f"{name}: would make a text of {size} characters", token=None)
        if wants_context:
            named["context"] = context
        try:
            made = function(value, *args, **named)
        except LiquidError:
            raise
        except Exception as error:  # of any kind: filters trust their arguments
            raise FilterArgumentError(f"{name}: {error}", token=None) from None
        _check(name, made)
        return made

    bounded_filter.with_context = True  # type: ignore[attr-defined]
    return bounded_filter


def _work(value: object) -> int:
    return len(value) // 1_000 if isinstance(value, str) else len(value) if isinstance(value, list | tuple) else 0


def _made(name: str, value: object, args: tuple[object, ...]) -> int:
    """Characters that these filters are going to make, where that is more than what goes in."""
    if name == "join" and isinstance(value, list | tuple):
        separator = len(args[0]) if args and isinstance(args[0], str) else 1
        return sum(separator + (len(item) if isinstance(item, str) else 1) for item in value)
    if name == "replace" and len(args) == 2:
        text, old, new = str(value), str(args[0]), str(args[1])
        return len(text) + text.count(old) * len(new)
    return 0


def _check(name: str, value: object) -> None:
    if isinstance(value, str) and len(value) > LARGEST_TEXT:
        raise FilterArgumentError(f"{name}: a text of more than {LARGEST_TEXT} characters", token=None)
    if isinstance(value, list | tuple) and len(value) > LARGEST_LIST:
        raise FilterArgumentError(f"{name}: a list of more than {LARGEST_LIST} entries", token=None)
    if isinstance(value, int) and value.bit_length() > LARGEST_NUMBER:
        raise FilterArgumentError(f"{name}: a number of more than 3,000 digits", token=None)


def too_long(source: str) -> str:
    """What is too much of a source that was not read yet; else empty."""
    if len(source) > LONGEST_TEMPLATE:
        return f"{len(source)} characters; at most {LONGEST_TEMPLATE} can be used"
    liquid = source.count("{{") + source.count("{%") + source.count("|")
    return f"{liquid} tags, placeholders and filters; at most {MOST_LIQUID} can be used" * (liquid > MOST_LIQUID)


def bind(template: BoundTemplate) -> None:
    """Put bounds to a template's loops. Raises `LiquidSyntaxError` where too much stands in them."""
    context, inside = RenderContext(template), 0
    for node, depth, ranged in _nodes(template.nodes, context, 0):
        parts = [part for expression in ranged for part in _parts(expression)]
        if any(isinstance(part, RangeLiteral) for part in parts):
            raise LiquidSyntaxError("a range (1..9) is for loops alone", token=node.token)
        inside += (1 + len(parts)) * bool(depth)
        if inside > MOST_IN_LOOPS:
            raise LiquidSyntaxError(f"more than {MOST_IN_LOOPS} tags and placeholders in loops", token=node.token)
        if isinstance(node, ForNode) and isinstance(ends := node.expression.iterable, RangeLiteral):
            node.expression.iterable = BoundedRange(ends.token, ends.start, ends.stop)


def _nodes(
    nodes: Iterator[Node] | list[Node], context: RenderContext, depth: int
) -> Iterator[tuple[Node, int, list[Expression]]]:
    """Each node, how many loops it is in, and its expressions where a range is out of place."""
    for node in nodes:
        expressions = list(node.expressions())
        loop = isinstance(node, ForNode)
        if loop:
            expressions = [
                child
                for expression in expressions
                for child in (expression.children())
                if not isinstance(child, RangeLiteral)
            ]
        yield node, depth, expressions
        yield from _nodes(list(node.children(context)), context, depth + loop)


def _parts(expression: Expression) -> Iterator[Expression]:
    yield expression
    for child in expression.children():
        yield from _parts(child)
