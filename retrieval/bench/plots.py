"""Pictures of what was measured; matplotlib is imported when one is drawn."""

from pathlib import Path
from typing import Any

import numpy as np

from retrieval.bench.figures import SetFigures
from retrieval.bench.grid_report import GridFigures
from retrieval.bench.measured import MEASURES
from retrieval.errors import PlotsMissing

_DOTS_PER_INCH = 110


def require_plots() -> None:
    """Say now, not after an hour of measuring, that nothing can be drawn.

    Raises:
        PlotsMissing: matplotlib is not installed.
    """
    _figure((1.0, 1.0))


def draw_set(figures: SetFigures, path: Path) -> None:
    """Bars with their intervals as a PNG: a panel a measure, a group a depth, a colour a strategy."""
    canvas = _figure((12.0, 7.0))
    panels = canvas.subplots(2, 2, sharey=True)
    width = 0.8 / len(figures.strategies)
    places = np.arange(len(figures.depths))
    for panel, name in zip(panels.flat, MEASURES, strict=True):
        for number, each in enumerate(figures.strategies):
            cells = [each.means[name][k] for k in figures.depths]
            means = np.array([cell.mean for cell in cells])
            # A percentile interval of very skewed figures may lie beside the mean; a bar's whisker cannot.
            whiskers = np.maximum(0, [means - [c.low for c in cells], [c.high for c in cells] - means])
            left = places + (number - (len(figures.strategies) - 1) / 2) * width
            panel.bar(left, means, width, yerr=whiskers, label=each.strategy, error_kw={"elinewidth": 1})
        panel.set_title(name)
        panel.set_xticks(places, [f"@{k}" for k in figures.depths])
        panel.set_ylim(0, 1)
        panel.grid(axis="y", alpha=0.3)
    handles, labels = panels.flat[0].get_legend_handles_labels()
    canvas.legend(handles, labels, loc="outside lower center", ncols=6)
    canvas.suptitle(f"{figures.name}: {figures.queries:,} queries over {figures.tools:,} tools, 95 % intervals")
    canvas.savefig(path, dpi=_DOTS_PER_INCH)


def draw_grid(figures: GridFigures, path: Path) -> None:
    """Heat maps of shares from 0 to 1 as a PNG: a panel a series, a column a number of servers."""
    grid = figures.grid
    canvas = _figure((13.0, 1.0 + 3.2 * len(figures.series)))
    panels = canvas.subplots(len(figures.series), 1, squeeze=False)[:, 0]
    image: Any = None
    for panel, each in zip(panels, figures.series, strict=True):
        image = panel.imshow(each.values.mean(axis=2), vmin=0, vmax=1, cmap="RdYlGn", aspect="auto")
        panel.set_title(each.label)
        panel.set_xticks(range(len(grid.counts)), [f"{count}" for count in grid.counts], rotation=90, fontsize="small")
        panel.set_yticks(range(len(grid.rows)), grid.rows, fontsize="small")
    canvas.colorbar(image, ax=list(panels), fraction=0.02, pad=0.01)
    canvas.suptitle(f"{figures.title}: share of tasks, by number of servers")
    canvas.savefig(path, dpi=_DOTS_PER_INCH)


def _figure(inches: tuple[float, float]) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PlotsMissing(
            "the plots need matplotlib, which is not installed: pip install 'quartermaster[bench]', "
            "or leave them out with --no-plots"
        ) from error
    return Figure(figsize=inches, layout="constrained")
