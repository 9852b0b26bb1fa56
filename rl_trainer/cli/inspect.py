"""`quartermaster train inspect`: what runs did, which of them are still the same, and what each token was worth."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

app = typer.Typer()


@app.command(
    epilog="Examples: quartermaster train inspect training-laptop --open | "
    "quartermaster train inspect training-laptop --iteration 312 --task TASK --text --member 3"
)
def inspect(
    source: Annotated[Path, typer.Argument(help="The folder of a training, or a file of groups.")],
    iteration: Annotated[
        int | None, typer.Option("--iteration", "-i", help="Counted over all stages.", show_default="the last")
    ] = None,
    task: Annotated[str | None, typer.Option("--task", help="Only this task's groups.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The HTML page.", show_default="inspect-ITERATION.html, in the run")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    text: Annotated[bool, typer.Option("--text", help="Print one run here in place of a page.")] = False,
    member: Annotated[int, typer.Option("--member", min=0, help="With --text: which run of the group.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as JSON in place of a page.")] = False,
) -> None:
    """Look into groups: turn tree, runs turn by turn, reward parts, and the credit of every token; one HTML page."""
    from rl_trainer.inspecting.opening import find_groups, open_groups

    found = find_groups(source, iteration)
    shown = open_groups(found, task)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(shown)).decode())
        return
    if text:
        from mcp_registry.cli import console
        from rl_trainer.inspecting.terminal import to_terminal

        console.show(to_terminal(shown.groups[0], member))
        return
    from rl_trainer.inspecting.html import to_html
    from rl_trainer.run_folder import write_whole

    page = out or (found.run or Path()) / f"inspect-{found.name}.html"
    write_whole(page, to_html(shown).encode())
    typer.echo(str(page))
    if show:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
