"""A small world for `make run` to act in: some files, a Git repository and a shop's database."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_FILES = {
    "welcome.txt": "The tea room opens at nine. The kettle is behind the counter.\n",
    "recipes/scones.md": "# Scones\n\n- 225 g flour\n- 55 g butter\n- 150 ml milk\n\nBake 12 minutes at 220 degrees.\n",
    "recipes/chai.md": "# Chai\n\nCardamom, cinnamon, ginger, black tea, milk. Simmer for six minutes.\n",
    "stock.csv": "tea,grams\nAssam,1200\nSencha,450\nDarjeeling,800\nRooibos,95\n",
}

_SHOP = """
create table customers (id integer primary key, name text not null, city text not null);
create table orders (
    id integer primary key,
    customer_id integer not null references customers (id),
    tea text not null,
    price real not null,
    ordered_on text not null
);
insert into customers (id, name, city) values
    (1, 'Ines', 'Porto'), (2, 'Kofi', 'Accra'), (3, 'Mei', 'Taipei'), (4, 'Olav', 'Bergen');
insert into orders (customer_id, tea, price, ordered_on) values
    (1, 'Assam', 8.50, '2026-03-02'), (2, 'Sencha', 14.00, '2026-03-05'), (3, 'Darjeeling', 21.75, '2026-03-09'),
    (3, 'Sencha', 14.00, '2026-04-11'), (4, 'Rooibos', 6.25, '2026-04-18'), (1, 'Darjeeling', 21.75, '2026-05-01'),
    (2, 'Assam', 8.50, '2026-05-20'), (3, 'Assam', 17.00, '2026-06-03');
"""

_KETTLE_FIRST = "def boils(celsius: float) -> bool:\n    return celsius > 100\n"
_KETTLE_NAMED = """BOILING_POINT = 100.0


def boils(celsius: float) -> bool:
    return celsius > BOILING_POINT
"""
_KETTLE_TODAY = _KETTLE_NAMED.replace("celsius > BOILING_POINT", "celsius >= BOILING_POINT")

_HISTORY = (
    ("2026-03-01T09:00:00+00:00", "Ask whether water boils", {"kettle.py": _KETTLE_FIRST}),
    ("2026-03-02T10:30:00+00:00", "Name the boiling point", {"kettle.py": _KETTLE_NAMED}),
    ("2026-03-03T16:45:00+00:00", "Say what this is", {"README.md": "# kettle\n\nKnows when water boils.\n"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Where the parts of the world lie; `repository` is None on a machine without Git."""

    root: Path
    files: Path
    database: Path
    repository: Path | None


def make_sandbox(root: Path) -> Sandbox:
    """The world under `root`, made on the first call and left as it is afterwards."""
    sandbox = Sandbox(
        root=root,
        files=root / "files",
        database=root / "shop.db",
        repository=root / "kettle" if shutil.which("git") else None,
    )
    if not sandbox.files.exists():
        _make_whole(sandbox.files, _write_files)
    if not sandbox.database.exists():
        _make_whole(sandbox.database, _write_shop)
    if sandbox.repository and not sandbox.repository.exists():
        _make_whole(sandbox.repository, _write_repository)
    return sandbox


def _make_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write beside `path` and move it there, so that an interrupted run leaves nothing that looks finished."""
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(partial)
    partial.rename(path)


def _write_files(folder: Path) -> None:
    for name, text in _FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def _write_shop(file: Path) -> None:
    database = sqlite3.connect(file)
    try:
        database.executescript(_SHOP)
    finally:
        database.close()


def _write_repository(folder: Path) -> None:
    folder.mkdir(parents=True)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for when, message, files in _HISTORY:
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        _git(folder, "add", "--all")
        _git(folder, "commit", "--quiet", "--message", message, when=when)
    (folder / "kettle.py").write_text(_KETTLE_TODAY, encoding="utf-8")


def _git(folder: Path, *arguments: str, when: str = "") -> None:
    """Git without the user's own configuration: no signing, no hooks, always the same author and dates."""
    environment = os.environ | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_AUTHOR_NAME": "Tea Room",
        "GIT_AUTHOR_EMAIL": "tea@example.invalid",
        "GIT_COMMITTER_NAME": "Tea Room",
        "GIT_COMMITTER_EMAIL": "tea@example.invalid",
        "GIT_AUTHOR_DATE": when,
        "GIT_COMMITTER_DATE": when,
    }
    # Inside a Git hook these would point Git at the repository that the hook runs for.
    environment = {key: value for key, value in environment.items() if key not in {"GIT_DIR", "GIT_WORK_TREE"}}
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, env=environment, stdin=subprocess.DEVNULL)
