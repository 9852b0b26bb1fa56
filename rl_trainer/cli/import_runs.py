"""`quartermaster train import-runs`: recorded runs of the agent become trajectories to learn from."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from agent.options import Status
from agent.store import journal_url, open_journal
from mcp_registry.cli.console import HomeOption, JsonOption, home_of, note, print_json
from mcp_registry.home import Home
from rl_trainer.imported.importing import Chosen, Imported, import_runs
from rl_trainer.imported.reward_file import Score, load_reward
from rl_trainer.imported.trajectories import Writer
from rl_trainer.run_folder import write_whole

app = typer.Typer()

_AGO = re.compile(r"(\d+)([dh])")


@app.command(
    epilog="Examples: quartermaster train import-runs --reward reward.py --model ./my-model --out runs.jsonl | "
    "quartermaster train import-runs --since 7d --status done --reward reward.py --out runs.jsonl"
)
def import_(
    out: Annotated[Path, typer.Option("--out", help="The file to write: a group of runs a line.")] = Path("runs.jsonl"),
    reward: Annotated[
        Path | None, typer.Option("--reward", help="A Python file with a function `reward` (docs/engines.md).")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="Whose tokenizer makes ids of the texts; without it there are none.")
    ] = None,
    status: Annotated[str, typer.Option("--status", help="Only runs that ended so; any for all that ended.")] = "done",
    since: Annotated[
        str | None, typer.Option("--since", help="A date (2026-11-01), or how long ago (7d, 12h).")
    ] = None,
    pass_at: Annotated[float, typer.Option("--pass-at", help="The reward from which a run counts as passed.")] = 1.0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="So many of the newest; 0 for all.")] = 0,
    json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Turn runs that the agent has recorded into trajectories, scored by a reward of yours, for `train rft`."""
    chosen = Chosen(status=_status(status), since=_since(since, datetime.now(UTC)), limit=limit)
    score = None if reward is None else load_reward(reward)
    found = asyncio.run(_imported(home_of(home), chosen, model, score, pass_at=pass_at))
    write_whole(out, b"".join(msgspec.json.encode(group) + b"\n" for group in found.groups))
    if json:
        told = {"runs": found.runs, "groups": len(found.groups), "passed": found.passed, "out": str(out)}
        print_json(told)
        return
    typer.echo(f"{out}: {found.runs} runs of {len(found.groups)} goals, {found.passed} passed")
    if found.silent:
        note(f"{found.silent} runs in which the model said nothing are left out")
    if reward is None:
        note("without --reward no run has passed, and fine-tuning learns from none of them")
    if model is None:
        note("without --model the runs have texts and no token ids, and nothing can be learnt from them yet")


async def _imported(home: Home, chosen: Chosen, model: str | None, score: Score | None, *, pass_at: float) -> Imported:
    async with open_journal(journal_url(home)) as journal:
        return await import_runs(journal, chosen, writer=_writer(model), score=score, pass_at=pass_at)


def _writer(model: str | None) -> Writer | None:
    if model is None:
        return None
    from rl_trainer.chat_renderer import ChatRenderer, open_tokenizer

    return ChatRenderer(open_tokenizer(model))


def _status(text: str) -> Status | None:
    if text == "any":
        return None
    try:
        return Status(text)
    except ValueError:
        ended = ", ".join(each.value for each in Status if each.final)
        raise typer.BadParameter(f"{text!r} is none of {ended}, any", param_hint="--status") from None


def _since(text: str | None, now: datetime) -> float:
    """UTC seconds since 1970; a date without a zone is of this machine's."""
    if text is None:
        return 0.0
    if ago := _AGO.fullmatch(text):
        return (now - timedelta(**{"days" if ago[2] == "d" else "hours": int(ago[1])})).timestamp()
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no date (2026-11-01) and no time ago (7d, 12h)", param_hint="--since"
        ) from None
