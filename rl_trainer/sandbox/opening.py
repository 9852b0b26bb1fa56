"""`open_sandbox`: the sandbox that the settings name; never one without a fence unless that was asked for."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Literal

import msgspec

from rl_trainer.errors import NoSandbox, RecipeWrong, TrainerError
from rl_trainer.sandbox.docker import open_docker
from rl_trainer.sandbox.docker_settings import DockerSettings
from rl_trainer.sandbox.local import LocalSettings, open_local
from rl_trainer.sandbox.sandbox import Limits, Sandbox
from rl_trainer.sandbox.unfenced import open_unfenced

Kind = Literal["auto", "local", "docker", "unfenced"]


class SandboxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sandbox, and within what. kind auto: docker where an image is named, otherwise local."""

    kind: Kind = "auto"
    limits: Limits = Limits()
    local: LocalSettings = LocalSettings()
    docker: DockerSettings = DockerSettings()

    @property
    def chosen(self) -> Kind:
        """The kind that these settings lead to.

        Raises:
            RecipeWrong: something is set that the kind does not use.
        """
        docker, local = self.docker != DockerSettings(), self.local != LocalSettings()
        kind = ("docker" if docker else "local") if self.kind == "auto" else self.kind
        for name, is_set in (("docker", docker), ("local", local)):
            if is_set and name != kind:
                raise RecipeWrong(f"sandbox.{name} is set, but a sandbox of kind {kind} does not use it: remove it")
        return kind


class SandboxCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a kind of sandbox works here; why not, where it does not."""

    kind: Kind
    works: bool
    detail: str = ""


def open_sandbox(
    settings: SandboxSettings, files: Mapping[str, bytes] | None = None
) -> AbstractAsyncContextManager[Sandbox]:
    """A sandbox with the files in it; when the block is left nothing of it is left.

    Raises:
        NoSandbox: that kind does not work here; the message says what would help.
        RecipeWrong: the settings contradict one another.
    """
    match settings.chosen:
        case "docker":
            return open_docker(files, limits=settings.limits, settings=settings.docker)
        case "unfenced":
            return open_unfenced(files, limits=settings.limits)
        case _ if settings.kind == "auto":
            return _local_or_none(settings, files)
        case _:
            return open_local(files, limits=settings.limits, settings=settings.local)


@asynccontextmanager
async def _local_or_none(settings: SandboxSettings, files: Mapping[str, bytes] | None) -> AsyncGenerator[Sandbox]:
    opening = open_local(files, limits=settings.limits, settings=settings.local)
    async with AsyncExitStack() as stack:
        try:
            sandbox = await stack.enter_async_context(opening)
        except NoSandbox as error:
            raise NoSandbox(
                f"{error} Nothing is run without a fence; if you trust what is run, set sandbox.kind to 'unfenced'."
            ) from error
        yield sandbox


async def check_sandbox(settings: SandboxSettings | None = None) -> tuple[SandboxCheck, ...]:
    """What works here: every fenced kind is opened, and a command run in it."""
    settings = settings or SandboxSettings()
    local = SandboxSettings(kind="local", limits=settings.limits, local=settings.local)
    docker = SandboxSettings(kind="docker", limits=settings.limits, docker=settings.docker)
    return tuple([await _check(each) for each in (local, docker)])


async def _check(settings: SandboxSettings) -> SandboxCheck:
    try:
        async with open_sandbox(settings, {"probe": b"alive\n"}) as sandbox:
            ran = await sandbox.run("cat probe")
    except TrainerError as error:
        return SandboxCheck(kind=settings.kind, works=False, detail=str(error))
    detail = "" if ran.output == "alive\n" else f"a command said {ran.output!r}"
    return SandboxCheck(kind=settings.kind, works=not detail, detail=detail)
