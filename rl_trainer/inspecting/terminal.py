"""`to_terminal`: one run of a group for a terminal, turn by turn, tokens in the colour of their credit."""

from typing import Any

from rl_trainer.errors import TrainingDataMissing
from rl_trainer.inspecting.shown import ShownGroup, ShownRun, ShownTokens, ShownTurn

_PLUS, _MINUS, _PLAIN = "blue", "dark_orange", ""
_FAINT = 0.15
"""Credit below this share of the run's largest is not coloured."""


def to_terminal(group: ShownGroup, member: int) -> Any:
    """A rich renderable.

    Raises:
        TrainingDataMissing: the group has no such run.
    """
    from rich.console import Group
    from rich.text import Text

    if not 0 <= member < len(group.runs):
        raise TrainingDataMissing(f"task {group.task_id!r} has runs 0 to {len(group.runs) - 1}, not {member}")
    run = group.runs[member]
    most = max((abs(value) for turn in run.turns for value in turn.tokens.credit), default=0.0)
    parts: list[Any] = [Text(plain(_heading(group, run, member)), style="bold")]
    if group.no_credit:
        parts.append(Text(plain(f"no credit: {group.no_credit}"), style="red"))
    for place, turn in enumerate(run.turns):
        parts += [Text(plain(_about(group, turn, place)), style="dim"), _tokens(turn, most)]
        if turn.observation:
            parts.append(Text(plain(turn.observation), style="dim italic"))
    return Group(*parts)


def plain(text: str) -> str:
    """Text that a terminal shows and does not obey: control characters as their escapes."""
    return "".join(
        each if each.isprintable() or each == "\n" else "    " if each == "\t" else ascii(each)[1:-1] for each in text
    )


def _heading(group: ShownGroup, run: ShownRun, member: int) -> str:
    parts = ", ".join(f"{name} {value:g}" for name, value in run.rewards.items())
    came = f"world broke: {run.infra}" if run.infra else "passed" if run.passed else "failed"
    return f"{group.task_id} ({group.kind}) run {member}: {came}, reward {run.reward:g} ({parts}), {run.status}"


def _about(group: ShownGroup, turn: ShownTurn, place: int) -> str:
    words = [f"turn {place + 1}", turn.purpose, f"the same in {turn.shared} of {len(group.runs)}"]
    if turn.tokens.credit:
        low, high = min(turn.tokens.credit), max(turn.tokens.credit)
        words.append(f"credit {low:+.3g}" + (f" to {high:+.3g}" if high > low else ""))
    words += ["MALFORMED"] if turn.malformed else []
    words += [f"tests {100 * turn.score:.0f} %"] if turn.score is not None else []
    return " · ".join(words)


def _tokens(turn: ShownTurn, most: float) -> Any:
    from rich.text import Text

    tokens = turn.tokens
    if not tokens.texts:
        return Text(plain(turn.said) or " ".join(map(str, tokens.ids)))
    line = Text()
    for place, text in enumerate(tokens.texts):
        line.append(plain(text), style=_style(tokens, place, most))
    return line


def _style(tokens: ShownTokens, place: int, most: float) -> str:
    if not tokens.credit or not most:
        return _PLAIN
    value = tokens.credit[0] if len(tokens.credit) == 1 else tokens.credit[place]
    if abs(value) < _FAINT * most:
        return _PLAIN
    return _PLUS if value > 0 else _MINUS
