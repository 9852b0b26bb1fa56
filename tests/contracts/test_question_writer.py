"""What every `QuestionWriter` promises."""

import json
from collections.abc import Iterator

import pytest

from retrieval.chat import Chat, ChatEndpoint
from retrieval.llm_questions import LlmQuestions
from retrieval.question_writers import QuestionWriter, TemplateQuestions
from retrieval.testing import scripted_llm
from retrieval.tool import ToolSpec

TOOLS = [
    ToolSpec(server="git", name="git_log", description="Shows the commit logs"),
    ToolSpec(server="x", name="X", description=""),
    ToolSpec(server="x", name="/", description="!"),
    ToolSpec(server="天气", name="查询天气", description="查询一个城市的天气。需要城市名"),
    ToolSpec(server="long", name="n" * 500, description="word " * 5000),
    ToolSpec(server="odd", name="a\0b\ud800", description="\ud800 {} %s"),
    ToolSpec(server="s", name="by", input_schema={"type": "object", "required": "x", "properties": {"by": 3}}),
]


@pytest.fixture(params=["template", "llm"])
def writer(request: pytest.FixtureRequest) -> Iterator[QuestionWriter]:
    if request.param == "template":
        yield TemplateQuestions()
        return
    wordy = {
        "questions": ["  Who changed\nthis? ", "Who changed this?", "", 7, "y" * 900, *(f"q{n}" for n in range(9))]
    }
    with scripted_llm(lambda _: json.dumps(wordy)) as llm:
        yield LlmQuestions(Chat(ChatEndpoint(base_url=llm.base_url, model="tiny")))


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: ascii(tool.name[:8]))
async def test_one_to_five_different_questions_none_empty(writer: QuestionWriter, tool: ToolSpec) -> None:
    questions = await writer.write(tool)
    assert 1 <= len(questions) <= 5
    assert len(set(questions)) == len(questions)
    assert all(question == " ".join(question.split()) and 0 < len(question) <= 1200 for question in questions)


async def test_the_same_tool_gets_the_same_questions(writer: QuestionWriter) -> None:
    assert await writer.write(TOOLS[0]) == await writer.write(TOOLS[0])


def test_the_id_names_one_writer(writer: QuestionWriter) -> None:
    assert writer.id
    assert writer.id == writer.id.strip()
