"""Which sandbox is opened, what is refused, and what is said of this machine."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rl_trainer.errors import RecipeWrong, WorldFailed
from rl_trainer.sandbox.bounded_output import BoundedOutput
from rl_trainer.sandbox.docker_settings import DockerSettings
from rl_trainer.sandbox.held import encoded
from rl_trainer.sandbox.local import LocalSettings
from rl_trainer.sandbox.one_run import Request
from rl_trainer.sandbox.opening import SandboxSettings, check_sandbox, open_sandbox
from rl_trainer.sandbox.sandbox import Limits

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def test_settings_are_read_from_a_recipe_and_unknown_ones_refused() -> None:
    read = msgspec.toml.decode(b'kind = "local"\nlimits.cpu_s = 3.5\nlocal.binds = ["/opt"]', type=SandboxSettings)
    assert read == SandboxSettings(kind="local", limits=Limits(cpu_s=3.5), local=LocalSettings(binds=("/opt",)))
    with pytest.raises(msgspec.ValidationError):
        msgspec.toml.decode(b"limits.cpus = 3", type=SandboxSettings)


def test_auto_is_docker_where_an_image_is_named_and_local_otherwise() -> None:
    assert SandboxSettings().chosen == "local"
    assert SandboxSettings(docker=DockerSettings(image="x")).chosen == "docker"


@pytest.mark.parametrize(
    "settings",
    [
        SandboxSettings(kind="local", docker=DockerSettings(image="x")),
        SandboxSettings(kind="docker", local=LocalSettings(python="/usr/bin/python3")),
        SandboxSettings(kind="unfenced", local=LocalSettings(shell="/bin/bash")),
        SandboxSettings(docker=DockerSettings(image="x"), local=LocalSettings(binds=("/opt",))),
    ],
)
def test_what_the_chosen_kind_does_not_use_is_refused(settings: SandboxSettings) -> None:
    with pytest.raises(RecipeWrong, match="does not use it"):
        open_sandbox(settings)


async def test_the_check_says_of_each_fenced_kind_whether_it_works_and_why_not() -> None:
    local, docker = await check_sandbox()
    assert (local.kind, docker.kind) == ("local", "docker")
    assert local.works or "user namespaces" in local.detail
    assert not docker.works
    assert "name the image" in docker.detail


async def test_without_a_fence_there_are_still_limits() -> None:
    settings = SandboxSettings(kind="unfenced", limits=Limits(file_mb=1, disk_mb=1, output_kb=1, wall_s=60))
    async with open_sandbox(settings, {"a/x": b"1"}) as sandbox, sandbox.fork() as copy:
        assert (await copy.run("cat a/x; echo 2 > y; exit 3")).code == 3
        assert await copy.files() == {"a/x": b"1", "y": b"2\n"}
        assert await sandbox.files() == {"a/x": b"1"}
        assert (await sandbox.run("exec yes > big")).killed == "file"
        assert (await sandbox.run("yes")).killed == "output"
        with pytest.raises(WorldFailed):
            await sandbox.run("exec sleep 1000", limits=Limits(wall_s=0.2))


@given(st.lists(st.binary(max_size=40)), st.integers(min_value=2, max_value=64))
def test_output_is_kept_whole_or_by_its_beginning_and_end(parts: list[bytes], limit: int) -> None:
    output = BoundedOutput(limit)
    for part in parts:
        output.add(part)
    whole, half = b"".join(parts), limit // 2
    assert output.size == len(whole)
    if len(whole) <= 2 * half:
        assert output.content() == whole
    else:
        cut = f"[... {len(whole) - 2 * half:,} bytes left out ...]"
        assert output.text().split(f"\n{cut}\n") == [
            whole[:half].decode(errors="replace"),
            whole[-half:].decode(errors="replace"),
        ]


@given(TEXT, st.dictionaries(TEXT.filter(lambda name: "=" not in name), TEXT))
def test_a_request_arrives_as_it_was_sent(command: str, environment: dict[str, str]) -> None:
    limits = Limits(cpu_s=0.5, wall_s=60.0, memory_mb=64, file_mb=1, processes=9)
    arrived = Request(encoded(command, "/bin/sh", limits, environment))
    assert (arrived.command, arrived.shell, arrived.environment) == (command, "/bin/sh", environment)
    assert (arrived.cpu_s, arrived.cpu_total_s, arrived.wall_s) == (0.5, 2.0, 60.0)
    assert (arrived.memory_mb, arrived.file_mb, arrived.processes) == (64, 1, 9)
