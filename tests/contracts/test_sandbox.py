"""What every `Sandbox` promises: local ones, and Docker's where a daemon answers."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from rl_trainer.errors import DiskFull, NoSandbox, PathOutside, WorldFailed
from rl_trainer.sandbox.docker_settings import DockerSettings
from rl_trainer.sandbox.opening import SandboxSettings, open_sandbox
from rl_trainer.sandbox.sandbox import Limits, Sandbox

Opening = Callable[..., AbstractAsyncContextManager[Sandbox]]
LIMITS = Limits(cpu_s=5, wall_s=120, memory_mb=256, disk_mb=8, file_mb=2, processes=30, output_kb=4)
IMAGE = os.environ.get("QUARTERMASTER_TEST_IMAGE", "python:3.11-slim")


def _docker_answers() -> bool:
    docker = shutil.which("docker")
    return docker is not None and subprocess.run((docker, "info"), capture_output=True, timeout=30).returncode == 0


@pytest.fixture(scope="session")
def docker() -> None:
    if not _docker_answers():
        pytest.skip("no Docker daemon answers here")


@pytest.fixture(params=["local", "docker"])
def opening(request: pytest.FixtureRequest) -> Opening:
    if request.param == "docker":
        request.getfixturevalue("docker")
        settings = SandboxSettings(kind="docker", limits=LIMITS, docker=DockerSettings(image=IMAGE))
    else:
        settings = SandboxSettings(kind="local", limits=LIMITS)
    return lambda files=None: open_sandbox(settings, files)


@pytest.fixture
async def sandbox(opening: Opening) -> AsyncIterator[Sandbox]:
    files: Mapping[str, bytes] = {
        "a/one.txt": b"1\n",
        "two.py": b"print('two')\n",
        "odd \xc3\xa4.bin": bytes(range(256)),
    }
    opened = opening(files)
    try:
        entered = await opened.__aenter__()
    except NoSandbox as error:
        pytest.skip(str(error))
    yield entered
    await opened.__aexit__(None, None, None)


async def test_what_was_given_is_there_byte_for_byte(sandbox: Sandbox) -> None:
    assert await sandbox.read("a/one.txt") == b"1\n"
    found = await sandbox.files()
    assert list(found) == sorted(found)
    assert found["a/one.txt"] == b"1\n"
    assert bytes(range(256)) in found.values()


async def test_a_command_runs_in_the_folder_and_its_changes_stay(sandbox: Sandbox) -> None:
    ran = await sandbox.run("python two.py && echo 3 > three.txt && mkdir -p b && mv a/one.txt b/")
    assert (ran.code, ran.output, ran.killed) == (0, "two\n", "")
    assert ran.ok
    assert await sandbox.read("three.txt") == b"3\n"
    assert "a/one.txt" not in await sandbox.files()
    assert (await sandbox.run("cat b/one.txt")).output == "1\n"


async def test_a_failing_command_is_a_result_with_its_status_and_both_streams(sandbox: Sandbox) -> None:
    ran = await sandbox.run("echo out; echo err >&2; exit 7")
    assert (ran.code, ran.output, ran.ok) == (7, "out\nerr\n", False)
    assert (await sandbox.run("no-such-command-at-all")).code == 127
    assert (await sandbox.run("kill -11 $$")).code == 139


async def test_a_written_file_can_be_read_run_and_changed_by_commands(sandbox: Sandbox) -> None:
    await sandbox.write("new/deep/run.sh", b"echo from $1\n")
    assert (await sandbox.run("echo x >> new/deep/run.sh; sh new/deep/run.sh here")).output.startswith("from here\n")
    await sandbox.write("new/deep/run.sh", b"short")
    assert await sandbox.read("new/deep/run.sh") == b"short"


async def test_what_is_not_there_or_no_file_is_said(sandbox: Sandbox) -> None:
    with pytest.raises(FileNotFoundError):
        await sandbox.read("nothing")
    with pytest.raises(IsADirectoryError):
        await sandbox.read("a")
    with pytest.raises(IsADirectoryError):
        await sandbox.write("a", b"")


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "", "..", "a\0b"])
async def test_paths_that_lead_out_are_refused(sandbox: Sandbox, path: str) -> None:
    with pytest.raises(PathOutside):
        await sandbox.read(path)
    with pytest.raises(PathOutside):
        await sandbox.write(path, b"x")


async def test_links_that_lead_out_are_refused(sandbox: Sandbox) -> None:
    await sandbox.run("ln -s /etc/passwd out; ln -s / up; ln -s two.py in; mkfifo pipe")
    for path in ("out", "up/etc/passwd", "pipe"):
        with pytest.raises(PathOutside):
            await sandbox.read(path)
    for path in ("out", "up/tmp/x", "pipe"):
        with pytest.raises(PathOutside):
            await sandbox.write(path, b"x")
    assert await sandbox.read("in") == b"print('two')\n"
    assert {"out", "up", "pipe"}.isdisjoint(await sandbox.files())


async def test_too_much_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(DiskFull):
        await sandbox.write("big", bytes(3 << 20))
    with pytest.raises(DiskFull):
        for number in range(6):
            await sandbox.write(f"part{number}", bytes(2 << 20))


async def test_a_fork_has_the_same_files_and_a_life_of_its_own(sandbox: Sandbox) -> None:
    await sandbox.run("chmod +x two.py; ln -s two.py link; mkdir empty")
    async with sandbox.fork() as copy:
        assert await copy.files() == await sandbox.files()
        assert (await copy.run("test -x two.py && readlink link && ls -d empty")).output == "two.py\nempty\n"
        await copy.write("only", b"here")
        await sandbox.write("only", b"there")
        assert await copy.read("only") == b"here"


async def test_siblings_print_the_same(opening: Opening, sandbox: Sandbox) -> None:
    command = "pwd; echo $HOME; hostname; id -u; date +%Z; python -c 'print(hash(str(1)), {*\"abc\"})'; echo $EXTRA"
    async with opening() as other:
        said = (await sandbox.run(command, env={"EXTRA": "given"})).output
        assert (await other.run(command, env={"EXTRA": "given"})).output == said
        assert said.endswith("given\n")


async def test_our_own_environment_is_not_seen(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERMASTER_TEST_TOKEN", "leak-7731")
    assert "leak-7731" not in (await sandbox.run("env; cat /proc/*/environ")).output


async def test_there_is_no_network(sandbox: Sandbox) -> None:
    assert (await sandbox.run("tail -n +3 /proc/net/dev | grep -v lo:")).output.strip() == ""
    probe = "import socket; socket.create_connection(('198.51.100.1', 80), 5)"
    assert "unreachable" in (await sandbox.run(f'python -c "{probe}"')).output


async def test_computing_too_long_is_the_commands_own_failure(sandbox: Sandbox) -> None:
    ran = await sandbox.run("while :; do :; done", limits=Limits(cpu_s=1, wall_s=120))
    assert (ran.killed, ran.ok) == ("cpu", False)


async def test_a_command_that_was_not_done_in_time_is_nobodys_fault(sandbox: Sandbox) -> None:
    with pytest.raises(WorldFailed, match="not done after"):
        await sandbox.run("while :; do :; done", limits=Limits(cpu_s=30, wall_s=0.4))
    assert (await sandbox.run("echo alive")).output == "alive\n"


async def test_a_command_that_slept_until_its_time_was_over_is_to_blame(sandbox: Sandbox) -> None:
    ran = await sandbox.run("sleep 1000", limits=Limits(wall_s=2))
    assert (ran.killed, ran.ok) == ("idle", False)


async def test_endless_output_is_cut_in_the_middle_and_stopped(sandbox: Sandbox) -> None:
    ran = await sandbox.run("echo first; head -c 100000 /dev/zero | tr '\\0' x; echo; echo last")
    assert ran.output.startswith("first\nxxx")
    assert ran.output.endswith("xxx\nlast\n")
    assert len(ran.output) < 5000
    assert "bytes left out" in ran.output
    assert (await sandbox.run("yes")).killed == "output"


async def test_nothing_that_a_command_started_outlives_it(sandbox: Sandbox) -> None:
    await sandbox.run("(setsid sleep 1000 &) ; nohup sleep 1000 > /dev/null 2>&1 & echo started")
    assert (await sandbox.run("cat /proc/*/cmdline | tr '\\0' ' ' | grep -c 'sleep 10[0]0'")).output == "0\n"
