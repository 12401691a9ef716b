"""A chart of medians as SVG: a bar for each row, and a line from quartile to quartile. On a logarithmic scale, since one row takes
a millisecond and another a second.
"""

from __future__ import annotations

import math
from html import escape

from tests.bench.measuring import Result

WIDTH, LABELS, HEIGHT, MARGIN = 960, 430, 22, 34
COLOURS = {"reference": "#9aa5b1", "shim": "#2f6fde", "other": "#d9822b"}
LEGEND = {"reference": "without shim", "shim": "through shim", "other": "the tools' own way to a keyring, and other shims"}

#: In the dark of the reader's system the paper is dark as well.
DARK = (
    '<style>@media (prefers-color-scheme: dark) { rect[fill="white"] { fill: #0d1117; } text { fill: #e6edf3; } text[fill] { fill: #9aa4af; }'
    ' line[stroke="#ddd"] { stroke: #30363d; } line[stroke="black"] { stroke: #e6edf3; } }</style>'
)


def render_chart(results: list[Result]) -> str:
    """Return the SVG text: rows in their order, families apart."""
    low = 10 ** math.floor(math.log10(min(result.quartiles_ms[0] for result in results)))
    high = max(result.quartiles_ms[1] for result in results)

    def across(time_ms: float) -> float:
        return LABELS + (WIDTH - LABELS - 70) * math.log(time_ms / low) / math.log(high / low)

    parts: list[str] = []
    down = MARGIN + 18
    family = results[0].row.family
    for result in results:
        down += 10 if result.row.family != family else 0
        family = result.row.family
        parts.append(_bar(result, down, across, low))
        down += HEIGHT
    ticks = [low * 10**power * step for power in range(6) for step in (1, 2, 5) if low * 10**power * step <= high]
    for tick in ticks:
        parts.insert(0, f'<line x1="{across(tick):.0f}" x2="{across(tick):.0f}" y1="{MARGIN + 12}" y2="{down}" stroke="#ddd"/>')
        parts.append(f'<text x="{across(tick):.0f}" y="{MARGIN + 8}" text-anchor="middle" fill="#666">{tick:g} ms</text>')
    for number, (kind, words) in enumerate(LEGEND.items()):
        left = 10 + number * 150
        parts.append(f'<rect x="{left}" y="8" width="12" height="12" fill="{COLOURS[kind]}"/><text x="{left + 18}" y="18">{words}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {down + 10}" font-family="sans-serif" font-size="12">'
    return "\n".join([head, DARK, f'<rect width="{WIDTH}" height="{down + 10}" fill="white"/>', *parts, "</svg>"]) + "\n"


def kind_of(result: Result) -> str:
    """Return which colour a row has."""
    return "shim" if "shim:" in result.row.name else "reference" if result.row.is_reference else "other"


def _bar(result: Result, down: float, across, low: float) -> str:  # type: ignore[no-untyped-def]
    first, last = (across(time_ms) for time_ms in result.quartiles_ms)
    end, middle = across(result.median_ms), down + HEIGHT / 2
    return (
        f'<text x="{LABELS - 8}" y="{middle + 4:.0f}" text-anchor="end">{escape(result.row.name)}</text>'
        f'<rect x="{across(low):.0f}" y="{down + 3}" width="{end - across(low):.1f}" height="{HEIGHT - 6}" fill="{COLOURS[kind_of(result)]}"/>'
        f'<line x1="{first:.1f}" x2="{last:.1f}" y1="{middle}" y2="{middle}" stroke="black"/>'
        f'<text x="{max(end, last) + 6:.0f}" y="{middle + 4:.0f}">{result.median_ms:.1f}</text>'
    )
