"""`Counts`: what an agent did in an episode, as numbers for rewards and metrics."""

import re
from dataclasses import dataclass, field

_TESTS = re.compile(
    r"(?:\w+=\S*\s+)*(?:(?:timeout|time|env|exec|nice)\s+(?:-\S+\s+)*(?:\d\S*\s+)?)?(?:\S*/)?"
    r"(?:(?:pytest|py\.test|tox|nox)(?:\s|$)|make\s+(?:test|check)\b"
    r"|python[\d.]*\s+(?:\S+\s+)*?(?:-m\s+(?:pytest|unittest)\b|\S*(?:test_\w+|\w+_test|tests)\.py))"
)
_PARTS = re.compile(r"[;&|()\n]+")
_NETWORK = re.compile(
    r"(?:^|[\s;&|(])(?:curl|wget|ssh|scp|rsync|nc|ping)\s"
    r"|\bpip[\d.]*\s+(?:install|download|wheel|index)\b|\buv\s+(?:pip|add)\b"
    r"|\bgit\s+(?:clone|fetch|pull)\b|\bconda\s+install\b|\bapt(?:-get)?\s+install\b|https?://"
)
_HISTORY = re.compile(r"\bgit\s+(?:log|show|reflog|checkout|cherry-pick|fsck|stash|rev-list)\b|(?:^|[\s/])\.git/")


def runs_tests(command: str, visible: str = "") -> bool:
    """Whether one of a shell command's parts runs tests; to speak of them is not to run them."""
    parts = [part.strip() for part in _PARTS.split(command)]
    return any(_TESTS.match(part) or (visible and part.startswith(visible)) for part in parts)


@dataclass(slots=True, kw_only=True)
class Counts:
    """tests: commands that ran tests. edits: changes of files. syntax_errors: changes refused or warned of for one.
    refused: changes of protected files that were asked for. network, history: commands that asked for what is cut off.
    """

    calls: int = 0
    errors: int = 0
    shell: int = 0
    tests: int = 0
    edits: int = 0
    syntax_errors: int = 0
    refused: int = 0
    network: int = 0
    history: int = 0
    submitted: int = 0
    gave_up: int = 0
    tested_before_submit: int = 0
    tested_since_edit: bool = False
    touched: set[str] = field(default_factory=set[str])

    def command(self, command: str, visible: str) -> None:
        """A shell command was run."""
        self.shell += 1
        self.network += bool(_NETWORK.search(command))
        self.history += bool(_HISTORY.search(command))
        if runs_tests(command, visible):
            self.tests += 1
            self.tested_since_edit = True

    def edit(self, *paths: str) -> None:
        """Files were changed."""
        self.edits += 1
        self.tested_since_edit = False
        self.touched.update(paths)

    def submit(self) -> None:
        self.submitted = 1
        self.tested_before_submit = int(self.tested_since_edit)

    def facts(self) -> dict[str, float]:
        """All of them by name."""
        names = (
            *("calls", "errors", "shell", "tests", "edits", "syntax_errors", "refused", "network", "history"),
            *("submitted", "gave_up", "tested_before_submit"),
        )
        return {**{name: float(getattr(self, name)) for name in names}, "files_touched": float(len(self.touched))}
