"""`opener`: sandboxes for SWE tasks by the settings: of a folder of files, or of a repository's image."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from msgspec.structs import replace

from rl_trainer.environments.swe.grading import Opener
from rl_trainer.environments.swe.task import Repository
from rl_trainer.sandbox.opening import SandboxSettings, open_sandbox
from rl_trainer.sandbox.sandbox import Limits, Sandbox


def opener(settings: SandboxSettings) -> Opener:
    """Opens sandboxes as the settings say, with a task's own limits."""

    def open_(
        files: Mapping[str, bytes], *, limits: Limits, repository: Repository | None
    ) -> AbstractAsyncContextManager[Sandbox]:
        chosen = replace(settings, limits=limits)
        if repository is not None:
            docker = replace(settings.docker, image=repository.image, workdir=repository.folder, keep_workdir=True)
            chosen = replace(chosen, kind="docker", docker=docker)
        return open_sandbox(chosen, files)

    return open_
