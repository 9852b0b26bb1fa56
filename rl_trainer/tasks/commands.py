"""Test commands made plain: without options that measure wall time, which is a busy machine's and not the task's."""

import shlex


def plain_command(command: str) -> str:
    """The command without `--timeout`; what a test may use is a limit of the sandbox, in seconds of CPU.

    Example:
        plain_command("python -m pytest -q --timeout=5 a_test.py") -> "python -m pytest -q a_test.py"
    """
    return shlex.join(word for word in shlex.split(command) if not word.startswith("--timeout"))
