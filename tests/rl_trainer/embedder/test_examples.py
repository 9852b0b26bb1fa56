"""What is learnt from, and what is kept."""

from pathlib import Path

import pytest

from rl_trainer.embedder.examples import Source, is_kept, read_sources
from rl_trainer.errors import TrainingDataMissing


def named(sources: list[Source], name: str) -> Source:
    return next(source for source in sources if source.name == name)


def test_nothing_learnt_needs_or_shows_a_kept_tool(sources: list[Source]) -> None:
    for source in sources:
        assert source.learnt
        assert source.kept
        for example in source.learnt:
            assert set(example.relevant) <= source.passages.keys()
        for example in source.kept:
            assert not set(example.relevant) & source.passages.keys()


def test_the_authors_test_splits_of_sealtools_are_kept(sources: list[Source]) -> None:
    source = named(sources, "sealtools")
    assert {id_.split("/")[0] for example in source.kept for id_ in example.relevant} == {"photos"}
    assert not any(id_.startswith("photos/") for id_ in source.passages)


def test_stabletoolbench_is_split_by_server(sources: list[Source]) -> None:
    source = named(sources, "stabletoolbench")
    kept = {id_.split("/")[0] for id_ in source.kept_passages if id_ not in source.passages}
    learnt = {id_.split("/")[0] for id_ in source.passages}
    assert kept
    assert not kept & learnt


def test_tools_that_mcp_union_asks_for_and_those_like_them_are_not_learnt(sources: list[Source]) -> None:
    source = named(sources, "questions")
    assert "recipe-a/find_recipe" not in source.passages
    assert "recipe-b/find_recipe" not in source.passages
    assert "recipe-a/find_recipe" in source.kept_passages


def test_tools_without_a_licence_are_not_learnt(sources: list[Source]) -> None:
    assert not any(id_.startswith("flight") for id_ in named(sources, "questions").passages)


def test_the_split_is_the_same_everywhere() -> None:
    assert [is_kept("metatool", name) for name in ("ResearchHelper/ResearchHelper", "timeport/timeport")] == [
        is_kept("metatool", name) for name in ("ResearchHelper/ResearchHelper", "timeport/timeport")
    ]
    share = sum(is_kept("metatool", f"tool-{number}") for number in range(2000)) / 2000
    assert 0.36 < share < 0.44


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataMissing, match=r"metatool\.tools\.jsonl\.gz.*docs/training\.md"):
        read_sources(tmp_path)
