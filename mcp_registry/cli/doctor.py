"""`quartermaster doctor`: what is installed, what is missing, how to get it, and whether the state can be opened."""

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Literal

import typer

from mcp_registry.cli.console import HomeOption, JsonOption, home_of, print_json, show, table
from mcp_registry.home import Home
from retrieval.errors import ModelMissing, RetrievalError

app = typer.Typer()

Verdict = Literal["ok", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` is what to do when it is not ok; only `needed` ones fail the command."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""
    needed: bool = True


_NEEDED = {
    "mcp": "mcp",
    "faiss": "faiss-cpu",
    "onnxruntime": "onnxruntime",
    "tokenizers": "tokenizers",
    "sqlmodel": "sqlmodel",
    "alembic": "alembic",
    "jsonschema_rs": "jsonschema-rs",
    "uvicorn": "uvicorn",
}

_EXTRAS = {
    "postgres": (("psycopg",), "the catalogue on PostgreSQL"),
    "sentence-transformers": (("sentence_transformers",), "other embedding models than the packaged one"),
    "agent": (("langgraph", "fastapi", "httpx"), "agent runs"),
    "local-llm": (("xllamacpp",), "a language model on this machine"),
    "train": (("torch", "transformers", "peft"), "reinforcement learning"),
}

_LAUNCHERS = {
    "uvx": "servers from Python packages; comes with uv",
    "npx": "servers from npm packages; comes with Node.js",
    "docker": "servers from images",
    "git": "the git server",
}


@app.command(epilog="Example: quartermaster doctor --json")
def doctor(json: JsonOption = False, home: HomeOption = None) -> None:
    """Say what is installed, what is missing and how to get it. The exit code is 1 when something needed is not ok."""
    findings = list(_examine(home_of(home)))
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        _print(findings)
    if any(finding.needed and finding.verdict != "ok" for finding in findings):
        raise typer.Exit(1)


def _examine(home: Home) -> Iterator[Finding]:
    yield Finding(
        "python",
        "ok",
        f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    )
    for module, package in _NEEDED.items():
        yield _module(module, package)
    yield _looked_at("embedding model", _model)
    yield _looked_at("settings", lambda: _settings(home))
    yield _looked_at("catalogue", lambda: _catalogue(home))
    yield _looked_at("index", lambda: _index(home))
    for extra, (modules, purpose) in _EXTRAS.items():
        yield _extra(extra, modules, purpose)
    yield _gpu()
    for program, purpose in _LAUNCHERS.items():
        found = shutil.which(program)
        yield Finding(program, "ok" if found else "missing", found or f"for {purpose}", "", needed=False)


def _module(module: str, package: str) -> Finding:
    try:
        return Finding(package, "ok", version(package))
    except PackageNotFoundError:
        pass
    if find_spec(module) is not None:
        return Finding(package, "ok", "installed, without a version")
    return Finding(package, "missing", "not installed", f"pip install {package}")


def _extra(extra: str, modules: tuple[str, ...], purpose: str) -> Finding:
    missing = [module for module in modules if find_spec(module) is None]
    remedy = f"pip install 'quartermaster[{extra}]'"
    if missing:
        return Finding(f"extra {extra}", "missing", f"for {purpose}; lacks {', '.join(missing)}", remedy, needed=False)
    return Finding(f"extra {extra}", "ok", purpose, needed=False)


def _gpu() -> Finding:
    from retrieval.vectors import gpu_count

    count = gpu_count()
    if count:
        return Finding("GPU", "ok", f"{count} seen by FAISS", needed=False)
    return Finding(
        "GPU", "missing", "FAISS sees none; search runs on the CPU", "pip install 'quartermaster[gpu]'", needed=False
    )


def _looked_at(name: str, look: Callable[[], str]) -> Finding:
    from mcp_registry.errors import RegistryError

    try:
        return Finding(name, "ok", look())
    except (RegistryError, RetrievalError) as error:
        return Finding(name, "broken", str(error), "see the message")


def _model() -> str:
    from retrieval.embedders import DEFAULT_MODEL, model_folder, open_embedder
    from retrieval.model_folder import verify_model

    folder = model_folder(DEFAULT_MODEL)
    if folder is not None and (problems := verify_model(folder)):
        raise ModelMissing(f"{'; '.join(problems)}: install quartermaster again")
    embedder = open_embedder(DEFAULT_MODEL)
    embedder.embed(["a test"])
    return f"{embedder.id}, {embedder.dim} dimensions"


def _settings(home: Home) -> str:
    from mcp_registry.settings import load_settings

    load_settings(home)
    return str(home.settings_file) if home.settings_file.exists() else "defaults"


def _catalogue(home: Home) -> str:
    from mcp_registry.catalogue import open_catalogue
    from mcp_registry.record import ServerStatus

    with open_catalogue(home.database_url) as catalogue:
        records = catalogue.servers()
    stale = sum(record.status in {ServerStatus.STALE, ServerStatus.FAILED} for record in records)
    tools = sum(record.tools for record in records)
    return f"{len(records)} servers, {tools:,} tools" + (f"; {stale} stale or failed" if stale else "")


def _index(home: Home) -> str:
    from retrieval import manifest

    saved = manifest.read(home.index)
    return f"{saved.size:,} entries, model {saved.model}" if saved else "none yet; the first sync or import makes it"


def _print(findings: list[Finding]) -> None:
    rows = table("", "", "", "how to get it")
    marks = {"ok": "[green]✓[/]", "missing": "[yellow]-[/]", "broken": "[red]✗[/]"}
    for finding in findings:
        mark = "[red]✗[/]" if finding.needed and finding.verdict != "ok" else marks[finding.verdict]
        rows.add_row(mark, finding.name, _plain(finding.detail), _plain(finding.remedy))
    show(rows)


def _plain(text: str) -> str:
    """Square brackets as they are: rich would read `[gpu]` as a style."""
    return text.replace("[", r"\[")
