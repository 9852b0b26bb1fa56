"""A comparison as Markdown, and as curves."""

import math

from rl_trainer.report.comparing import DEFAULT_FIGURE, Comparison, Point, Variant
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


def panels_of(found: Comparison) -> tuple[Panel, ...]:
    """The figure by variant, with the interval over seeds where there are several."""
    share = _is_share(found.figure)
    curves = tuple(
        Curve(
            name=variant.name,
            x=tuple(point.rollouts for point in variant.curve),
            y=tuple(point.mean for point in variant.curve),
            low=tuple(point.low for point in variant.curve),
            high=tuple(point.high for point in variant.curve),
            colour=place,
        )
        for place, variant in enumerate(found.variants)
    )
    return (Panel(title=_title(found.figure), curves=curves, unit="share" if share else "number"),)


def to_markdown(found: Comparison, *, curves: str) -> str:
    """The page. curves: the file with the curves, as the page links it."""
    how = (
        f"All figures at {found.budget:,.0f} rollouts, which every run has spent; between two measurements they lie on "
        "the line between them. Intervals: 95 %, Student's t over seeds; for one seed there is none."
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
            _cell(variant, found.figure, share=_is_share(found.figure)),
            "; ".join(f"{path} = {value}" for path, value in variant.settings.items()) or "–",
        )
        for variant in found.variants
    ]
    headers = ("variant", "seeds", "rollouts of all seeds", _title(found.figure), "what sets it apart")
    return table(headers, rows)


def _differences(found: Comparison) -> str:
    if not found.differences:
        return "None: there is one variant, or no seed is in two of them."
    share = _is_share(found.figure)
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
        (_FIGURES[name], *(_cell(variant, name, share=_is_share(name)) for variant in found.variants)) for name in names
    ]
    return table(("figure", *(variant.name for variant in found.variants)), rows) if rows else "None."


def _cell(variant: Variant, figure: str, *, share: bool) -> str:
    point = variant.at_budget.get(figure)
    if point is None:
        return "–"
    form = percent if share else number
    return form(point.mean) + (f" [{form(point.low)}, {form(point.high)}]" if math.isfinite(point.low) else "")


def signed(point: Point, *, share: bool) -> str:
    """A difference with its interval; of shares in percentage points."""
    times, unit = (100, " pp") if share else (1, "")
    said = f"{times * point.mean:+.3g}{unit}"
    if not math.isfinite(point.low):
        return f"{said} (one seed)"
    return f"{said} [{times * point.low:+.3g}, {times * point.high:+.3g}]"


def _title(figure: str) -> str:
    return "pass@1 on held-out tasks" if figure == DEFAULT_FIGURE else figure


def _is_share(figure: str) -> bool:
    return figure in _SHARES or "pass@" in figure or "success" in figure or figure.endswith("/cheat")
