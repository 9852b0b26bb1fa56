"""Long texts are read once, in bounded prompts, through a memory that can be saved and gone on with."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.errors import BadAgentSettings
from agent.llm import Profile
from agent.prism.memory import Form
from agent.prism.oracle import ADD_ONLY_SCHEMA, FACT_SCHEMA, OracleReader, asked, fact, values_in
from agent.prism.reading import ReadSettings, Saved, read
from agent.prism.schema_source import BadSchema
from agent.prism.texts import Text, html_text, read_file, read_files

_FILLER = "Nothing of note happened on that day, and the clerks went home early. "


def _text(name: str, facts: Sequence[tuple[str, str, str]], *, untrusted: bool = True) -> Text:
    paragraphs = [f"{_FILLER}Note {fact((entity, what), value)}" for entity, what, value in facts]
    return Text(name=name, content="\n\n".join(paragraphs), untrusted=untrusted)


_SLOTS = [(f"Ann {letter}ee", what) for letter in "LMNOPQRSTUVW" for what in ("age", "home town")]
_FACTS = [(entity, what, f"v{number}") for number, (entity, what) in enumerate(_SLOTS)]
_CHANGES = [(entity, what, f"w{number}") for number, (entity, what) in enumerate(_SLOTS[:6])]
_TEXTS = [_text("first.txt", _FACTS), _text("second.txt", _CHANGES)]
_GOLD = {(entity, what): value for entity, what, value in [*_FACTS, *_CHANGES]}
_SMALL = ReadSettings(schema=FACT_SCHEMA, chunk_tokens=60, memory_tokens=2_000)


class _Kept:
    """Keeps what it is told, and breaks off after some chunks if it should."""

    def __init__(self, saved: Saved | None = None, stop_after: int | None = None) -> None:
        self.saved, self._stop = saved, stop_after
        self.told: list[tuple[int, int]] = []

    def begin(self) -> Saved | None:
        return self.saved

    def tell(self, saved: Saved, done: int, total: int) -> None:
        self.saved = saved
        self.told.append((done, total))
        if done == self._stop:
            raise KeyboardInterrupt


@pytest.mark.parametrize("form", ["amendments", "in-place"])
async def test_the_answer_is_read_from_the_memory(form: Form) -> None:
    settings = ReadSettings(schema=FACT_SCHEMA, chunk_tokens=60, form=form)
    reading = await read(_TEXTS, asked(_SLOTS), OracleReader(wrong_paths=0.3), settings=settings)
    assert {tuple(key.split("/")): value for key, value in json.loads(reading.answer).items()} == _GOLD
    assert values_in(reading.memory.value) == _GOLD
    changed = reading.memory.provenance(("entities", "Ann Lee", "age"))
    assert changed is not None
    assert [source.split("#")[0] for source in changed.sources] == ["first.txt", "second.txt"]


async def test_prompts_stay_bounded_and_nothing_is_forgotten_whatever_the_length() -> None:
    slots = [(f"Bo{'abcdefghij'[n // 10]} Ray{'abcdefghij'[n % 10]}", "age") for n in range(100)]
    text = _text("long.txt", [(entity, what, f"v{n}") for n, (entity, what) in enumerate(slots)])
    llm = OracleReader(profile=Profile(context_tokens=4_000))
    settings = ReadSettings(schema=FACT_SCHEMA, chunk_tokens=80, memory_tokens=300)
    reading = await read([text], asked(slots[:3]), llm, settings=settings)
    assert len(values_in(reading.memory.value)) == 100
    assert json.loads(reading.answer) == {f"{entity}/age": f"v{n}" for n, (entity, _) in enumerate(slots[:3])}
    assert reading.peak_tokens < 1_100
    assert reading.saved.folds > 0


async def test_amendments_are_read_again_from_the_cache_and_in_place_is_not() -> None:
    cached = {}
    for form in ("amendments", "in-place"):
        settings = ReadSettings(schema=FACT_SCHEMA, chunk_tokens=60, form=form)
        cached[form] = (await read(_TEXTS, "?", OracleReader(), settings=settings)).usage.cached
    assert cached["amendments"] > cached["in-place"]


async def test_a_memory_that_only_adds_keeps_every_value_in_order() -> None:
    settings = ReadSettings(schema=ADD_ONLY_SCHEMA, chunk_tokens=60)
    reading = await read(_TEXTS, asked(_SLOTS[:1]), OracleReader(), settings=settings)
    assert reading.memory.value["entities"]["Ann Lee"]["age"] == ["v0", "w0"]
    assert json.loads(reading.answer) == {"Ann Lee/age": "w0"}


async def test_an_untrusted_text_adds_and_does_not_change_what_a_trusted_one_said() -> None:
    texts = [
        _text("ours.txt", [("Ann Lee", "age", "40")], untrusted=False),
        _text("web.txt", [("Ann Lee", "age", "50"), ("Ann Lee", "home town", "Ur")]),
    ]
    reading = await read(texts, "?", OracleReader(), settings=_SMALL)
    assert values_in(reading.memory.value) == {("Ann Lee", "age"): "40", ("Ann Lee", "home town"): "Ur"}
    age, home = (reading.memory.provenance(("entities", "Ann Lee", what)) for what in ("age", "home town"))
    assert age is not None
    assert home is not None
    assert (age.untrusted, home.untrusted) == (False, True)


async def test_a_reading_that_broke_off_goes_on_at_the_chunk_where_it_stopped() -> None:
    whole = _Kept()
    await read(_TEXTS, "?", OracleReader(), settings=_SMALL, follow=whole)
    total = whole.told[-1][1]
    broken = _Kept(stop_after=4)
    with pytest.raises(KeyboardInterrupt):
        await read(_TEXTS, "?", OracleReader(), settings=_SMALL, follow=broken)
    again = _Kept(saved=broken.saved)
    reading = await read(_TEXTS, "?", OracleReader(), settings=_SMALL, follow=again)
    assert again.told == [(done, total) for done in range(5, total + 1)]
    assert whole.saved is not None
    assert reading.saved.entries == whole.saved.entries
    assert reading.usage.calls == total + 1


async def test_another_question_is_answered_without_reading_again() -> None:
    kept = _Kept()
    await read(_TEXTS, "?", OracleReader(), settings=_SMALL, follow=kept)
    llm = OracleReader()
    reading = await read(_TEXTS, asked(_SLOTS[:1]), llm, settings=_SMALL, follow=_Kept(saved=kept.saved))
    assert json.loads(reading.answer) == {"Ann Lee/age": "w0"}
    assert kept.saved is not None
    assert reading.usage.calls == kept.saved.usage.calls + 1


async def test_a_memory_of_another_schema_is_not_gone_on_with() -> None:
    kept = _Kept()
    await read(_TEXTS[:1], "?", OracleReader(), settings=_SMALL, follow=kept)
    with pytest.raises(BadSchema, match="start another"):
        await read(_TEXTS, "?", OracleReader(), settings=ReadSettings(schema="timeline"), follow=kept)


def test_files_are_read_by_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        "<head><style>x</style></head><p>One &amp; two</p><ul><li>three</li></ul>", "utf-8"
    )
    (tmp_path / "a.csv").write_text("x,y\n1,2\n", "utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.csv").write_bytes("x\r\ny".encode("utf-16"))
    texts = read_files([tmp_path / "a.html", tmp_path / "a.csv", tmp_path / "b" / "a.csv"])
    assert [text.content for text in texts] == ["One & two\n\nthree", "x,y\n1,2\n", "x\ny"]
    assert [text.structure for text in texts] == [None, "rows", "rows"]
    assert len({text.name for text in texts}) == 3


def test_a_file_that_is_no_text_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"\0\1\2")
    with pytest.raises(BadAgentSettings, match="not a text file"):
        read_file(tmp_path / "x.bin")
    with pytest.raises(BadAgentSettings, match="cannot be read"):
        read_file(tmp_path / "none.txt")


def test_the_words_of_a_page_stay_apart() -> None:
    assert html_text("<table><tr><td>a<td>b</tr></table><script>no()</script>c") == "a b\n\nc"
