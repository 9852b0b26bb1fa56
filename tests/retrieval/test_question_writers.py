"""Questions by rules: names and descriptions as someone would ask for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.identifiers import product_name, spoken
from retrieval.phrasing import NameParts, first_sentence, name_parts, request
from retrieval.question_writers import template_questions
from retrieval.tool import ToolSpec


@pytest.mark.parametrize(
    ("identifier", "said"),
    [
        ("getUserByID", "get user by id"),
        ("HTTPServer.list-files", "http server list files"),
        ("list_files.v2", "list files v 2"),
        ("/v1/nutrition", "v 1 nutrition"),
        ("查询天气_city", "查询天气 city"),
        ("", ""),
    ],
)
def test_identifiers_are_spoken_as_words(identifier: str, said: str) -> None:
    assert " ".join(spoken(identifier)) == said


@pytest.mark.parametrize(
    ("server", "product"),
    [("toucan_servers.acme-mcp-playwright", "acme playwright"), ("github-mcp-server", "github"), ("mcp", "mcp")],
)
def test_a_product_is_what_tells_its_server_apart(server: str, product: str) -> None:
    assert product_name(server) == product


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("github create issue", ("create", "issue", "")),
        ("get user by email", ("get", "user", "email")),
        ("issue list", ("list", "issue", "")),
        ("forecast", ("forecast", "", "")),
        ("time port", ("", "time port", "")),
        ("order", ("", "order", "")),
        ("order pizza", ("order", "pizza", "")),
    ],
)
def test_a_name_is_verb_object_and_qualifier(words: str, parts: tuple[str, str, str]) -> None:
    verb, object_, qualifier = parts
    assert name_parts(words.split(), ["github"]) == NameParts(verb=verb, object=object_, qualifier=qualifier)


@pytest.mark.parametrize(
    ("sentence", "asked"),
    [
        ("This tool retrieves the weather for a city", "retrieve the weather for a city"),
        ("Use this tool to send an email", "send an email"),
        ("Allows you to search for flights", "search for flights"),
        ("A tool for creating diagrams", "create diagrams"),
        ("[API] Delete a team", "delete a team"),
        ("Searches for notes", "search for notes"),
        ("Copies files to another place", "copy files to another place"),
        ("The Balance API provides a count of credits", "get a count of credits"),
        ("Your AI powered assistant", ""),
        ("", ""),
    ],
)
def test_a_description_is_turned_into_what_someone_wants_done(sentence: str, asked: str) -> None:
    assert request(sentence) == asked


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Gets a page. Then more.", "Gets a page"),
        ("Reads e.g. v1.2 files\n\nArgs: path", "Reads e.g"),
        ("Reads v1.2 files    Args:  path: where", "Reads v1.2 files"),
        ("查询天气。需要城市", "查询天气"),
        ("  ", ""),
    ],
)
def test_the_first_sentence_ends_where_arguments_begin(text: str, sentence: str) -> None:
    assert first_sentence(text) == sentence


def test_a_tool_is_asked_for_in_several_ways() -> None:
    tool = ToolSpec(
        server="github-mcp-server",
        name="create_issue",
        description="Creates a new issue in a repository.",
        input_schema={
            "type": "object",
            "properties": {"labels": {}, "owner": {}, "repo": {}, "issueTitle": {}},
            "required": ["owner", "repo", "issueTitle"],
        },
    )
    assert template_questions(tool) == [
        "How do I create a new issue in a repository?",
        "I want a new issue",
        "Create issue by owner, repo and issue title",
        "Please create issue with github",
    ]


def test_text_that_is_not_english_is_left_as_it_is() -> None:
    questions = template_questions(ToolSpec(server="天气", name="查询天气", description="查询一个城市的天气。"))
    assert questions[0] == "查询一个城市的天气"


def test_a_name_and_nothing_else_is_enough() -> None:
    assert len(template_questions(ToolSpec(server="champdex", name="champdex"))) >= 2


@given(name=st.text(min_size=1, max_size=30), description=st.text(max_size=200))
def test_any_tool_has_questions_each_once(name: str, description: str) -> None:
    questions = template_questions(ToolSpec(server="s", name=name, description=description))
    assert 1 <= len(questions) <= 5
    assert len({question.lower() for question in questions}) == len(questions)
    assert all(question.strip() for question in questions)
