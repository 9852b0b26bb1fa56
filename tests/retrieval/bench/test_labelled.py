"""Labelled sets are read whole, or the line that is wrong is named."""

import gzip
import json
from pathlib import Path

import pytest

from retrieval.bench.labelled import only, read_labelled_set, sample, set_names
from retrieval.errors import LabelledDataWrong


def _append(path: Path, line: str) -> None:
    path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")


def test_a_set_has_its_tools_and_what_each_query_needs(folder: Path) -> None:
    labelled = read_labelled_set(folder, "small")
    assert [tool.tool_id for tool in labelled.tools][:2] == ["git/git_log", "git/git_commit"]
    needed = {query.query_id: query.needed for query in labelled.queries}
    assert needed["q1"] == (frozenset({"git/git_log", "hub/list_commits"}),)
    assert needed["q2"] == (frozenset({"git/git_commit"}), frozenset({"mail/send_mail"}))


def test_what_is_needed_and_absent_is_told_and_queries_that_need_nothing_are_left_out(folder: Path) -> None:
    labelled = read_labelled_set(folder, "small")
    assert labelled.absent == ("space/launch",)
    assert labelled.unlabelled == 1
    assert "q4" not in {query.query_id for query in labelled.queries}


def test_gzipped_files_are_the_same_set(folder: Path) -> None:
    plain = read_labelled_set(folder, "small")
    for path in list(folder.iterdir()):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert read_labelled_set(folder, "small") == plain
    assert set_names(folder) == ["small"]


def test_the_tools_of_mcp_union_may_lie_one_folder_above(folder: Path) -> None:
    (folder / "small.tools.jsonl").rename(folder.parent / "mcp_tools.jsonl")
    (folder / "small.queries.jsonl").rename(folder / "mcp_union.queries.jsonl")
    assert len(read_labelled_set(folder, "mcp_union").tools) == 4
    assert set_names(folder) == ["mcp_union"]


@pytest.mark.parametrize(
    ("file", "line", "says"),
    [
        ("tools", "not JSON", "Expecting value"),
        ("tools", '{"server": "x"}', "name"),
        ("tools", '{"server": "a/b", "name": "x"}', "must have no '/'"),
        ("tools", '{"server": "a", "name": "x", "tool_id": "a/y"}', "'a/y' is not server/name"),
        ("tools", '{"server": "git", "name": "git_log"}', "a second time"),
        ("tools", '{"server": "a", "name": "x", "input_schema": []}', "input_schema"),
        ("queries", '{"query_id": "q", "query": "x", "relevant": "git/git_log"}', "relevant"),
        ("queries", '{"query_id": "q", "query": "x", "relevant_groups": [[]]}', "is empty"),
        ("queries", '{"query_id": "q", "query": " ", "relevant": ["git/git_log"]}', "query is empty"),
    ],
)
def test_a_wrong_line_is_named_with_its_file(folder: Path, file: str, line: str, says: str) -> None:
    path = folder / f"small.{file}.jsonl"
    _append(path, "")
    _append(path, line)
    with pytest.raises(LabelledDataWrong) as caught:
        read_labelled_set(folder, "small")
    assert f"{path}, line 6: " in str(caught.value)
    assert says in str(caught.value)


def test_a_file_that_is_cut_off_is_named(folder: Path) -> None:
    path = folder / "small.tools.jsonl"
    whole = gzip.compress(path.read_bytes())
    path.unlink()
    (folder / "small.tools.jsonl.gz").write_bytes(whole[:-20])
    with pytest.raises(LabelledDataWrong, match="cannot be read"):
        read_labelled_set(folder, "small")


def test_a_missing_file_is_named_with_the_folder_where_it_should_be(folder: Path) -> None:
    with pytest.raises(LabelledDataWrong, match=r"other\.tools\.jsonl\[\.gz\] is not in .*--data"):
        read_labelled_set(folder, "other")
    (folder / "small.queries.jsonl").unlink()
    with pytest.raises(LabelledDataWrong, match=r"small\.queries\.jsonl"):
        read_labelled_set(folder, "small")
    with pytest.raises(LabelledDataWrong, match="there is no labelled set"):
        set_names(folder)


def test_a_sample_is_the_same_for_the_same_seed_and_never_more_than_there_is(folder: Path) -> None:
    labelled = read_labelled_set(folder, "small")
    assert sample(labelled, 2, seed=1) == sample(labelled, 2, seed=1)
    assert len(sample(labelled, 2, seed=1).queries) == 2
    assert sample(labelled, 0, seed=1) is labelled
    assert sample(labelled, 99, seed=1) is labelled


def test_a_split_keeps_the_queries_that_it_names(folder: Path) -> None:
    labelled = read_labelled_set(folder, "small")
    assert [query.query_id for query in only(labelled, {"q2", "elsewhere"}).queries] == ["q2"]
    with pytest.raises(LabelledDataWrong, match="look like 'q1'"):
        only(labelled, {"elsewhere"})


def test_lone_surrogates_in_descriptions_are_kept_as_they_are(folder: Path) -> None:
    _append(folder / "small.tools.jsonl", json.dumps({"server": "a", "name": "x", "description": "\ud800"}))
    assert read_labelled_set(folder, "small").tools[-1].description == "\ud800"
