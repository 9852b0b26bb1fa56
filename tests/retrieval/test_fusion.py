import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.fusion import FusionKind, fuse, ranks

pairs = st.lists(st.tuples(st.floats(-1, 1, width=32), st.floats(0, 1, width=32)), min_size=1, max_size=20)


@given(pairs, st.sampled_from(["weighted", "rrf", "dense", "lexical"]))
def test_fused_scores_lie_between_0_and_1(scores: list[tuple[float, float]], kind: FusionKind) -> None:
    dense, lexical = np.array(scores, dtype=np.float32).T
    fused = fuse(kind, dense, lexical, dense_weight=0.5)
    assert (fused >= 0).all()
    assert (fused <= 1 + 1e-6).all()


@given(pairs, st.sampled_from(["weighted", "rrf"]))
def test_what_is_better_in_both_is_never_worse_fused(scores: list[tuple[float, float]], kind: FusionKind) -> None:
    dense, lexical = np.array(scores, dtype=np.float32).T
    fused = fuse(kind, dense, lexical, dense_weight=0.5)
    better = (dense[:, None] >= dense[None]) & (lexical[:, None] >= lexical[None])
    if kind == "rrf":  # ties are ordered by place, so only strictly better ones are compared
        better &= (dense[:, None] > dense[None]) & (lexical[:, None] > lexical[None])
    assert (fused[:, None] >= fused[None] - 1e-6)[better].all()


def test_ranks_count_from_one_and_keep_the_order_of_equals() -> None:
    assert ranks(np.array([0.5, 0.9, 0.5], dtype=np.float32)).tolist() == [2, 1, 3]


@pytest.mark.parametrize(("kind", "winner"), [("dense", 0), ("lexical", 1)])
def test_one_part_alone_orders_by_that_part(kind: FusionKind, winner: int) -> None:
    dense, lexical = np.array([0.9, 0.1], np.float32), np.array([0.1, 0.9], np.float32)
    assert int(fuse(kind, dense, lexical, dense_weight=0.5).argmax()) == winner
