"""Which series a PromQL query asks for, by which labels; and which ones the services declare."""

from __future__ import annotations

from dataclasses import dataclass

import promql_parser
from prometheus_client import Counter, Histogram
from prometheus_client.metrics import MetricWrapperBase

from services.runtime import metrics

OF_PROMETHEUS = {"up": frozenset[str]()}
TARGET_LABELS = frozenset({"job", "instance"})
"""Added to every series by whoever scrapes it."""


@dataclass(frozen=True)
class Selector:
    metric: str
    labels: frozenset[str]
    """Those that are matched, and those by which what comes of it is grouped or joined."""
    values: frozenset[tuple[str, str]]
    """(label, value or regular expression) of the matchers."""


def selectors(query: str) -> list[Selector]:
    """Raises ValueError where the query is not PromQL."""
    found: list[Selector] = []
    around: list[list[str]] = []

    def enter(node: object) -> None:
        around.append(_grouping(node))
        if isinstance(node, promql_parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql_parser.VectorSelector):
            matchers = [m for m in node.matchers.matchers if m.name != "__name__"]
            labels = frozenset(m.name for m in matchers) | {label for labels in around for label in labels}
            found.append(Selector(node.name or "", labels, frozenset((m.name, m.value) for m in matchers)))

    def leave(_node: object) -> None:
        around.pop()

    promql_parser.walk(promql_parser.parse(query), enter, leave)
    return found


def _grouping(node: object) -> list[str]:
    if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
        return list(node.modifier.labels)
    if isinstance(node, promql_parser.BinaryExpr) and node.modifier and node.modifier.matching:
        return list(node.modifier.matching.labels)
    return []


def declared() -> dict[str, frozenset[str]]:
    """Name -> labels of every series that services may expose, by services/runtime/metrics.py."""
    series = dict(OF_PROMETHEUS)
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            name, labels = metric._name, frozenset(metric._labelnames)
            if isinstance(metric, Histogram):
                series |= {f"{name}_sum": labels, f"{name}_count": labels, f"{name}_bucket": labels | {"le"}}
            else:
                series[f"{name}_total" if isinstance(metric, Counter) else name] = labels
    return series
