"""`quartermaster bench retrieval`: strategies on labelled sets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from retrieval.bench.conditions import machine
from retrieval.bench.figures import SetFigures, figures_of
from retrieval.bench.labelled import LabelledSet, only, read_labelled_set, sample, set_names
from retrieval.bench.measured import Measured, estimated_tokens, measure
from retrieval.bench.plots import draw_set, require_plots
from retrieval.bench.report import report
from retrieval.cli.bench_options import (
    MODEL,
    SEED,
    WORK,
    DataOption,
    JsonOption,
    ModelOption,
    OutOption,
    PlotsOption,
    SeedOption,
    ThreadsOption,
    WorkOption,
    embedder_of,
    numbers,
    strategy_names,
)
from retrieval.cli.bench_output import print_figures, write_report
from retrieval.cli.progress import ToldEmbedder, note, step
from retrieval.embedding import Embedder
from retrieval.errors import LabelledDataWrong
from retrieval.question_store import QuestionStore
from retrieval.strategies.opened import STRATEGIES, open_strategy
from retrieval.tdwa import QuestionsOf

_DEFAULT = ("bm25", "dense_plain", "hybrid")


def retrieval(
    sets: Annotated[
        list[str] | None, typer.Argument(metavar="[SET]...", help="The sets; all of the folder if none is named.")
    ] = None,
    data: DataOption = Path(),
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy", help=f"Repeatable; the others are compared with the first. {', '.join(STRATEGIES)}."
        ),
    ] = None,
    sample_size: Annotated[int, typer.Option("--sample", min=0, help="Queries of a set at most; 0 is all.")] = 1000,
    only_file: Annotated[
        Path | None, typer.Option("--only", help="A file of query_ids, one a line: these and no others.")
    ] = None,
    k: Annotated[str, typer.Option("--k", help="How many of the first count, in commas.")] = "1,3,5,10",
    questions: Annotated[
        Path | None, typer.Option("--questions", help="A file of stored synthetic questions, for tdwa; with --writer.")
    ] = None,
    writer: Annotated[str, typer.Option("--writer", help="Who wrote those questions.")] = "",
    seed: SeedOption = SEED,
    out: OutOption = None,
    plots: PlotsOption = True,
    json: JsonOption = False,
    work: WorkOption = WORK,
    model: ModelOption = MODEL,
    threads: ThreadsOption = 0,
) -> None:
    """Recall, nDCG, MAP and Completeness of strategies on labelled sets, with tokens and latency."""
    names, depths = strategy_names(strategy, _DEFAULT), numbers(k, "--k")
    plots = plots and out is not None
    if plots:
        require_plots()
    ids = _read_ids(only_file)
    conditions = [machine(), _drawn(sample_size, seed, only_file)]
    embedder = embedder_of(model, threads)
    conditions.append(f"model {embedder.id}")
    written = _questions(questions, writer)
    figures: list[SetFigures] = []
    for name in sets or set_names(data):
        labelled = read_labelled_set(data, name)
        _say_what_is_odd(labelled)
        chosen = sample(only(labelled, ids) if ids is not None else labelled, sample_size, seed=seed)
        folder = work.expanduser() / name
        measured = [
            _measure(each, chosen, depths, embedder=embedder, folder=folder, questions=written) for each in names
        ]
        figures.append(figures_of(chosen, measured, seed=seed))
    _give(figures, conditions, out=out, plots=plots, json=json)


def _measure(
    name: str,
    labelled: LabelledSet,
    depths: tuple[int, ...],
    *,
    embedder: Embedder,
    folder: Path,
    questions: QuestionsOf | None,
) -> Measured:
    with step(f"{labelled.name}: {name}, texts embedded") as tell:
        opened = open_strategy(
            name, labelled.tools, embedder=ToldEmbedder(embedder, tell), folder=folder, questions=questions
        )
    tokens = {tool.tool_id: estimated_tokens(tool) for tool in labelled.tools}
    with step(f"{labelled.name}: {name}, queries", len(labelled.queries)) as tell:
        return measure(opened, labelled.queries, depths=depths, tokens=tokens, tell=tell)


def _give(sets: Sequence[SetFigures], conditions: Sequence[str], *, out: Path | None, plots: bool, json: bool) -> None:
    results = {"conditions": conditions, "sets": sets}
    if json:
        print_figures(results)
    else:
        typer.echo(report(sets, conditions, plots=False), nl=False)
    if out is not None:
        write_report(out, "retrieval", report(sets, conditions, plots=plots), results)
        for figures in sets if plots else ():
            draw_set(figures, out / f"{figures.name}.png")


def _questions(path: Path | None, writer: str) -> QuestionsOf | None:
    if (path is None) != (not writer):
        raise typer.BadParameter("--questions and --writer go together", param_hint="--questions")
    if path is None:
        return None
    if not path.is_file():
        raise LabelledDataWrong(f"there is no file of questions at {path}")
    return QuestionStore(path).of(writer)


def _read_ids(path: Path | None) -> set[str] | None:
    if path is None:
        return None
    try:
        return {line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()}
    except (OSError, UnicodeDecodeError) as error:
        raise LabelledDataWrong(f"the file of query ids {path} cannot be read: {error}") from error


def _say_what_is_odd(labelled: LabelledSet) -> None:
    if labelled.absent:
        shown = ", ".join(labelled.absent[:3])
        note(f"{labelled.name}: {len(labelled.absent):,} needed tools are not in the set, such as {shown}")
    if labelled.unlabelled:
        note(f"{labelled.name}: {labelled.unlabelled:,} queries need no tool and are left out")


def _drawn(size: int, seed: int, only_file: Path | None) -> str:
    queries = "all queries" if size == 0 else f"at most {size:,} queries a set, drawn with seed {seed}"
    return queries + (f", of those in {only_file.name}" if only_file is not None else "")
