from mcp_registry.preference import prefer_callable
from retrieval.hit import Hit


def hit(id_: str, score: float) -> Hit:
    return Hit(id=id_, kind="tool", score=score)


def order(hits: list[Hit], startable: set[str]) -> list[str]:
    return [found.id for found in prefer_callable(hits, startable)]


def test_what_can_be_called_comes_before_its_copy_that_cannot() -> None:
    assert order([hit("copy/log", 0.60), hit("git/log", 0.58)], {"git"}) == ["git/log", "copy/log"]


def test_what_fits_much_better_stays_first() -> None:
    assert order([hit("copy/log", 0.60), hit("git/log", 0.30)], {"git"}) == ["copy/log", "git/log"]


def test_scores_stay_when_nothing_can_be_called() -> None:
    hits = [hit("a/x", 0.6), hit("b/y", 0.5)]
    assert prefer_callable(hits, set()) == hits
