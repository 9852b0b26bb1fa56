"""What a policy may try in a local sandbox, and that it comes to nothing; the fixture looks for what is left."""

import asyncio
import os
import select
import signal
import socket
import sys
from pathlib import Path

import pytest

from rl_trainer.errors import DiskFull, RecipeWrong, WorldFailed
from rl_trainer.sandbox.local import LocalSettings, open_local
from rl_trainer.sandbox.sandbox import Limits, Sandbox

LIMITS = Limits(cpu_s=5, wall_s=120, memory_mb=128, disk_mb=8, file_mb=2, processes=20, output_kb=8)


async def _python(sandbox: Sandbox, program: str, **limits: float) -> tuple[str, str]:
    await sandbox.write("program.py", program.encode())
    given = Limits(**{"cpu_s": 5, "wall_s": 120, "memory_mb": 128, "file_mb": 2, "processes": 20, **limits})  # type: ignore[arg-type]
    ran = await sandbox.run("python program.py", limits=given)
    return ran.output, ran.killed


async def test_a_fork_bomb_runs_into_the_limit_and_dies_with_its_command(sandbox: Sandbox) -> None:
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: print('no more', flush=True); break\n"
    output, _ = await _python(sandbox, bomb + "import time; time.sleep(.1)\n")
    assert "no more" in output


async def test_a_single_memory_hog_gets_a_memory_error(sandbox: Sandbox) -> None:
    output, killed = await _python(sandbox, "hog = bytearray(1 << 30)")
    assert ("MemoryError" in output, killed) == (True, "")


async def test_many_small_memory_hogs_are_stopped_together(sandbox: Sandbox) -> None:
    hog = "import os, time\nfor _ in range(5): os.fork()\nhog = b'x' * (40 << 20)\ntime.sleep(100)\n"
    _, killed = await _python(sandbox, hog, processes=40)
    assert killed == "memory"


async def test_a_process_for_each_bit_of_time_is_stopped_by_the_sum(sandbox: Sandbox) -> None:
    ran = await sandbox.run("while :; do (for i in 1 2 3; do :; done); done", limits=Limits(cpu_s=5, cpu_total_s=0.3))
    assert ran.killed == "cpu"


async def test_ignoring_the_signal_of_the_time_limit_does_not_help(sandbox: Sandbox) -> None:
    stubborn = "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass\n"
    assert (await _python(sandbox, stubborn, cpu_s=0.1))[1] == "cpu"


async def test_files_cannot_outgrow_a_file_the_disk_or_its_number_of_files(sandbox: Sandbox) -> None:
    assert (await sandbox.run("exec yes > big")).killed == "file"
    assert len(await sandbox.read("big")) == 2 << 20
    said = await sandbox.run("for i in 1 2 3 4 5 6; do cp big /tmp/$i; done")
    assert "No space left" in said.output
    with pytest.raises(DiskFull):
        await sandbox.write("more", bytes(2 << 20))
    await sandbox.run("rm -f big /tmp/*")
    output, _ = await _python(sandbox, "for n in range(10**6): open(str(n), 'w').close()")
    assert "No space left" in output


async def test_holes_and_links_do_not_fill_our_memory(sandbox: Sandbox) -> None:
    await sandbox.run("truncate -s 2M hole; for i in 1 2 3 4 5 6 7 8 9; do ln hole $i; done")
    with pytest.raises(DiskFull):
        await sandbox.files()


async def test_folders_without_end_do_not_trap_a_reader(sandbox: Sandbox) -> None:
    await _python(sandbox, "import os\nfor _ in range(2000): os.mkdir('d'); os.chdir('d')")
    with pytest.raises(DiskFull, match="deeper"):
        await sandbox.files()


async def test_a_locked_file_is_read_all_the_same(sandbox: Sandbox) -> None:
    await sandbox.run("mkdir d; echo hidden > d/x; chmod 0 d/x d")
    assert (await sandbox.files())["d/x"] == b"hidden\n"
    await sandbox.write("d/x", b"seen")
    assert await sandbox.read("d/x") == b"seen"


async def test_files_of_the_host_are_not_there(sandbox: Sandbox, tmp_path: Path) -> None:
    secret = tmp_path / "gold.patch"
    secret.write_text("the answer")
    ran = await sandbox.run(
        f"cat {secret}; cat /proc/1/root{secret}; ls {Path.home()} {Path(__file__).parent}; ls /proc"
    )
    assert "the answer" not in ran.output
    assert "test_hostile.py" not in ran.output
    assert str(os.getpid()) not in ran.output.split()


async def test_nothing_of_the_system_can_be_written(sandbox: Sandbox) -> None:
    for place in ("/usr/x", "/etc/x", "/x", "/dev/x", "/opt/bin/x", "/proc/sys/kernel/core_pattern"):
        assert (await sandbox.run(f"echo x > {place}")).code != 0
    assert (await sandbox.run("mknod d c 1 1")).code != 0
    assert (await sandbox.run("chown 0 honest.py")).code != 0


async def test_there_are_no_privileges_to_be_had(sandbox: Sandbox) -> None:
    for command in ("unshare --user true", "mount -t tmpfs x /tmp", "unshare --mount true", "umount /tmp"):
        assert (await sandbox.run(command)).code != 0
    status = (await sandbox.run("grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status")).output.split()
    assert status[1::2] == ["0" * 16] * 4 + ["1"]


async def test_the_first_process_can_be_neither_killed_nor_traced_nor_looked_into(sandbox: Sandbox) -> None:
    ran = await sandbox.run("for s in TERM INT KILL STOP XCPU; do kill -$s 1; done; sleep 0.1; echo alive")
    assert ran.output.endswith("alive\n")
    trace = (
        "import ctypes\nprint(ctypes.CDLL(None).ptrace(16, 1, 0, 0))\n"
        "for name in ('mem', 'environ', 'fd/3', 'root/etc'):\n"
        "    try: open('/proc/1/' + name); print('opened', name)\n"
        "    except OSError: pass\n"
    )
    assert (await _python(sandbox, trace))[0] == "-1\n"


async def test_memory_that_belongs_to_no_process_cannot_be_had(sandbox: Sandbox) -> None:
    output, _ = await _python(sandbox, "import os\nos.memfd_create('hoard')")
    assert "Function not implemented" in output


async def test_what_can_be_seen_of_the_first_process_is_the_same_in_siblings(sandbox: Sandbox) -> None:
    async with open_local(limits=LIMITS) as other:
        look = "cat /proc/1/cmdline /proc/1/cgroup; ls -l /proc/self/fd | cut -d' ' -f9; cat /proc/mounts"
        assert (await other.run(look)).output == (await sandbox.run(look)).output


async def test_limits_cannot_be_raised(sandbox: Sandbox) -> None:
    raising = (
        "import resource as r\n"
        "for kind in (r.RLIMIT_CPU, r.RLIMIT_DATA, r.RLIMIT_FSIZE, r.RLIMIT_NPROC, r.RLIMIT_NOFILE):\n"
        "    soft, hard = r.getrlimit(kind)\n"
        "    try: r.setrlimit(kind, (hard + 1, hard + 1)); print('raised', kind)\n"
        "    except (ValueError, OSError): pass\n"
    )
    assert await _python(sandbox, raising) == ("", "")


async def test_servers_of_the_host_cannot_be_reached(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as named:
        name = f"\0quartermaster-test-{os.getpid()}"
        named.bind(name)
        named.listen()
        port = server.getsockname()[1]
        dial = (
            "import errno, socket\n"
            f"for kind, place in ((socket.AF_INET, ('127.0.0.1', {port})), (socket.AF_UNIX, {name!r})):\n"
            "    print(errno.errorcode.get(socket.socket(kind).connect_ex(place)))\n"
        )
        assert await _python(sandbox, dial) == ("ECONNREFUSED\nECONNREFUSED\n", "")


async def test_a_server_of_its_own_can_be_reached(sandbox: Sandbox) -> None:
    own = (
        "import socket\ns = socket.create_server(('127.0.0.1', 0))\nsocket.create_connection(s.getsockname())\nprint(1)"
    )
    assert await _python(sandbox, own) == ("1\n", "")


async def test_a_cancelled_command_is_dead_and_the_sandbox_goes_on(sandbox: Sandbox) -> None:
    running = asyncio.ensure_future(sandbox.run("echo begun > begun; sleep 1000"))
    async with asyncio.timeout(30):
        while b"begun\n" not in (await sandbox.files()).values():
            await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await sandbox.run("cat /proc/*/cmdline | tr '\\0' ' ' | grep -c 'sleep 10[0]0'")).output == "0\n"


async def test_commands_of_one_sandbox_wait_for_one_another(sandbox: Sandbox) -> None:
    count = "n=$(cat n 2>/dev/null || echo 0); echo $((n + 1)) > n"
    await asyncio.gather(*(sandbox.run(count) for _ in range(8)))
    assert await sandbox.read("n") == b"8\n"


async def test_a_dead_holder_is_the_worlds_failure(sandbox: Sandbox) -> None:
    async with open_local() as other:
        held = other._held  # type: ignore[attr-defined]  # no command can do this, so the test does
        held.process.send_signal(signal.SIGKILL)
        with pytest.raises(WorldFailed):
            await other.run("true")


async def test_when_we_are_killed_the_sandbox_dies_with_us(sandbox: Sandbox) -> None:
    script = (
        "import asyncio\nfrom rl_trainer.sandbox.local import open_local\n"
        "async def main():\n    async with open_local() as sandbox:\n"
        "        running = asyncio.ensure_future(sandbox.run('echo begun > begun; sleep 1000'))\n"
        "        while not await sandbox.files(): await asyncio.sleep(0)\n"
        "        print(sandbox._held.process.pid, flush=True)\n        await running\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    holder = int(await process.stdout.readline())
    watched = os.pidfd_open(holder)
    process.kill()
    await process.wait()
    async with asyncio.timeout(30):
        assert await asyncio.to_thread(select.select, [watched], [], [], 30) == ([watched], [], [])
    os.close(watched)


async def test_a_command_that_cannot_be_given_is_a_result(sandbox: Sandbox) -> None:
    assert (await sandbox.run("echo " + "x" * 140_000)).code == 126
    assert (await sandbox.run("echo a\0b")).code == 126


async def test_a_cancelled_opening_leaves_nothing(sandbox: Sandbox) -> None:
    async def enter() -> None:
        async with open_local():
            raise AssertionError("never opened")

    for turns in range(5):
        opening = asyncio.ensure_future(enter())
        for _ in range(turns):
            await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening


async def test_what_is_to_be_shown_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(RecipeWrong, match="no absolute path"):
        async with open_local(settings=LocalSettings(binds=(str(tmp_path / "missing"),))):
            pass


async def test_a_bound_folder_is_seen_and_cannot_be_written(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text("VALUE = 5\n")
    tmp_path.chmod(0o755)
    async with open_local(settings=LocalSettings(binds=(str(tmp_path),))) as other:
        seen = await other.run("python -c 'import library; print(library.VALUE)'", env={"PYTHONPATH": str(tmp_path)})
        assert seen.output == "5\n"
        assert (await other.run(f"touch {tmp_path}/x")).code != 0
