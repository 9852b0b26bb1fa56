"""`quartermaster retrieval`: what stands behind a search: synthetic questions, and why a tool is found or not."""

import asyncio
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcp_registry.cli.console import HomeOption, JsonOption, home_of, note, print_json, working

if TYPE_CHECKING:
    from retrieval.question_store import Written
    from retrieval.question_writers import QuestionWriter

app = typer.Typer(no_args_is_help=True, help="Train the embedder, write questions, see why a tool is found.")

_WRITERS = ("template", "llm")


@app.command(
    epilog="Examples: quartermaster retrieval questions | quartermaster retrieval questions --writer llm "
    "--endpoint http://127.0.0.1:8080/v1 --model qwen3 --limit 100"
)
def questions(
    writer: Annotated[str, typer.Option("--writer", help="template (rules) or llm (a language model).")] = "template",
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="Of llm: the OpenAI-compatible URL, up to /v1.", show_default=False)
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="Of llm: the model's name.", show_default=False)] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="So many tools at most; 0 is all.")] = 0,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Write the synthetic questions of every tool that has none yet. Stopped, it goes on where it was."""
    from mcp_registry.catalogue import open_catalogue
    from retrieval.question_store import QuestionStore, write_questions

    chosen = _writer(writer, endpoint, model)
    place = home_of(home)
    store = QuestionStore(place.questions)
    with open_catalogue(place.database_url) as catalogue, working("tools") as progress:
        missing = store.missing(catalogue.all_tools(), chosen.id)
        wanted = list(islice(missing, limit or None))
        written = asyncio.run(write_questions(wanted, chosen, store, progress=progress))
    _report(written, left=len(missing) - written.new, writer=chosen.id, file=place.questions, json=json)
    if written.failed:
        raise typer.Exit(1)


@app.command(
    name="show",
    epilog="Examples: quartermaster retrieval show git/git_log | quartermaster retrieval show git/git_log "
    "--query 'who changed this file last'",
)
def show_tool(
    tool: Annotated[str, typer.Argument(help="SERVER/TOOL, or the name of an offered server.")],
    query: Annotated[str | None, typer.Option("--query", help="Explain its score for this request.")] = None,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show what is searched of a tool: its passage, its words by weight, its questions."""
    from mcp_registry.cli.explaining import explain, print_explained

    found = explain(home_of(home), tool, query)
    if json:
        print_json(found)
    else:
        print_explained(found)


def _writer(name: str, endpoint: str | None, model: str | None) -> "QuestionWriter":
    from retrieval.chat import Chat, ChatEndpoint, endpoint_from_environment
    from retrieval.llm_questions import LlmQuestions
    from retrieval.question_writers import TemplateQuestions

    if name not in _WRITERS:
        raise typer.BadParameter(f"{name!r} is not one of {', '.join(_WRITERS)}", param_hint="--writer")
    if name == "template":
        if endpoint or model:
            raise typer.BadParameter("only --writer llm has an endpoint and a model", param_hint="--writer")
        return TemplateQuestions()
    if bool(endpoint) != bool(model):
        raise typer.BadParameter("give both --endpoint and --model, or neither", param_hint="--writer")
    if endpoint and model:
        return LlmQuestions(Chat(ChatEndpoint(base_url=endpoint, model=model)))
    return LlmQuestions(Chat(endpoint_from_environment()))


def _report(written: "Written", *, left: int, writer: str, file: Path, json: bool) -> None:
    if json:
        print_json({"writer": writer, "written": written.new, "left": left, "failed": dict(written.failed)})
        return
    for tool_id, reason in islice(written.failed.items(), 10):
        note(f"{tool_id}: {reason}")
    note(f"{written.new:,} tools got questions by {writer}, {left:,} have none yet: {file}")
