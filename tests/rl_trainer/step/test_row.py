"""Packing: every sample is a path in one row, and what it sees there is itself."""

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from rl_trainer.sample import Sample
from rl_trainer.step.row import Row, pack

IDS = st.lists(st.integers(0, 2), min_size=2, max_size=12)
"""Few different ids, so that beginnings are shared, repeated, and contained in each other."""


def seen_by(row: Row, at: int) -> list[int]:
    """Where in the row the token at a place looks, itself last."""
    stretch = next(one for one in row.stretches if one.start <= at < one.stop)
    before = [place for first, last in stretch.before for place in range(first, last)]
    return [*before, *range(stretch.start, at + 1)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lists=st.lists(st.tuples(IDS, st.sampled_from("ab")), min_size=1, max_size=8),
    tokens=st.integers(1, 40),
    packing=st.sampled_from(["tree", "rows", "none"]),
)
def test_every_sample_is_a_path_that_sees_only_itself(
    make_sample: Callable[..., Sample], lists: list[tuple[list[int], str]], tokens: int, packing: Any
) -> None:
    samples = [make_sample(ids, [False] + [True] * (len(ids) - 1), seed=0, task=task) for ids, task in lists]
    rows = pack(samples, tokens=tokens, packing=packing)
    assert sorted(member for row in rows for member in row.members) == list(range(len(samples)))
    for row in rows:
        assert len(row) <= max(tokens, *(len(samples[member]) for member in row.members))
        assert [place for one in row.stretches for place in range(one.start, one.stop)] == list(range(len(row)))
        for member, path in zip(row.members, row.paths, strict=True):
            assert row.ids[path].tolist() == samples[member].ids.tolist()
            assert row.positions[path].tolist() == list(range(len(path)))
            assert all(seen_by(row, int(at)) == path[: depth + 1].tolist() for depth, at in enumerate(path))
    if packing != "tree":
        assert sum(map(len, rows)) == sum(map(len, samples))


def test_a_tree_holds_each_prefix_once(make_sample: Callable[..., Sample]) -> None:
    lists = [[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 6], [1, 2, 3, 4]]
    samples = [make_sample(ids, [False] + [True] * (len(ids) - 1), seed=0) for ids in lists]
    (row,) = pack(samples, tokens=100, packing="tree")
    assert row.ids.tolist() == [1, 2, 3, 4, 5, 6]
    assert row.positions.tolist() == [0, 1, 2, 3, 3, 2]


def test_a_task_s_samples_stay_together_where_a_row_holds_them(make_sample: Callable[..., Sample]) -> None:
    lists = [("a", [1, 2]), ("a", [1, 3]), ("b", [2, 2, 2]), ("b", [2, 2, 3])]
    samples = [make_sample(ids, [False] + [True] * (len(ids) - 1), seed=0, task=task) for task, ids in lists]
    rows = pack(samples, tokens=5, packing="tree")
    assert [sorted(row.members) for row in rows] == [[0, 1], [2, 3]]


def test_nothing_makes_no_rows() -> None:
    assert pack([], tokens=10, packing="tree") == []


@pytest.mark.parametrize("packing", ["tree", "rows"])
def test_a_sample_longer_than_a_row_has_one_of_its_own(make_sample: Callable[..., Sample], packing: Any) -> None:
    draw = np.random.default_rng(0)
    samples = [make_sample(draw.integers(0, 9, size).tolist(), [False] * size, seed=0) for size in (4, 30, 4)]
    rows = pack(samples, tokens=10, packing=packing)
    assert [1] in [list(row.members) for row in rows]
