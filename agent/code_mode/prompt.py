"""What the model is told in code mode, and the program out of what it says."""

import re
from collections.abc import Sequence

from agent.call import Step
from agent.code_mode.names import Names
from agent.fence import FENCE_RULE, fenced
from agent.message import Message, assistant, system, user
from agent.planner import Context
from agent.prompts import observed
from agent.tool_cards import card
from retrieval.tool import canonical_json

RULES = (
    "You reach the user's goal by one short program in a small part of Python. It calls tools as functions, with named "
    "arguments and without await: result = server.tool(name=value). A result is a dict, a list or a text. The program "
    "prints the answer for the user, and nothing else. There are: assignments, if, for, while, try (except ToolError), "
    "comprehensions, f-strings, the usual methods of texts, lists and dicts, and len, range, sorted, min, max, sum, "
    "round, enumerate, zip, any, all, isinstance, print. There are no imports, functions, classes, sets or attributes. "
    "Use only facts that the user or a tool has given. Write the program in one ```python block."
)
SEARCHING = (
    'When no tool fits, write only search_tools("what it should do", ...): you are asked again with what it finds.'
)
_BLOCK = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)


def briefing(context: Context, names: Names) -> list[Message]:
    """Rules, goal, tools, memory, and the calls that earlier programs have made."""
    rules = [RULES, *([SEARCHING] if context.equipment.can_search else []), FENCE_RULE]
    messages = [system("\n".join(rules)), user(f"Goal: {context.state.goal}")]
    shown = [card(tool, name=name, result=True) for name, tool in names.items()]
    messages.append(user("Tools:\n" + ("\n".join(shown) or "none yet")))
    messages += context.memory.shown(context.state)
    written = {tool.tool_id: name for name, tool in names.items()}
    return [*messages, *(_told(step, written.get(step.call.tool_id, "")) for step in context.state.raw_steps)]


def _told(step: Step, name: str) -> Message:
    made = f"{name or step.call.tool_id}({canonical_json(step.call.arguments)})"
    return user(f"This call was made: {made}\n{observed(step)}", untrusted=step.untrusted)


def mending(source: str, error: str, *, untrusted: bool) -> list[Message]:
    """The program that was written, and what is wrong with it. The error may hold a tool's text, so it is fenced."""
    asked = (
        f"The program stopped:\n{fenced(error, 'program', limit=2_000)}\nWrite another one that reaches the goal. The "
        "calls above have been made and have had their effect: use what they gave, and do not make them again."
    )
    return [assistant(f"```python\n{source}\n```"), user(asked, untrusted=untrusted)]


def found(source: str, tools: Sequence[str]) -> list[Message]:
    """The program that searched, and what it found."""
    names = ", ".join(tools) or "nothing"
    return [assistant(f"```python\n{source}\n```"), user(f"Found: {names}. Write the program that reaches the goal.")]


def program_in(text: str) -> str:
    """The program in an answer: its blocks of code, one after the other, or all of it where it has none."""
    blocks = [block.strip("\n") for block in _BLOCK.findall(text)]
    return ("\n".join(blocks) if blocks else text.strip()).encode("utf-8", "replace").decode()
