"""`Contents`: where the text of a repository's file comes from, for records that only have diffs."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from rl_trainer.environments.swe.task import Repository
from rl_trainer.errors import TaskInvalid
from rl_trainer.tasks.clone import Clone

Contents = Callable[[Repository, str], str]
"""The text of one file of a repository at its commit.

Raises:
    TaskInvalid: it cannot be read; the message says why.
"""

_TIMEOUT_S = 600.0


def from_clones(folder: Path) -> Contents:
    """From Git clones in a folder, each called after its repository: `owner__name`."""

    def read(repository: Repository, path: str) -> str:
        name = repository.url.removeprefix("https://github.com/").replace("/", "__")
        return Clone(folder / name).read(repository.commit, path)

    return read


def from_images(docker: str = "docker") -> Contents:
    """From the repositories' container images; one that is not there is fetched by the engine."""

    def read(repository: Repository, path: str) -> str:
        words = [docker, "run", "--rm", "--network=none", "--entrypoint=cat", repository.image]
        try:
            done = subprocess.run(
                [*words, f"{repository.folder}/{path}"], capture_output=True, timeout=_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise TaskInvalid(f"{path} cannot be read from image {repository.image}: {error}") from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()
            raise TaskInvalid(f"{path} cannot be read from image {repository.image}: {said}")
        return done.stdout.decode("utf-8", "replace")

    return read


def nowhere(repository: Repository, path: str) -> str:
    """Where nothing was named."""
    raise TaskInvalid(
        f"a diff changes {path} of {repository.url or repository.image}, and its text is known from nowhere: name a "
        "folder of clones (--clones), or have it read from the image (--from-images)"
    )
