"""A picture of lines on logarithmic axes, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 460, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 110, 40, 48
_COLOURS = ("#c0392b", "#e08e0b", "#1e8449", "#5d6d7e", "#2e4a7d")

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines by name; all values must be positive."""

    title: str
    across: str
    up: str
    lines: Mapping[str, Points]


def draw(panels: Sequence[Panel]) -> str:
    """Return the panels side by side."""
    width = _WIDTH * len(panels)
    size = f'width="{width}" height="{_HEIGHT}"'
    look = f'viewBox="0 0 {width} {_HEIGHT}" font-family="sans-serif" font-size="11"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {look}>',
        f'<rect width="{width}" height="{_HEIGHT}" fill="white"/>',
    ]
    for index, panel in enumerate(panels):
        parts += [f'<g transform="translate({index * _WIDTH} 0)">', *_panel(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Axis:
    """Places values between two decades on so many pixels, from ``start`` on."""

    low: int
    high: int
    start: float
    length: float

    def at(self, value: float) -> float:
        """Return the place of a value."""
        return self.start + self.length * (math.log10(value) - self.low) / (self.high - self.low)

    def decades(self) -> list[float]:
        """Return the values that get a mark."""
        return [10.0**power for power in range(self.low, self.high + 1)]


def _axis(values: Sequence[float], start: float, length: float) -> _Axis:
    low = math.floor(math.log10(min(values)))
    return _Axis(low, max(low + 1, math.ceil(math.log10(max(values)))), start, length)


def _panel(panel: Panel) -> list[str]:
    points = [point for line in panel.lines.values() for point in line]
    bottom = _HEIGHT - _BOTTOM
    across = _axis([x for x, _ in points], _LEFT, _WIDTH - _LEFT - _RIGHT)
    up = _axis([y for _, y in points], bottom, -(bottom - _TOP))
    end = _WIDTH - _RIGHT
    middle = (_TOP + bottom) / 2
    parts = [
        _text(_LEFT, 20, panel.title, "start", "bold"),
        _text((_LEFT + end) / 2, _HEIGHT - 10, panel.across, "middle"),
        f'<g transform="rotate(-90 14 {middle})">{_text(14, middle, panel.up, "middle")}</g>',
    ]
    for value in up.decades():
        y = up.at(value)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{end}" stroke="#ddd"/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{value:,.0f}", "end"))
    for value in across.decades():
        x = across.at(value)
        parts.append(f'<path d="M{x:.1f} {_TOP}V{bottom}" stroke="#ddd"/>')
        parts.append(_text(x, bottom + 16, f"{value:,.0f}", "middle"))
    for colour, (name, line) in zip(_COLOURS, panel.lines.items(), strict=False):
        parts += _line(name, [(across.at(x), up.at(y)) for x, y in line], colour)
    return parts


def _line(name: str, places: Points, colour: str) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    last_x, last_y = places[-1]
    dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    label = f'<text x="{last_x + 8:.1f}" y="{last_y + 4:.1f}" fill="{colour}">{escape(name)}</text>'
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *dots,
        label,
    ]


def _text(x: float, y: float, text: str, anchor: str, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )
