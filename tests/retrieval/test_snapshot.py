"""Changes to a large index: what they copy, what is joined when, and what searches see meanwhile."""

import threading
from pathlib import Path

import pytest

from retrieval import snapshot
from retrieval.index import ToolIndex, open_index
from retrieval.settings import RetrievalSettings
from retrieval.snapshot import due, joined, replaced, without
from retrieval.testing import HashEmbedder
from retrieval.tool import ToolSpec

EMBEDDER = HashEmbedder()


def tools(*names: str, text: str = "Says one thing") -> list[ToolSpec]:
    return [ToolSpec(server="s", name=name, description=text) for name in names]


def an_index(folder: Path, sizes: list[int]) -> ToolIndex:
    """One with segments of so many tools."""
    index = open_index(folder, EMBEDDER)
    for generation, size in enumerate(sizes):
        index.apply(tools(*(f"t{generation}_{i}" for i in range(size))), generation=generation)
    return index


def sizes(index: ToolIndex) -> list[int]:
    return [len(segment) for segment in index._snapshot.segments]


@pytest.fixture
def small_of_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "SMALL", 10)


@pytest.mark.usefixtures("small_of_ten")
def test_one_change_leaves_a_large_segment_as_it_is(tmp_path: Path) -> None:
    index = an_index(tmp_path, [40])
    large = index._snapshot.segments[0]
    index.apply(tools("t0_7", text="Another thing"), ["s/t0_8"], generation=5)
    assert index._snapshot.segments[0] is large
    assert sizes(index) == [40, 1]
    assert len(index) == 39
    assert index.search("another thing", 1)[0].id == "s/t0_7"


@pytest.mark.usefixtures("small_of_ten")
def test_many_small_changes_make_few_segments(tmp_path: Path) -> None:
    index = an_index(tmp_path, [400, *[3] * 60])
    index.tidy()
    assert len(sizes(index)) <= 6
    assert len(index) == 400 + 180
    assert len({hit.id for hit in index.search("says one thing", 600)}) == 580


@pytest.mark.usefixtures("small_of_ten")
def test_a_large_segment_that_is_mostly_dead_is_made_anew(tmp_path: Path) -> None:
    index = an_index(tmp_path, [40])
    index.apply([], [f"s/t0_{i}" for i in range(25)], generation=3)
    index.tidy()
    assert sizes(index) == [15]
    assert index._snapshot.find("s/t0_30") is not None
    assert index._snapshot.find("s/t0_3") is None


@pytest.mark.usefixtures("small_of_ten")
def test_what_is_removed_while_segments_are_joined_stays_removed(tmp_path: Path) -> None:
    before = an_index(tmp_path, [12, 11, 10])._snapshot
    where = due(before)
    assert where == slice(0, 3)
    vectors_of = open_index(tmp_path, EMBEDDER)._store.vectors
    one = joined(before.parts()[where], vectors_of, "auto")
    now = replaced(without(before, ["s/t1_4"]), before, where, one)
    assert now is not None
    assert (len(now.segments), len(now)) == (1, 32)
    assert now.find("s/t1_4") is None
    assert replaced(now, before, where, one) is None  # those segments stand no more


@pytest.mark.usefixtures("small_of_ten")
def test_searches_find_everything_that_stands_while_segments_are_joined(tmp_path: Path) -> None:
    index = an_index(tmp_path, [30])
    done = threading.Event()
    missing: list[int] = []

    def search() -> None:
        while not done.is_set():
            found = {hit.id for hit in index.search("says one thing", 100) if hit.id.startswith("s/t0_")}
            if len(found) != 30:
                missing.append(len(found))

    readers = [threading.Thread(target=search) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(40):
        index.apply(tools(f"new_{number}"), generation=number + 1)
        index.tidy()
    done.set()
    for reader in readers:
        reader.join(timeout=20)
    assert not missing
    assert len(index) == 70


@pytest.mark.parametrize("kind", ["sq8", "hnsw", "ivf"])
def test_a_lost_or_damaged_vector_index_is_built_from_the_stored_vectors(tmp_path: Path, kind: str) -> None:
    settings = RetrievalSettings(vectors=kind)
    index = open_index(tmp_path, EMBEDDER, settings)
    index.apply(tools(*(f"t{i}" for i in range(50))), generation=1)
    index.save()
    expected = index.search("t7", 5)
    (file,) = tmp_path.glob("*.faiss")
    file.write_bytes(file.read_bytes()[:100])
    assert open_index(tmp_path, EMBEDDER, settings).search("t7", 5) == expected
    file.unlink(missing_ok=True)
    assert open_index(tmp_path, EMBEDDER, settings).search("t7", 5) == expected


def test_one_wrong_bit_in_a_segment_is_noticed(tmp_path: Path) -> None:
    index = an_index(tmp_path, [5])
    index.save()
    (file,) = tmp_path.glob("*.segment")
    data = bytearray(file.read_bytes())
    data[-9] ^= 1
    file.write_bytes(data)
    assert len(open_index(tmp_path, EMBEDDER)) == 0


def test_vectors_that_the_store_lost_are_noticed(tmp_path: Path) -> None:
    index = an_index(tmp_path, [5])
    index.save()
    for file in (tmp_path / "vectors").glob("*.bin"):
        file.write_bytes(b"")
    assert len(open_index(tmp_path, EMBEDDER)) == 0
