"""What is said to docker and what its answers mean, without a daemon; and what is said where there is none."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from rl_trainer.errors import DiskFull, NoSandbox, RecipeWrong, WorldFailed
from rl_trainer.sandbox import docker_commands as commands
from rl_trainer.sandbox.docker import open_docker
from rl_trainer.sandbox.docker_commands import Used
from rl_trainer.sandbox.docker_settings import DockerSettings
from rl_trainer.sandbox.sandbox import Limits

SETTINGS = DockerSettings(image="repo:1")
LIMITS = Limits(memory_mb=300, disk_mb=20, processes=40, cpu_s=2.5, file_mb=3)


def test_a_container_has_no_network_no_privileges_and_every_limit() -> None:
    started = " ".join(commands.start("box", SETTINGS, LIMITS))
    for words in (
        "docker run --detach --name box",
        "--network none",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--memory 300m --memory-swap 300m",
        "--pids-limit 48",
        "--read-only",
        "--tmpfs /work:rw,exec,nosuid,nodev,mode=1777,size=20m",
        "--entrypoint /bin/sh repo:1 -c",
    ):
        assert words in started
    assert "--user" not in started
    assert "--volume" not in started


def test_the_folder_of_an_image_is_kept_where_it_is_asked_for() -> None:
    kept = DockerSettings(image="swe:1", workdir="/testbed", keep_workdir=True, user="1000")
    started = " ".join(commands.start("box", kept, LIMITS))
    assert "--read-only" not in started
    assert "/testbed:" not in started
    assert "--workdir /testbed" in started
    assert "--user 1000" in started


def test_a_command_is_one_argument_whatever_is_in_it() -> None:
    command = "echo \"$HOME\"; rm -rf '/'"
    said = commands.run_in("box", SETTINGS, LIMITS, command=command, env={"A": "b c"})
    assert said[-1] == command
    assert said[:2] == ["docker", "exec"]
    assert "A=b c" in said
    assert any("ulimit -t 3;" in part and "ulimit -f 6144;" in part for part in said)


def test_what_was_used_is_the_difference_of_two_looks() -> None:
    before = commands.read_used("oom 0\noom_kill 1\nusage_usec 1500000\nsome avg10=0.00 avg60=0.00 total=200000\n")
    after = commands.read_used("oom_kill 2\nusage_usec 4000000\nuser_usec 1\nsome avg10=1 total=700000\nfull total=1\n")
    used = after.since(before)
    assert (used.cpu_s, used.waited_s, used.out_of_memory) == (2.5, pytest.approx(0.5), 1)


@pytest.mark.parametrize(
    ("used", "who"),
    [
        (Used(cpu_s=9, waited_s=1), "cpu"),
        (Used(cpu_s=0.1, waited_s=0.1), "idle"),
        (Used(cpu_s=0.1, waited_s=30), "wall"),
        (Used(cpu_s=0.1), "wall"),
    ],
)
def test_the_machine_is_blamed_unless_the_command_is_known_to_have_slept(used: Used, who: str) -> None:
    assert commands.who_took_the_time(used, Limits(cpu_s=5, wall_s=60)) == who


def test_a_kill_is_for_memory_only_where_the_kernel_counted_one() -> None:
    assert commands.what_killed(137, Used(out_of_memory=1)) == "memory"
    assert [commands.what_killed(code, Used()) for code in (137, 152, 153, 1, 0)] == ["", "cpu", "file", "", ""]


def test_files_come_out_of_an_archive_without_links_and_not_without_end() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in (("./a/b", b"x" * 10), ("./c", b"y" * 5)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("./link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert commands.unpacked(packed.getvalue(), most=15) == {"a/b": b"x" * 10, "c": b"y" * 5}
    with pytest.raises(DiskFull):
        commands.unpacked(packed.getvalue(), most=14)


async def test_without_an_image_docker_is_not_asked() -> None:
    with pytest.raises(RecipeWrong, match="image"):
        async with open_docker():
            pass


async def test_without_the_program_the_message_names_it() -> None:
    with pytest.raises(NoSandbox, match="no-such-docker"):
        async with open_docker(settings=DockerSettings(image="x", program="no-such-docker")):
            pass


@pytest.mark.parametrize(
    ("says", "error"),
    [
        ("Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?", NoSandbox),
        ("docker: Error response from daemon: No such image: x", RecipeWrong),
        ("docker: no space left on device", WorldFailed),
    ],
)
async def test_why_no_container_started_decides_who_must_act(tmp_path: Path, says: str, error: type[Exception]) -> None:
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 125\n")
    program.chmod(0o755)
    with pytest.raises(error, match=says[-10:].replace("?", ".")):
        async with open_docker(settings=DockerSettings(image="x", program=os.fspath(program))):
            pass


def test_the_scripts_for_a_container_are_good_shell(tmp_path: Path) -> None:
    import subprocess

    def sh(script: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ("/bin/sh", "-c", script, "sh", *arguments), cwd=tmp_path, input=stdin, capture_output=True
        )

    assert sh(commands.WRITE, "f", "a", "b", stdin=b"content").returncode == 0
    assert sh(commands.READ, "a/b/f", "3").stdout == b"con"
    assert sh(commands.READ, "a", "9").returncode == commands.FOLDER
    assert sh(commands.READ, "missing", "9").returncode == commands.MISSING
    assert sh(commands.WRITE, "a").returncode == commands.FOLDER
    (tmp_path / "out").symlink_to("/etc")
    assert sh(commands.READ, "out/passwd", "9").returncode == commands.OUTSIDE
    assert sh(commands.WRITE, "x", "out").returncode == commands.OUTSIDE
    packed = sh(commands.PACK).stdout
    assert commands.unpacked(packed, most=100) == {"a/b/f": b"content"}
    assert sh(commands.UNPACK, stdin=packed).returncode == 0
    assert (tmp_path / "a/b/f").read_bytes() == b"content"
