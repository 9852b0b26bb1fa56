import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval import bm25
from retrieval.bm25 import best, contributions, corpus_of, full_match, score
from retrieval.lexical import build_lexical, merge_lexical

documents = st.lists(
    st.dictionaries(st.sampled_from("abcdefg"), st.floats(0.25, 5, width=32), max_size=5), min_size=1, max_size=12
)


def plain_bm25(docs: list[dict[str, float]], query: list[str], k1: float = 1.2, b: float = 0.75) -> list[float]:
    """The formula as the textbook writes it, one document and one word at a time."""
    mean = sum(sum(doc.values()) for doc in docs) / len(docs)
    scores = []
    for doc in docs:
        total = 0.0
        for word in dict.fromkeys(query):
            found = sum(word in other for other in docs)
            if word in doc:
                idf = math.log(1 + (len(docs) - found + 0.5) / (found + 0.5))
                total += idf * (k1 + 1) * doc[word] / (doc[word] + k1 * (1 - b + b * sum(doc.values()) / mean))
        scores.append(total)
    return scores


@given(documents, st.lists(st.sampled_from("abcxyz"), min_size=1, max_size=4))
def test_scores_equal_the_textbook_formula(docs: list[dict[str, float]], query: list[str]) -> None:
    segment = build_lexical(docs)
    corpus = corpus_of([segment], query)
    if any(docs):
        np.testing.assert_allclose(score(segment, corpus), plain_bm25(docs, query), rtol=1e-3, atol=1e-4)


def test_the_best_are_those_of_the_whole_ranking_however_many_words_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A Zipf-like collection, in which the commonest words have the longest postings."""
    chance = np.random.default_rng(3)
    docs = [{f"w{int(word)}": float(chance.integers(1, 9)) / 2 for word in chance.zipf(1.3, 8)} for _ in range(3000)]
    segment = build_lexical(docs)
    monkeypatch.setattr(bm25, "_MANY", 1)
    for number in range(200):
        corpus = corpus_of([segment], [f"w{int(word)}" for word in chance.zipf(1.2, 1 + number % 7)])
        allowed = chance.random(len(docs)) < 0.4 if number % 3 == 0 else None
        positions, scores = best(segment, corpus, 20, allowed)
        every = score(segment, corpus)
        wanted = every if allowed is None else np.where(allowed, every, 0)
        np.testing.assert_allclose(scores, [s for s in np.sort(wanted)[::-1][:20] if s > 0], rtol=1e-5)
        np.testing.assert_allclose(every[positions], scores, rtol=1e-5)
        assert len(set(positions.tolist())) == len(positions)
        assert allowed is None or allowed[positions].all()


def test_few_allowed_documents_are_all_scored() -> None:
    segment = build_lexical([{"a": 1.0}, {"a": 2.0}, {"b": 1.0}])
    positions, _ = best(segment, corpus_of([segment], ["a"]), 5, np.array([True, False, True]))
    assert positions.tolist() == [0]


def test_what_each_word_adds_sums_to_the_score() -> None:
    segment = build_lexical([{"a": 1.0, "b": 2.0}, {"b": 1.0}, {}])
    corpus = corpus_of([segment], ["a", "unknown", "b"])
    adds = contributions(segment, corpus, np.array([2, 1, 0]))
    assert (adds > 0).tolist() == [[False, False, True], [False, True, True]]
    np.testing.assert_allclose(adds.sum(axis=0), score(segment, corpus)[[2, 1, 0]], rtol=1e-5)


@given(documents, documents, st.data())
def test_merging_segments_equals_building_from_the_living_documents(
    first: list[dict[str, float]], second: list[dict[str, float]], data: st.DataObject
) -> None:
    alive = [
        np.array(data.draw(st.lists(st.booleans(), min_size=len(docs), max_size=len(docs))), dtype=bool)
        for docs in (first, second)
    ]
    merged = merge_lexical([(build_lexical(first), alive[0]), (build_lexical(second), alive[1])])
    living = [
        doc
        for docs, mask in ((first, alive[0]), (second, alive[1]))
        for doc, lives in zip(docs, mask, strict=True)
        if lives
    ]
    rebuilt = build_lexical(living)
    assert len(merged) == len(living)
    for word in "abcdefg":
        for got, wanted in zip(merged.postings(word), rebuilt.postings(word), strict=True):
            np.testing.assert_allclose(got, wanted)


def test_figures_of_several_segments_are_of_one_collection() -> None:
    docs = [{"a": 1.0}, {"a": 1.0, "b": 2.0}, {"c": 1.0}]
    whole, parts = build_lexical(docs), [build_lexical(docs[:1]), build_lexical(docs[1:])]
    corpus = corpus_of([whole], ["a", "b"])
    together = np.concatenate([score(part, corpus_of(parts, ["a", "b"])) for part in parts])
    np.testing.assert_allclose(together, score(whole, corpus), rtol=1e-5)


def test_no_documents_give_no_scores() -> None:
    segment = build_lexical([])
    assert len(score(segment, corpus_of([segment], ["a"]))) == 0
    assert len(best(segment, corpus_of([segment], ["a"]), 3)[0]) == 0


def test_a_long_query_needs_no_more_than_its_rarest_words_for_a_full_match() -> None:
    docs = [{"rare": 9.0, "common": 1.0}, *({"common": 1.0, f"w{i}": 1.0} for i in range(20))]
    segment = build_lexical(docs)
    short, long = (corpus_of([segment], query) for query in (["rare"], ["rare", *(f"w{i}" for i in range(20))]))
    assert full_match(short) <= full_match(long) < 3.01 * full_match(short)
    assert full_match(corpus_of([segment], ["unknown"])) == 0
