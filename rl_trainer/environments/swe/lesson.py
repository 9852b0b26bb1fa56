"""`lesson`: what an expert does to solve a task whose right files are known: look, edit, test, hand in. Pure."""

import difflib
import random
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from agent.message import Message, ToolCall
from rl_trainer.environments.swe.editing import edited, joined, lines_of, syntax_error
from rl_trainer.environments.swe.task import SweTask, swe_task
from rl_trainer.environments.swe.tools import SERVER
from rl_trainer.mutation.operators import OPERATORS
from rl_trainer.mutation.source import Source
from rl_trainer.task import Task

_TESTS_FIRST, _REPLACES = 0.7, 0.5
_NEAR = 5


class Act(NamedTuple):
    """One action with the words before it; spare: it may be left out where turns are few."""

    words: str
    tool: str
    arguments: dict[str, Any]
    spare: bool = False


class Change(NamedTuple):
    """Lines start to end (from 1, both included; end = start - 1 inserts) become other lines."""

    start: int
    end: int
    lines: tuple[str, ...]


def lesson(task: Task, seed: str, share_right: float, *, turns: int) -> tuple[Message, ...]:
    """What is said, turn by turn; the same for the same seed. Nothing where the right files are not known.

    share_right: how often the first edit is right.

    Raises:
        TaskInvalid: as `swe_task`.
    """
    found = swe_task(task)
    if not found.gold_files or any(path not in found.files for path, text in found.gold_files.items() if text is None):
        return ()
    drawn = random.Random(f"{seed}/lesson")  # noqa: S311 - no secret
    acts = list(_acts(found, drawn, share_right))
    while len(acts) > turns and any(act.spare for act in acts):
        acts.remove(next(act for act in acts if act.spare))
    return tuple(
        Message(
            role="assistant",
            content=act.words,
            tool_calls=(ToolCall(id="1", name=f"{SERVER}/{act.tool}", arguments=act.arguments),),
        )
        for act in acts
    )


def _acts(task: SweTask, drawn: random.Random, share_right: float) -> Iterator[Act]:
    command = task.visible_test_cmd
    if command and drawn.random() < _TESTS_FIRST:
        yield Act("I run the tests to see what fails.", "shell", {"command": command}, spare=True)
    errs = drawn.random() >= share_right
    for path, text in task.gold_files.items():
        before = task.files.get(path)
        if text is None:
            yield Act(f"{path} has to go.", "shell", {"command": f"rm {shlex.quote(path)}"})
        elif before is None:
            yield Act(f"{path} is missing.", "create", {"path": path, "content": text})
        elif before != text:
            wrong = _wrong(path, before, text, drawn) if errs else ""
            errs = errs and not wrong
            yield from _mended(path, (before, wrong, text), command, drawn)
    if command:
        yield Act("I run the tests again.", "shell", {"command": command}, spare=True)
    yield Act("It is mended. I hand it in.", "submit", {})


def _mended(path: str, texts: tuple[str, str, str], command: str, drawn: random.Random) -> Iterator[Act]:
    """From what a file is to what it should be; by way of something wrong, if there is such a text."""
    before, wrong, right = texts
    line = changes(before, right)[0].start
    yield Act(f"I look at {path}.", "open", {"path": path, **({"line": line} if line > 1 else {})})
    if wrong:
        yield from _edits(before, wrong, "This looks wrong.", drawn)
        if command:
            yield Act("I run the tests.", "shell", {"command": command})
        yield from _edits(wrong, right, "That was not it.", drawn)
    else:
        yield from _edits(before, right, "This is wrong.", drawn)


def _edits(before: str, after: str, words: str, drawn: random.Random) -> Iterator[Act]:
    text = before
    for change in reversed(changes(before, after)):  # from below, so that the numbers of lines above stay
        old = "\n".join(lines_of(text)[change.start - 1 : change.end])
        new = "\n".join(change.lines)
        if old and new and text.count(old) == 1 and drawn.random() < _REPLACES:
            yield Act(words, "replace", {"old": old, "new": new})
        else:
            new = joined(list(change.lines)) if change.lines and not change.lines[-1] else new
            yield Act(words, "edit", {"start": change.start, "end": change.end, "text": new})
        text = _made(text, [change])


def changes(before: str, after: str) -> list[Change]:
    """What leads from one text to the other, from above; one for all where the way there is no Python in between."""
    old, new = lines_of(before), lines_of(after)
    codes = difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    found = [Change(i + 1, k, tuple(new[m:n])) for kind, i, k, m, n in codes if kind != "equal"]
    if not found:
        return [Change(1, len(old), tuple(new))]
    if any(syntax_error(_made(before, found[place:])) for place in range(1, len(found))):
        shift = len(new) - len(old)
        first, last = found[0].start, found[-1].end
        return [Change(first, last, tuple(new[first - 1 : last + shift]))]
    return found


def _made(text: str, some: Sequence[Change]) -> str:
    for change in reversed(some):
        text = edited(text, change.start, change.end, joined(list(change.lines)))
    return text


def _wrong(path: str, before: str, right: str, drawn: random.Random) -> str:
    """The file with another line changed, not far from the right one; empty where nothing can be changed so."""
    if not path.endswith(".py") or syntax_error(before):
        return ""
    source, line = Source(path, before), changes(before, right)[0].start
    found = {edit(source.data).decode(): abs(edit.line - line) for make in OPERATORS.values() for edit in make(source)}
    near = sorted((away, text) for text, away in found.items() if _other(text, before, right))[:_NEAR]
    return drawn.choice(near)[1] if near else ""


def _other(text: str, before: str, right: str) -> bool:
    return lines_of(text) not in (lines_of(before), lines_of(right)) and not syntax_error(text)
