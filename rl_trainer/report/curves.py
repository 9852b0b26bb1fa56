"""`draw`: small panels of curves as one SVG file that needs nothing: no script, no font, no style sheet."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from rl_trainer.report.axes import Axis, label, ticks

WIDTH, HEIGHT = 380, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 24, 34
_LINE = 15
_LETTER = 5.9
"""About the width of a letter at 11 pixels: enough to know when a legend needs another line."""

_STYLE = """
.paper { fill: #fff }
text { font: 11px system-ui, sans-serif; fill: #3b4654 }
.t { font-weight: 600; fill: #1b2430 }
.g { stroke: #e3e7ec }
.c { fill: none; stroke-width: 1.7; stroke-linejoin: round }
.b { opacity: .16; stroke: none }
.k0 { stroke: #0072b2; fill: #0072b2 } .k1 { stroke: #d55e00; fill: #d55e00 } .k2 { stroke: #009e73; fill: #009e73 }
.k3 { stroke: #cc79a7; fill: #cc79a7 } .k4 { stroke: #b98600; fill: #b98600 } .k5 { stroke: #4aa8dc; fill: #4aa8dc }
.k6 { stroke: #7a7a7a; fill: #7a7a7a } .c.c { fill: none } .b.b { stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #aab4c2 } .t { fill: #e3e8ef } .g { stroke: #313a48 } .paper { fill: #14181f }
  .k0 { stroke: #5cb0e6; fill: #5cb0e6 } .k1 { stroke: #f28a4b; fill: #f28a4b } .k2 { stroke: #3fc79a; fill: #3fc79a }
  .k4 { stroke: #e6b422; fill: #e6b422 }
}
"""
"""Colours that are told apart without red and green (Okabe and Ito, 2008), a little darker on white."""
_COLOURS = 7
_LOW = 0.3
"""Shares that stay below it are drawn without the empty room up to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points in the order of x; a value that is no number is a gap. low, high: an interval around each, or nothing.

    dots: the points are measurements far apart, and are marked.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    dots: bool = False
    colour: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Curves with one pair of axes. unit share: from 0 to 1, written in percent."""

    title: str
    curves: tuple[Curve, ...]
    x_title: str = "rollouts"
    unit: Literal["share", "number"] = "number"


def draw(panels: Sequence[Panel], *, columns: int = 3, about: str = "") -> str:
    """The SVG of the panels, in rows; light or dark as the reader's machine is.

    Example:
        draw([Panel(title="success", curves=(Curve(name="run", x=(0, 64), y=(0.2, 0.4)),), unit="share")])
    """
    columns = max(1, min(columns, len(panels)))
    width, height = columns * WIDTH, -(-len(panels) // columns) * HEIGHT
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(about or ', '.join(panel.title for panel in panels))}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
    ]
    for place, panel in enumerate(panels):
        parts.append(f'<g transform="translate({place % columns * WIDTH},{place // columns * HEIGHT})">')
        parts += _panel(panel)
        parts.append("</g>")
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def _panel(panel: Panel) -> list[str]:
    legend = _legend(panel)
    top = _TOP + _LINE * (max((line for line, _, _ in legend), default=-1) + 1)
    x, y = _axes(panel, top)
    out = [f'<text class="t" x="{_LEFT}" y="16">{escape(panel.title)}</text>']
    for line, at, place in legend:
        curve, height = panel.curves[place], _TOP + _LINE * line + 6
        out.append(f'<rect class="{_colour(panel, place)}" x="{at}" y="{height - 7}" width="9" height="7"/>')
        out.append(f'<text x="{at + 13}" y="{height}">{escape(curve.name)}</text>')
    out += _grid(panel, x, y, top)
    for place, curve in enumerate(panel.curves):
        out += _curve(curve, _colour(panel, place), x, y)
    if not any(map(_finite, (value for curve in panel.curves for value in curve.y))):
        out.append(f'<text x="{WIDTH // 2}" y="{HEIGHT // 2}" text-anchor="middle">not measured</text>')
    return out


def _axes(panel: Panel, top: int) -> tuple[Axis, Axis]:
    xs = [value for curve in panel.curves for value in curve.x if _finite(value)]
    ys = [value for curve in panel.curves for value in (*curve.y, *curve.low, *curve.high) if _finite(value)]
    if panel.unit == "share":
        ys += [0.0, 1.0 if max(ys, default=1.0) > _LOW else 0.0]
    x = Axis.over([0.0, *xs], _LEFT, WIDTH - _RIGHT, snug=True)
    return x, Axis.over(ys, HEIGHT - _BOTTOM, top)


def _grid(panel: Panel, x: Axis, y: Axis, top: int) -> list[str]:
    out: list[str] = []
    for value in ticks(y.low, y.high, 4):
        at = y(value)
        text = f"{label(100 * value)} %" if panel.unit == "share" else label(value)
        out.append(f'<path class="g" d="M{_LEFT} {at:.1f}H{WIDTH - _RIGHT}"/>')
        out.append(f'<text x="{_LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{text}</text>')
    below = HEIGHT - _BOTTOM + 14
    out += [
        f'<text x="{x(value):.1f}" y="{below}" text-anchor="middle">{label(value)}</text>'
        for value in ticks(x.low, x.high, 5)
    ]
    middle = (_LEFT + WIDTH - _RIGHT) // 2
    out.append(f'<text x="{middle}" y="{HEIGHT - 6}" text-anchor="middle">{escape(panel.x_title)}</text>')
    return out


def _curve(curve: Curve, colour: str, x: Axis, y: Axis) -> list[str]:
    out: list[str] = []
    if curve.low and curve.high:
        band = [
            (a, low, high)
            for a, low, high in zip(curve.x, curve.low, curve.high, strict=True)
            if _finite(low) and _finite(high)
        ]
        edge = [f"{x(a):.1f},{y(high):.1f}" for a, _, high in band]
        edge += [f"{x(a):.1f},{y(low):.1f}" for a, low, _ in reversed(band)]
        if band:
            out.append(f'<polygon class="b {colour}" points="{" ".join(edge)}"/>')
    path, pen = "", "M"
    for a, b in zip(curve.x, curve.y, strict=True):
        if not _finite(b):
            pen = "M"
            continue
        path += f"{pen}{x(a):.1f} {y(b):.1f}"
        pen = "L"
        if curve.dots:
            out.append(f'<circle class="{colour}" cx="{x(a):.1f}" cy="{y(b):.1f}" r="2.4"/>')
    if path:
        out.append(f'<path class="c {colour}" d="{path}"/>')
    return out


def _legend(panel: Panel) -> list[tuple[int, float, int]]:
    """(line, x, place of the curve) of every entry; nothing where the title says it all."""
    if len(panel.curves) < 2:
        return []
    out: list[tuple[int, float, int]] = []
    line, at = 0, float(_LEFT)
    for place, curve in enumerate(panel.curves):
        width = 24 + _LETTER * len(curve.name)
        if at + width > WIDTH - _RIGHT and at > _LEFT:
            line, at = line + 1, float(_LEFT)
        out.append((line, round(at, 1), place))
        at += width
    return out


def _colour(panel: Panel, place: int) -> str:
    own = panel.curves[place].colour
    return f"k{(place if own is None else own) % _COLOURS}"


def _finite(value: float) -> bool:
    return math.isfinite(value)
