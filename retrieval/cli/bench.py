"""`quartermaster bench`: how well tools are found, measured."""

import typer

from retrieval.cli.bench_retrieval import retrieval
from retrieval.cli.bench_stress import stress
from retrieval.strategies.opened import STRATEGIES

app = typer.Typer(no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Measure how well tools are found, on labelled data (docs/bench-retrieval.md has the files)."""


app.command(
    epilog="Examples: quartermaster bench retrieval metatool --data labelled | quartermaster bench retrieval "
    "--data labelled --strategy bm25 --strategy hybrid --sample 200 --out report"
)(retrieval)

app.command(
    epilog="Examples: quartermaster bench stress --data labelled --out report | quartermaster bench stress "
    "--data labelled --strategy bm25 --counts 1,11,111,1111"
)(stress)


@app.command(epilog="Example: quartermaster bench strategies")
def strategies() -> None:
    """The strategies that can be measured, with a line each."""
    for name, line in STRATEGIES.items():
        typer.echo(f"{name:<22} {line}")
