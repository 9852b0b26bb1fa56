"""Batches for contrastive learning."""

import numpy as np

from rl_trainer.embedder.batches import Prepared, count, epoch

SIZE = 8


def test_every_batch_is_whole_and_of_one_source(prepared: list[Prepared], rng: np.random.Generator) -> None:
    batches = list(epoch(prepared, SIZE, rng))
    assert 0.8 * count(prepared, SIZE) <= len(batches) <= count(prepared, SIZE)
    for batch in batches:
        assert len(batch.queries) == SIZE
        assert batch.masked.shape == (SIZE, len(batch.passages))
        assert SIZE <= len(batch.passages) <= 2 * SIZE
        assert not batch.masked[np.arange(SIZE), np.arange(SIZE)].any()


def test_a_look_alike_of_the_right_tool_is_no_negative(prepared: list[Prepared], rng: np.random.Generator) -> None:
    source = next(one.source for one in prepared if one.source.name == "questions")
    group_of = {text: source.alike[id_] for id_, text in source.passages.items()}
    seen = 0
    for batch in epoch(prepared, SIZE, rng):
        if batch.source != "questions":
            continue
        groups = [group_of[passage] for passage in batch.passages]
        for row in range(SIZE):
            for column, group in enumerate(groups):
                if group == groups[row] and column != row:
                    assert batch.masked[row, column]
                    seen += 1
    assert seen


def test_mined_negatives_are_never_what_the_query_needs(prepared: list[Prepared]) -> None:
    for one in prepared:
        assert any(len(found) for found in one.negatives)
        for example, found in zip(one.source.learnt, one.negatives, strict=True):
            assert not {one.ids[place] for place in found} & set(example.relevant)


def test_the_same_seed_gives_the_same_epoch(prepared: list[Prepared]) -> None:
    first, second = (list(epoch(prepared, SIZE, np.random.default_rng(3))) for _ in range(2))
    assert [batch.queries for batch in first] == [batch.queries for batch in second]
    assert [batch.passages for batch in first] == [batch.passages for batch in second]
