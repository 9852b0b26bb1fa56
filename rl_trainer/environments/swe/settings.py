"""`SweSettings`: how tasks of software engineering are opened and graded."""

from typing import Literal

import msgspec

from rl_trainer.sandbox.opening import SandboxSettings


class SweSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """sandbox: where commands run, the agent's and the grader's; a task of a repository takes its image into docker.

    python: the interpreter that runs tests, by its name in the sandbox. window: lines shown at once.
    observation: characters of one answer, at most. refuse_broken: whether an edit that breaks a Python file's syntax
    is refused, or made and warned of. strict: whether what a reading of the patch finds (rl_trainer/environments/swe/
    suspicion.py) fails a task, or is only named. stall_s: seconds for which a graded program may do nothing but sleep.
    test_cpu_s: seconds of CPU of one test. engine: how tests are run: pytest, unittest (with plain functions beside
    it), or auto: unittest where the tests need no more, for it starts faster. must_submit: whether only what was handed
    in passes; the share says in any case how things stand. remembered: grades of equal patches that are kept.
    """

    sandbox: SandboxSettings = SandboxSettings()
    python: str = "python"
    window: int = 100
    observation: int = 8_000
    refuse_broken: bool = True
    strict: bool = True
    stall_s: float = 10.0
    test_cpu_s: float = 5.0
    engine: Literal["auto", "pytest", "unittest"] = "auto"
    must_submit: bool = True
    remembered: int = 1_024

    def __post_init__(self) -> None:
        if self.window < 1 or self.observation < 200:
            raise ValueError("window is at least 1 line, observation at least 200 characters")
