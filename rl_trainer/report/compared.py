"""A comparison as Markdown, and as curves."""

import math
from collections.abc import Mapping, Sequence

from rl_trainer.report.comparing import ALSO, DEFAULT_FIGURE, Comparison, Point, Variant
from rl_trainer.report.curves import Curve, Panel
from rl_trainer.report.markdown import number, one_line, percent, table

_SHARES = ("evaluation/pass@1", "evaluation/rollout/tested_before_submit", "evaluation/rollout/malformed")
_FIGURES = {
    "evaluation/pass@1": "pass@1",
    "evaluation/rollout/turns": "turns",
    "evaluation/rollout/tokens": "tokens",
    "evaluation/rollout/tested_before_submit": "tested first",
    "evaluation/rollout/malformed": "malformed",
    "evaluation/rollout/cheat": "cheats",
}
_KIND = "evaluation/success/"
_MOST_SETTINGS = 6


def panels_of(found: Comparison) -> tuple[Panel, ...]:
    """The figure by variant, with the interval over seeds where there are several; then what it was bought with."""
    also = dict.fromkeys(name for variant in found.variants for name in variant.also)
    curves = {found.figure: [variant.curve for variant in found.variants]}
    curves |= {name: [variant.also.get(name, ()) for variant in found.variants] for name in also}
    names = [variant.name for variant in found.variants]
    return tuple(_panel(figure, names, points) for figure, points in curves.items())


def _panel(figure: str, names: Sequence[str], points: Sequence[Sequence[Point]]) -> Panel:
    share = is_share(figure)
    curves: list[Curve] = []
    for place, (name, own) in enumerate(zip(names, points, strict=True)):
        sides = [within(each, share=share) for each in own]
        x, y = tuple(each.rollouts for each in own), tuple(each.mean for each in own)
        low, high = tuple(each for each, _ in sides), tuple(each for _, each in sides)
        curves.append(Curve(name=name, x=x, y=y, low=low, high=high, colour=place))
    return Panel(title=_title(figure), curves=tuple(curves), unit="share" if share else "number")


def within(point: Point, *, share: bool) -> tuple[float, float]:
    """The interval; of a share no lower than 0 and no higher than 1, where the true one cannot lie."""
    if not share or not math.isfinite(point.low):
        return point.low, point.high
    return max(0.0, point.low), min(1.0, point.high)


def to_markdown(found: Comparison, *, curves: str) -> str:
    """The page. curves: the file with the curves, as the page links it."""
    how = (
        f"All figures at {found.budget:,.0f} rollouts, which every run has spent; between two measurements they lie on "
        "the line between them. Intervals: 95 %, Student's t over seeds; cut where a share cannot "
        "lie. One seed has none."
    )
    parts = [
        f"# {one_line(_title(found.figure))} at equal budgets",
        how,
        f"![curves]({curves})",
        "## Variants",
        _variants(found),
        "## Paired differences",
        _differences(found),
        "## Other figures at that budget",
        _others(found),
    ]
    kinds = sorted({name for variant in found.variants for name in variant.at_budget if name.startswith(_KIND)})
    if kinds:
        rows = [
            (name.removeprefix(_KIND), *(_cell(variant, name, share=True) for variant in found.variants))
            for name in kinds
        ]
        headers = ("kind", *(variant.name for variant in found.variants))
        parts += ["## Success by kind at that budget", table(headers, rows)]
    return "\n\n".join(parts) + "\n"


def _variants(found: Comparison) -> str:
    rows = [
        (
            variant.name,
            ", ".join(map(str, variant.seeds)),
            f"{variant.curve[-1].rollouts:,.0f}",
            _cell(variant, found.figure, share=is_share(found.figure)),
            _apart(variant.settings),
        )
        for variant in found.variants
    ]
    headers = ("variant", "seeds", "rollouts of all seeds", _title(found.figure), "what sets it apart")
    return table(headers, rows)


def _apart(settings: Mapping[str, str]) -> str:
    """The settings that only this variant has, so far as anybody would read them."""
    told = [f"{path} = {value}" for path, value in settings.items()]
    more = [] if len(told) <= _MOST_SETTINGS else [f"and {len(told) - _MOST_SETTINGS} more (recipe.json)"]
    return "; ".join([*told[:_MOST_SETTINGS], *more]) or "–"


def _differences(found: Comparison) -> str:
    if not found.differences:
        return "None: there is one variant, or no seed is in two of them."
    share = is_share(found.figure)
    rows = [
        (
            f"{each.variant} - {each.against}",
            ", ".join(map(str, each.seeds)),
            signed(each.at_budget, share=share),
            signed(each.along, share=share),
        )
        for each in found.differences
    ]
    note = "A difference whose interval holds 0 is not one that these seeds can show."
    headers = ("difference", "seeds in both", "at the budget", "mean over all budgets up to it")
    return f"{table(headers, rows)}\n\n{note}"


def _others(found: Comparison) -> str:
    names = [name for name in _FIGURES if any(name in variant.at_budget for variant in found.variants)]
    rows = [
        (_FIGURES[name], *(_cell(variant, name, share=is_share(name)) for variant in found.variants)) for name in names
    ]
    return table(("figure", *(variant.name for variant in found.variants)), rows) if rows else "None."


def _cell(variant: Variant, figure: str, *, share: bool) -> str:
    point = variant.at_budget.get(figure)
    if point is None:
        return "–"
    form = percent if share else number
    low, high = within(point, share=share)
    return form(point.mean) + (f" [{form(low)}, {form(high)}]" if math.isfinite(low) else "")


def signed(point: Point, *, share: bool) -> str:
    """A difference with its interval; of shares in percentage points."""
    times, unit = (100, " pp") if share else (1, "")
    said = f"{times * point.mean:+.3g}{unit}"
    if not math.isfinite(point.low):
        return f"{said} (one seed)"
    return f"{said} [{times * point.low:+.3g}, {times * point.high:+.3g}]"


def _title(figure: str) -> str:
    words = {DEFAULT_FIGURE: "pass@1 on held-out tasks", ALSO[0]: "turns of a run", ALSO[1]: "tested before submitting"}
    return words.get(figure, figure)


def is_share(figure: str) -> bool:
    """Whether a figure lies between 0 and 1."""
    return figure in _SHARES or "pass@" in figure or "success" in figure or figure.endswith("/cheat")
