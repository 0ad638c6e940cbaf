"""The charts of docs/simulation.md, from .peal/simulate.json: `python -m simulation.chart`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from simulation.report import NAMES
from simulation.runs import ALL_AT_ONCE, BLIND, OURS, PEAL, REMINDER, alone

IMAGES: Final = Path("docs/images")
WAYS: Final = (alone("email"), alone("whatsapp"), alone("sms"), BLIND, ALL_AT_ONCE, PEAL, REMINDER)
LEFT, WIDTH, RIGHT, ROW, TOP = 260, 420, 250, 30, 74
"""Pixels: the names, the bars, what stands behind them, a line, what stands above."""
STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.quiet { fill: #57606a; font-size: 12px }
.grid { stroke: #d0d7de }
.limit { stroke: #24292f; stroke-dasharray: 4 3 }
.blind { fill: #8c6d1f }
.peal { fill: #0a7d62 }
.joined { stroke: #8c959f; stroke-width: 2 }
.unlawful { fill-opacity: .35 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9aa4af }
  .grid { stroke: #3d444d }
  .limit { stroke: #e6edf3 }
  .blind { fill: #d9b04c }
  .peal { fill: #3ccfa5 }
}
"""


def main(file: Annotated[Path, typer.Option(help="What `make simulate` wrote.")] = Path(".peal/simulate.json")) -> None:
    """Draw the charts anew."""
    found = json.loads(file.read_text())
    IMAGES.mkdir(parents=True, exist_ok=True)
    (IMAGES / "simulation.svg").write_text(ways_chart(found))
    (IMAGES / "simulation-worlds.svg").write_text(worlds_chart(found))


def ways_chart(found: Mapping[str, Any]) -> str:
    """A bar a way: the share of people reached; paler where they had not agreed."""
    people, limit = found["people"], float(found["within_reach_pct"])
    parts = [
        _text(0, 18, f"Who is reached, of {people:,} people", "title"),
        _text(
            0, 38, "Percent to whom something was delivered; pale: only by a channel they had not agreed to", "quiet"
        ),
        _text(LEFT + WIDTH + 10, 62, "messages · sent twice by mistake · $", "quiet"),
        *_grid(len(WAYS)),
    ]
    for number, way in enumerate(WAYS):
        tally, y = found["ways"][way], TOP + number * ROW
        kind = "peal" if way in OURS else "blind"
        lawful, reached = tally["reached_with_consent_pct"], tally["reached_pct"]
        parts += [
            _text(LEFT - 10, y + 17, NAMES[way], anchor="end"),
            _bar(0, lawful, y, kind),
            _bar(lawful, reached, y, f"{kind} unlawful"),
            _text(_x(reached) + 6, y + 17, f"{reached:.1f}"),
            _text(
                LEFT + WIDTH + 60, y + 17,
                f"{tally['calls']:,} · {tally['doubled']:,} · {tally['cost_usd']:,.0f}", "quiet",
            ),
        ]  # fmt: skip
    bottom = TOP + len(WAYS) * ROW
    parts += [
        f'<line class="limit" x1="{_x(limit)}" x2="{_x(limit)}" y1="{TOP - 6}" y2="{bottom}"/>',
        _text(_x(limit), bottom + 34, f"{limit:.1f}: the most that consent and addresses allow", "quiet", "middle"),
    ]
    return _svg("Who is reached, blindly and with Peal", bottom + 46, parts)


def worlds_chart(found: Mapping[str, Any]) -> str:
    """A line a world, from blind to Peal, with the most that is lawful."""
    rows: Sequence[Mapping[str, Any]] = found["sweep"]
    parts = [
        _text(0, 18, "In other worlds", "title"),
        '<circle class="blind" cx="6" cy="34" r="5"/>', _text(18, 38, "one channel a person, blind", "quiet"),
        '<circle class="peal" cx="206" cy="34" r="5"/>', _text(218, 38, "Peal, fallback", "quiet"),
        '<line class="limit" x1="330" x2="330" y1="26" y2="42"/>',
        _text(340, 38, "the most that consent and addresses allow", "quiet"),
        _text(LEFT + WIDTH + 40, 62, "$: blind → Peal", "quiet"),
        *_grid(len(rows)),
    ]  # fmt: skip
    for number, row in enumerate(rows):
        blind, peal, limit = row["blind_reached_pct"], row["peal_reached_pct"], row["within_reach_pct"]
        y = TOP + number * ROW + 12
        parts += [
            _text(LEFT - 10, y + 5, str(row["world"]), anchor="end"),
            f'<line class="joined" x1="{_x(blind)}" x2="{_x(peal)}" y1="{y}" y2="{y}"/>',
            f'<line class="limit" x1="{_x(limit)}" x2="{_x(limit)}" y1="{y - 9}" y2="{y + 9}"/>',
            f'<circle class="blind" cx="{_x(blind)}" cy="{y}" r="6"/>',
            f'<circle class="peal" cx="{_x(peal)}" cy="{y}" r="6"/>',
            _text(LEFT + WIDTH + 40, y + 5, f"{row['blind_cost_usd']:,.0f} → {row['peal_cost_usd']:,.0f}", "quiet"),
        ]
    return _svg("Blind and Peal in other worlds", TOP + len(rows) * ROW + 30, parts)


def _x(percent: float) -> float:
    return round(LEFT + WIDTH * percent / 100, 1)


def _grid(rows: int) -> list[str]:
    bottom = TOP + rows * ROW
    lines = []
    for percent in range(0, 101, 20):
        x = _x(percent)
        lines.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{bottom}"/>')
        lines.append(_text(x, bottom + 16, str(percent), "quiet", "middle"))
    return lines


def _bar(begin: float, end: float, y: int, kind: str) -> str:
    width = max(round(_x(end) - _x(begin), 1), 0)
    return f'<rect class="{kind}" x="{_x(begin)}" y="{y}" width="{width}" height="22"/>'


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    width = LEFT + WIDTH + RIGHT
    inside = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n{inside}\n</svg>\n'
    )


if __name__ == "__main__":
    typer.run(main)
