"""Which attributes a template uses, and which of them it cannot do without."""

from __future__ import annotations

from typing import NamedTuple

from liquid import BoundTemplate, RenderContext
from liquid.ast import ConditionalBlockNode, Node
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.tags.case_tag import CaseNode, MultiExpressionBlockNode
from liquid.builtin.tags.if_tag import IfNode
from liquid.builtin.tags.unless_tag import UnlessNode
from liquid.expression import Expression

_CONDITIONAL = (IfNode, UnlessNode, CaseNode, ConditionalBlockNode, MultiExpressionBlockNode)


class Usage(NamedTuple):
    used: frozenset[str]
    required: frozenset[str]
    """Printed or computed with somewhere without a `default`, and not inside a condition that looks at them."""


def usage_of(template: BoundTemplate) -> Usage:
    """Names that the template makes itself (`assign`, `capture`, `for`) are not among them."""
    visitor = _Visitor(RenderContext(template))
    local: set[str] = set()
    for node in template.nodes:
        visitor.node(node, frozenset(), local)
    return Usage(frozenset(visitor.used), frozenset(visitor.required))


class _Visitor:
    def __init__(self, context: RenderContext) -> None:
        self.context, self.used, self.required = context, set[str](), set[str]()

    def node(self, node: Node, guarded: frozenset[str], local: set[str]) -> None:
        conditional = isinstance(node, _CONDITIONAL)
        for expression in node.expressions():
            names = self.expression(expression, guarded, local, needed=not conditional)
            if conditional:
                guarded |= names
        block = {str(name) for name in node.block_scope()}
        inner = local | block
        for child in node.children(self.context):
            self.node(child, guarded, inner)
        local |= inner - block
        local.update(str(name) for name in node.template_scope())

    def expression(
        self, expression: Expression, guarded: frozenset[str], local: set[str], *, needed: bool
    ) -> frozenset[str]:
        """Returns the names that it mentions."""
        if isinstance(expression, Path) and isinstance(head := expression.path[0], str):
            inner = [self.expression(child, guarded, local, needed=needed) for child in expression.children()]
            if head not in local:
                self.used.add(head)
                if needed and head not in guarded:
                    self.required.add(head)
            return frozenset({head}).union(*inner)
        if isinstance(expression, FilteredExpression):
            filters = expression.filters or []
            defaulted = any(each.name == "default" and each.args for each in filters)
            names = self.expression(expression.left, guarded, local, needed=needed and not defaulted)
            for each in filters:
                for child in each.children():
                    names |= self.expression(child, guarded, local, needed=needed)
            return names
        return frozenset().union(
            *[self.expression(child, guarded, local, needed=needed) for child in expression.children()]
        )
