"""`quartermaster train export`: the trained weights as a folder to serve."""

from pathlib import Path
from typing import Annotated

import typer

from mcp_registry.cli.console import JsonOption, print_json
from rl_trainer.export.exporting import export_model
from rl_trainer.export.serving import agent_settings, serve_command

app = typer.Typer()


@app.command(
    epilog="Examples: quartermaster train export training-laptop --out my-agent-model | "
    "quartermaster train export training-laptop --out my-adapter --no-merge"
)
def export(
    run: Annotated[Path, typer.Argument(help="The folder of a training.")],
    out: Annotated[Path, typer.Option("--out", help="The model folder to make.")] = Path("agent-model"),
    checkpoint: Annotated[
        str, typer.Option("--checkpoint", help="Its name, as step-000120; the newest when left out.")
    ] = "",
    merge: Annotated[bool, typer.Option("--merge/--no-merge", help="Add adapters to the base's weights.")] = True,
    licence: Annotated[str, typer.Option("--licence", help="The base model's licence, for the model card.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Put it in place of what is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Export a checkpoint for vLLM and transformers: weights, tokenizer, model card, and the commands that serve it.

    GGUF is not written: no package has a converter. llama.cpp's convert_hf_to_gguf.py takes the folder as it is.
    """
    made = export_model(run, out, checkpoint=checkpoint, merge=merge, licence=licence, replace=replace)
    command = serve_command(made.folder, made.name, adapter_of=made.adapter_of, tokenizer=made.tokenizer)
    if json:
        print_json(
            {
                "folder": str(made.folder),
                "checkpoint": made.checkpoint.name,
                "name": made.name,
                "serve": command,
                "settings": agent_settings(made.name),
            }
        )
        return
    typer.echo(f"{made.folder}: {made.checkpoint.name} of {run}\n\nServe it:\n  {command}\n")
    if made.tokenizer:
        typer.echo(f"Point the agent at it, in quartermaster.toml:\n{agent_settings(made.name)}")
    else:
        typer.echo("It has no tokenizer: it can be asked with token ids only, and not by the agent.")
