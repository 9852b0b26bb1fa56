"""The order of hits: copies put together, what many publish and what is preferred first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from retrieval.hit import Hit
from retrieval.index import ToolIndex, open_index
from retrieval.settings import RetrievalSettings
from retrieval.testing import HashEmbedder
from retrieval.tool import ToolSpec


def tool(server: str, name: str, description: str) -> ToolSpec:
    return ToolSpec(server=server, name=name, description=description)


def index_of(folder: Path, tools: Sequence[ToolSpec], **settings: Any) -> ToolIndex:
    index = open_index(folder, HashEmbedder(), RetrievalSettings(**settings))
    index.apply(tools, generation=1)
    return index


def ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.id for hit in hits]


READ = "Reads a file from the disk and gives its text"
COPIES = [tool(server, "read_file", READ) for server in ("files", "mirror", "fork")]
OTHERS = [tool("notes", "read_note", "Reads a note"), tool("web", "fetch_page", "Fetches a page and gives its text")]


def test_a_tool_of_several_servers_stands_once_with_the_others_as_alternatives(tmp_path: Path) -> None:
    hits = index_of(tmp_path, [*COPIES, *OTHERS]).search("read the text of a file", 3)
    assert sorted([hits[0].id, *hits[0].alternatives]) == ["files/read_file", "fork/read_file", "mirror/read_file"]
    assert {hit.server for hit in hits[1:]} == {"notes", "web"}


def test_where_too_few_other_tools_are_left_copies_fill_the_list(tmp_path: Path) -> None:
    hits = index_of(tmp_path, [*COPIES, *OTHERS]).search("read the text of a file", 5)
    assert len(hits) == 5
    assert {hit.server for hit in hits[3:]} <= {"files", "mirror", "fork"}


def test_copies_keep_their_places_when_they_are_not_to_be_grouped(tmp_path: Path) -> None:
    hits = index_of(tmp_path, [*COPIES, *OTHERS], group_alike=False).search("read the text of a file", 3)
    assert {hit.id for hit in hits} == {copy.tool_id for copy in COPIES}
    assert all(not hit.alternatives for hit in hits)


def test_tools_of_one_name_that_do_other_things_are_not_grouped(tmp_path: Path) -> None:
    other = tool("cloud", "read_file", "Streams the objects of a bucket over the network")
    hits = index_of(tmp_path, [COPIES[0], other]).search("read file", 2)
    assert len(hits) == 2
    assert not hits[0].alternatives


def test_what_many_servers_publish_gains_a_little(tmp_path: Path) -> None:
    single = tool("alone", "open_file", "Opens a file from the disk and gives its text")
    by_words = {"fusion": "lexical", "popularity": 0.5}
    few = index_of(tmp_path / "few", [COPIES[0], single], **by_words).search("file", 1)[0]
    many = index_of(tmp_path / "many", [*COPIES, single], **by_words).search("file", 1)[0]
    assert few.id in {"files/read_file", "alone/open_file"}
    assert many.id.endswith("/read_file")


def test_copies_beyond_eight_servers_add_nothing(tmp_path: Path) -> None:
    def best(count: int) -> float:
        copies = [tool(f"server{number}", "read_file", READ) for number in range(count)]
        hits = index_of(tmp_path / str(count), copies, fusion="dense", popularity=0.1).search(READ, 1)
        return hits[0].score

    assert best(4) < best(8) == pytest.approx(best(16))


def test_a_preferred_server_stands_for_its_copies(tmp_path: Path) -> None:
    hits = index_of(tmp_path, [*COPIES, *OTHERS]).search("read the text of a file", 1, prefer={"mirror"})
    assert ids(hits) == ["mirror/read_file"]
    assert set(hits[0].alternatives) == {"files/read_file", "fork/read_file"}


def test_preferring_servers_of_which_nothing_is_found_changes_nothing(tmp_path: Path) -> None:
    index = index_of(tmp_path, [*COPIES, *OTHERS])
    plain = index.search("read the text of a file", 3)
    assert index.search("read the text of a file", 3, prefer={"elsewhere"}) == plain


def test_a_preferred_server_does_not_win_with_what_fits_much_worse(tmp_path: Path) -> None:
    hits = index_of(tmp_path, [COPIES[0], OTHERS[0]]).search(READ, 2, prefer={"notes"})
    assert ids(hits) == ["files/read_file", "notes/read_note"]


def test_folders_of_a_path_are_no_words(tmp_path: Path) -> None:
    testing = tool("testing", "add_test_run", "Adds a test run to a project")
    hits = index_of(tmp_path, [COPIES[0], testing], fusion="lexical").search("Read ./test/project/run/main.py", 2)
    assert [(hit.id, hit.words) for hit in hits] == [("files/read_file", ("read",)), ("testing/add_test_run", ())]
