"""`quartermaster train`: everything about learning from runs."""

import importlib

import typer

from rl_trainer.cli import evaluation, training

_PARTS = {
    "inspect": "rl_trainer.cli.inspect",
    "report": "rl_trainer.cli.report",
    "export": "rl_trainer.cli.export",
    "import-runs": "rl_trainer.cli.import_runs",
    "serve-task": "rl_trainer.cli.serve_task",
    "check": "rl_trainer.cli.check",
}
"""Commands that have a module of their own."""

app = typer.Typer(no_args_is_help=True, help="Fine-tune agents on their own runs: tasks, stages, evaluation, export.")
for _name, (_function, _epilog) in training.COMMANDS.items():
    app.command(_name, epilog=_epilog)(_function)
app.registered_commands += [
    typer.models.CommandInfo(
        name="eval", callback=evaluation.evaluate, epilog=evaluation.app.registered_commands[0].epilog
    )
]
for _name, _module in _PARTS.items():
    for _command in importlib.import_module(_module).app.registered_commands:
        _command.name = _name
        app.registered_commands.append(_command)
app.add_typer(importlib.import_module("rl_trainer.cli.tasks").app, name="tasks")
