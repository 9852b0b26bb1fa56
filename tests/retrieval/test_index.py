import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval import snapshot
from retrieval.card import ServerCard
from retrieval.index import ToolIndex, open_index
from retrieval.settings import RetrievalSettings
from retrieval.testing import HashEmbedder
from retrieval.tool import ToolSpec

EMBEDDER = HashEmbedder()


def tool(name: str, description: str = "", server: str = "s") -> ToolSpec:
    return ToolSpec(server=server, name=name, description=description)


FILES = [
    tool("read_file", "Read the contents of a file"),
    tool("list_directory", "List the files of a folder"),
    tool("send_mail", "Send an electronic mail to somebody"),
    tool("get_weather", "Weather forecast for a city"),
]


@pytest.fixture
def index(tmp_path: Path) -> ToolIndex:
    made = open_index(tmp_path / "index", EMBEDDER)
    made.apply(FILES, generation=1)
    return made


def test_the_tool_that_fits_comes_first(index: ToolIndex) -> None:
    assert index.search("weather in this city", 2)[0].id == "s/get_weather"


def test_a_hit_explains_itself(index: ToolIndex) -> None:
    hit = index.search("send a mail", 1)[0]
    assert hit.words == ("send", "mail")
    assert hit.signals["dense_rank"] == 1
    assert hit.signals["lexical_rank"] == 1
    assert 0 < hit.score <= 1


def test_as_many_hits_as_asked_for_come_back(index: ToolIndex) -> None:
    assert len(index.search("nothing of the kind", 3)) == 3
    assert len(index.search("file", 100)) == len(FILES)
    assert index.search("file", 0) == []


def test_a_changed_tool_is_found_by_its_new_text_only(index: ToolIndex) -> None:
    index.apply([tool("get_weather", "Translate a text into French")], generation=2)
    assert index.search("translate into French", 1)[0].id == "s/get_weather"
    assert "forecast" not in index.search("weather forecast", 1)[0].words
    assert len(index) == len(FILES)


def test_a_removed_tool_is_gone(index: ToolIndex) -> None:
    index.apply([], ["s/get_weather", "s/never_there"], generation=2)
    assert "s/get_weather" not in {hit.id for hit in index.search("weather", 10)}
    assert len(index) == len(FILES) - 1


def test_filters_give_the_k_asked_for(index: ToolIndex) -> None:
    index.apply([ServerCard(name="mailer", description="Send and read mail")], generation=2)
    assert [hit.id for hit in index.search("mail", 5, kind="servers")] == ["mailer"]
    assert {hit.kind for hit in index.search("mail", 9, kind="tools")} == {"tool"}
    found = index.search("send mail", 2, allow=lambda id_: id_ not in {"s/send_mail", "mailer"})
    assert len(found) == 2
    assert "s/send_mail" not in {hit.id for hit in found}


def test_what_is_saved_answers_as_before(index: ToolIndex, tmp_path: Path) -> None:
    index.apply([tool("extra", "Something more")], ["s/send_mail"], generation=7)
    index.save()
    again = open_index(tmp_path / "index", EMBEDDER)
    assert again.generation == 7
    assert again.fingerprints() == index.fingerprints()
    assert again.search("read a file", 4) == index.search("read a file", 4)


def test_a_damaged_index_opens_empty_and_needs_no_embedding_again(index: ToolIndex, tmp_path: Path) -> None:
    index.save()
    for file in (tmp_path / "index").glob("*.segment"):
        file.write_bytes(b"damaged")
    again = open_index(tmp_path / "index", EMBEDDER)
    assert (again.generation, len(again)) == (-1, 0)

    class Refusing(HashEmbedder):
        def embed(self, texts: object, **options: object) -> object:
            raise AssertionError(f"embedded again: {texts}")

    mended = open_index(tmp_path / "index", Refusing())
    mended.apply(FILES, generation=1)
    assert mended.fingerprints() == index.fingerprints()


def test_another_model_starts_anew(index: ToolIndex, tmp_path: Path) -> None:
    index.save()
    assert len(open_index(tmp_path / "index", HashEmbedder(dim=32))) == 0


def test_an_older_index_does_not_overwrite_a_newer_one(index: ToolIndex, tmp_path: Path) -> None:
    newer = open_index(tmp_path / "index", EMBEDDER)
    newer.apply(FILES, generation=5)
    newer.save()
    index.save()
    assert open_index(tmp_path / "index", EMBEDDER).generation == 5


def test_files_of_replaced_segments_are_removed(index: ToolIndex, tmp_path: Path) -> None:
    for generation in range(2, 6):
        index.apply([tool(f"tool_{generation}", "One more")], generation=generation)
        index.save()
    assert len(list((tmp_path / "index").glob("*.segment"))) == 1


@pytest.mark.parametrize("fusion", ["weighted", "rrf", "dense", "lexical"])
def test_every_fusion_orders_all_segments_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fusion: str
) -> None:
    settings_ = RetrievalSettings(fusion=fusion)
    whole = open_index(tmp_path / "one", EMBEDDER, settings_)
    whole.apply(FILES, generation=1)
    monkeypatch.setattr(snapshot, "SMALL", 0)  # every change begins a segment of its own
    split = open_index(tmp_path / "many", EMBEDDER, settings_)
    for generation, one in enumerate(FILES, 1):
        split.apply([one], generation=generation)
    for query in ("read a file", "mail", "weather in a city"):
        together, apart = whole.search(query, 4), split.search(query, 4)
        assert {hit.id: round(hit.score, 5) for hit in apart} == {hit.id: round(hit.score, 5) for hit in together}


changes = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from(["x", "y", "z"]), max_size=4),
        st.sets(st.sampled_from("abcdefgh")),
    ),
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(changes, st.sampled_from([0, 3, 2048]))
def test_any_sequence_of_changes_leaves_exactly_the_living(
    tmp_path_factory: pytest.TempPathFactory, sequence: list[tuple[dict[str, str], set[str]]], small: int
) -> None:
    folder = tmp_path_factory.mktemp("index")
    index = open_index(folder, EMBEDDER)
    living: dict[str, ToolSpec] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot, "SMALL", small)
        for generation, (put, gone) in enumerate(sequence):
            things = [tool(name, text) for name, text in put.items()]
            removed = [f"s/{name}" for name in gone if name not in put]
            index.apply(things, removed, generation=generation)
            for id_ in removed:
                living.pop(id_, None)
            living |= {thing.tool_id: thing for thing in things}
            assert index.fingerprints() == {id_: thing.fingerprint for id_, thing in living.items()}
            assert {hit.id for hit in index.search("x y z", 50)} == set(living)
    index.save()
    assert open_index(folder, EMBEDDER).fingerprints() == index.fingerprints()


def test_searches_during_changes_see_all_of_a_change_or_nothing(tmp_path: Path) -> None:
    index = open_index(tmp_path / "index", EMBEDDER)
    pair = lambda text: [tool("left", text), tool("right", text)]  # noqa: E731
    index.apply(pair("zero"), generation=0)
    stop = threading.Event()
    torn: list[object] = []

    def search() -> None:
        while not stop.is_set():
            prints = index.search("zero one", 5)
            if len(prints) != 2 or prints[0].score != prints[1].score:
                torn.append(prints)

    def equal_names(text: str) -> list[ToolSpec]:
        return [ToolSpec(server="s", name=f"same_{side}", description=text) for side in ("tool", "tools")]

    index.apply([*equal_names("zero")], ["s/left", "s/right"], generation=1)
    readers = [threading.Thread(target=search) for _ in range(3)]
    for reader in readers:
        reader.start()
    for generation in range(2, 60):
        index.apply(equal_names("zero" if generation % 2 else "one"), generation=generation)
    stop.set()
    for reader in readers:
        reader.join(timeout=10)
    assert not torn
