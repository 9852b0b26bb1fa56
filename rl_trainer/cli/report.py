"""`quartermaster train report`: what came of a training, or of several side by side."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

app = typer.Typer()


@app.command(
    epilog="Examples: quartermaster train report training-laptop | "
    "quartermaster train report grpo=g0 grpo=g1 dapo=d0 dapo=d1 --out compared.md"
)
def report(
    runs: Annotated[
        list[str],
        typer.Argument(help="The folder of a training; several are compared, as RUN or as VARIANT=RUN."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The Markdown file; curves lie beside it.", show_default="RUN/report.md"),
    ] = None,
    metric: Annotated[
        str, typer.Option("--metric", help="Of a comparison: the figure, e.g. evaluation/rollout/turns.")
    ] = "evaluation/pass@1",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; write no file unless --out says so.")] = False,
) -> None:
    """Write a Markdown report with curves; of several runs, seeds together, at equal numbers of rollouts."""
    if len(runs) == 1:
        _one(Path(runs[0]), out, as_json)
    else:
        _several(runs, out, metric, as_json)


def _one(run: Path, out: Path | None, as_json: bool) -> None:
    from rl_trainer.report.writing import report_of, write_report

    if as_json:
        _json(report_of(run))
    if out is not None or not as_json:
        file = write_report(run, out)
        if not as_json:
            typer.echo(str(file))


def _several(runs: list[str], out: Path | None, metric: str, as_json: bool) -> None:
    from rl_trainer.report.writing import compare_runs, write_comparison

    found = compare_runs(runs, metric)
    if as_json:
        _json(found)
    if out is not None or not as_json:
        file = write_comparison(found, out or Path("comparison.md"))
        if not as_json:
            typer.echo(str(file))


def _json(value: Any) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value)).decode())
