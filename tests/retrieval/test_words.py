import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.words import stem, words, written


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("getUserByID", ["get", "user", "id", "getuserbyid"]),
        ("list_files", ["list", "file"]),
        ("HTTPServer", ["http", "server", "httpserver"]),
        ("repo.create-issue", ["repo", "creat", "issu"]),
        ("parse_v2", ["pars", "v", "2", "v2"]),
        ("查询天气", ["查询", "询天", "天气"]),
        ("naïve Straße", ["naïve", "strasse"]),
        ("", []),
        ("the of and", []),
    ],
)
def test_text_and_identifiers_split_into_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "forms",
    [
        ("query", "queries"),
        ("list", "lists", "listing", "listed"),
        ("convert", "converts", "converting", "converted"),
        ("file", "files"),
        ("stop", "stopped", "stopping"),
        ("create", "created", "creates", "creating"),
        ("search", "searches", "searching"),
    ],
)
def test_forms_of_a_word_meet(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize("word", ["status", "bus", "analysis", "db", "sing", "address", "red"])
def test_words_that_only_look_inflected_stay(word: str) -> None:
    assert stem(word) == word


@given(st.text(max_size=60))
def test_any_text_gives_words_without_spaces_and_the_same_again(text: str) -> None:
    found = words(text)
    assert found == words(text)
    assert all(word and not word.isspace() for word in found)


def test_snake_camel_and_spaced_spellings_share_their_words() -> None:
    spaced = set(words("get pull request"))
    assert spaced <= set(words("getPullRequest"))
    assert spaced <= set(words("get_pull_request"))


def test_words_are_known_as_they_were_written() -> None:
    assert written("Listing changes of getUserByID 天气") == {
        "list": "listing",
        "chang": "changes",
        "get": "getuserbyid",
        "user": "getuserbyid",
        "id": "getuserbyid",
        "getuserbyid": "getuserbyid",
        "天气": "天气",
    }


@given(st.text(max_size=60))
def test_every_word_has_a_written_form_and_nothing_else_has(text: str) -> None:
    assert list(written(text)) == list(dict.fromkeys(words(text)))
