"""`make run` as the README promises it: real servers, three requests, the right tools, called."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_INSTALL_S = 600.0


def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments], cwd=_ROOT, capture_output=True, text=True, timeout=60, check=False, env=_outside_make()
    )


def _outside_make() -> dict[str, str]:
    """Without what `make test` tells the makes below it."""
    return {key: value for key, value in os.environ.items() if key not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}


def test_make_alone_lists_every_target() -> None:
    listed = _make().stdout
    for target in ("run", "install", "test", "check", "fix", "bench", "gpu-check", "clean"):
        assert f"make {target} " in listed


def test_a_python_that_is_too_old_is_named_with_what_to_do(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = _make("install", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert "make PYTHON=" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_that_is_missing_is_named_too(tmp_path: Path) -> None:
    done = _make("install", f"PYTHON={tmp_path / 'nothing'}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    assert "is missing" in done.stderr


def test_installing_again_does_nothing_until_the_requirements_change(tmp_path: Path) -> None:
    stamp = tmp_path / ".installed"
    stamp.touch()
    assert _make("--question", "install", f"VENV={tmp_path}").returncode == 0
    os.utime(stamp, (0, 0))
    assert _make("--question", "install", f"VENV={tmp_path}").returncode == 1


def test_gpu_check_says_what_is_there_and_succeeds() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/gpu_check.py"], cwd=_ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert ("nothing measured" in done.stdout) != ("recall@10" in done.stdout)


def test_a_server_that_cannot_be_installed_is_named_and_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(_ROOT / "scripts")
    import demo_servers

    good, broken = (demo_servers.Server(name=name, package=f"{name}==1", command=name) for name in ("good", "broken"))
    asked: list[list[str]] = []

    def install(packages: list[str]) -> str | None:
        asked.append(packages)
        return "no such version" if "broken==1" in packages else None

    def installed() -> demo_servers.Installed:
        group = demo_servers.Group(name="group", servers=(good, broken))
        return demo_servers.install_group(group, tmp_path, tmp_path / "bin", install=install, say=lambda text: None)

    found = installed()
    assert found.missing == {"broken": "no such version"}
    assert found.commands == {"good": (str(tmp_path / "bin" / "good"),)}
    assert asked == [["good==1", "broken==1"], ["good==1"], ["broken==1"]]
    assert installed().missing == {"broken": "no such version"}, "what failed is tried again the next time"


@pytest.mark.slow
@pytest.mark.timeout(2 * _INSTALL_S)
def test_the_right_tools_are_found_and_called_and_a_second_run_installs_nothing(tmp_path: Path) -> None:
    first = _demo(tmp_path)
    assert "Asia/Tokyo" in first.stdout
    assert "06:30" in first.stdout or "05:30" in first.stdout, "Tokyo is 14 hours ahead of New York, or 13 in summer"
    assert first.stdout.index("Mei") < first.stdout.index("Ines"), "Mei spent the most"
    assert "+    return celsius >= BOILING_POINT" in first.stdout
    shown, _, agent = first.stdout.partition("The agent:")
    assert "call_tool" in shown
    assert "time/convert_time" in agent, "the agent found and called the right tool"
    assert re.search(r"done after \d+ s:", agent), agent
    assert "connect claude-desktop" in first.stdout
    assert "\x1b" not in first.stdout, "colours, though nobody reads it on a terminal"
    again = _demo(tmp_path, "--no-agent")
    assert "installing" not in again.stderr
    assert "servers add" not in again.stderr
    assert "servers import" not in again.stderr
    assert "Asia/Tokyo" in again.stdout


def _demo(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The script behind `make run`, on a state folder of its own; the installed servers are shared with `make run`."""
    done = subprocess.run(
        [sys.executable, "scripts/demo.py", "--home", str(folder / "home"), *options],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=_INSTALL_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done
