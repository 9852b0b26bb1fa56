"""Reading a feed starts no process and opens no connection."""

import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"
FILES = sorted(
    path for path in DATA.rglob("*") if path.suffix in {".json", ".toml", ".gz"} and "queries" not in path.name
)

# An audit hook cannot be taken away again, so the reading is done in a process of its own.
_WATCHED = """
import sys
from pathlib import Path
from mcp_registry.feeds.read import read_feed
seen = []
def watch(event, args):
    starts = ("subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "socket.connect")
    if event.startswith(starts):
        seen.append(event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        seen.append(f"write to {args[0]}")
sys.addaudithook(watch)
for name in sys.argv[1:]:
    feed = read_feed(Path(name))
    assert feed.servers or feed.offers or feed.tools, name
print(seen)
"""


def test_reading_every_form_starts_and_writes_nothing():
    assert len(FILES) >= 8
    ran = subprocess.run(
        [sys.executable, "-B", "-c", _WATCHED, *map(str, FILES)],
        cwd=DATA.parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_the_watch_would_see_a_process():
    ran = subprocess.run(
        [sys.executable, "-B", "-c", _WATCHED.replace("print(seen)", "import os; os.system('true'); print(seen)")],
        cwd=DATA.parents[1],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout == "['os.system']\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_feed_holds_what_its_file_calls_not_real(path):
    from mcp_registry.feeds.read import read_feed

    assert "not-a-real" not in repr(read_feed(path))
