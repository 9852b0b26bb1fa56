# pyright: reportMissingImports=false, reportUnknownVariableType=false
"""`quartermaster train check`: what training finds on this machine, and how to get what is missing."""

import asyncio
import importlib.util
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import msgspec
import typer

from rl_trainer.sandbox.opening import check_sandbox

app = typer.Typer()

_LIBRARIES = {
    "torch": "quartermaster[train]",
    "transformers": "quartermaster[train]",
    "peft": "quartermaster[train]",
    "gguf": "quartermaster[train]",
    "ray": "quartermaster[ray]",
}
"""What training may use, and what brings it."""


@app.command(epilog="Examples: quartermaster train check | quartermaster train check --json")
def check(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say which libraries, devices and sandboxes there are."""
    found: dict[str, Any] = {
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "devices": _devices(),
        "sandboxes": [msgspec.to_builtins(each) for each in asyncio.run(check_sandbox())],
    }
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    for name, number in found["libraries"].items():
        missing = f"missing: pip install '{_LIBRARIES[name]}'"
        typer.echo(f"{name:14} {number or missing}")
    typer.echo(f"{'devices':14} {', '.join(found['devices']) or 'unknown until torch is installed'}")
    for each in found["sandboxes"]:
        works = "works" if each["works"] else f"does not work: {each['detail']}"
        typer.echo(f"{'sandbox ' + each['kind']:14} {works}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _devices() -> list[str]:
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    gpus = [torch.cuda.get_device_name(place) for place in range(torch.cuda.device_count())]
    return [*gpus, f"cpu ({torch.get_num_threads()} threads)"]
