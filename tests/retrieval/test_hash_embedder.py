"""The fake that other tests lean on."""

import numpy as np
import pytest

from retrieval.testing import HashEmbedder


def test_shared_words_bring_texts_nearer() -> None:
    query, near, far = HashEmbedder().embed(["commit log", "git_commit_log shows the log", "weather forecast"])
    assert query @ near > query @ far


def test_case_and_order_of_words_do_not_count() -> None:
    one, other = HashEmbedder().embed(["Git LOG", "log_git"])
    np.testing.assert_array_equal(one, other)


def test_vectors_are_the_same_in_every_process() -> None:
    assert np.flatnonzero(HashEmbedder().embed(["git log"])[0]).tolist() == [5, 60]


def test_the_id_names_the_dimension() -> None:
    assert HashEmbedder(dim=32).id == "hash-32"
    with pytest.raises(ValueError, match="not 0"):
        HashEmbedder(dim=0)
