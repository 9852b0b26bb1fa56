"""Where in a conversation the tools stand, so that a prompt only ever grows at its end."""

from collections.abc import Iterable

from agent.state import RunState
from retrieval.tool import ToolSpec


def reveals(state: RunState, tools: Iterable[ToolSpec]) -> dict[int, list[ToolSpec]]:
    """The tools by the number of raw steps that stand before them: 0 is before the first.

    A tool that was found after the third step is shown after the third step in every later prompt. When steps go into
    memory, which changes the prompt from there on anyway, their tools move to the beginning.

    Example:
        {0: [read_file], 2: [git_log, git_diff]}
    """
    placed: dict[int, list[ToolSpec]] = {}
    for tool in tools:
        at = state.equipped_at.get(tool.tool_id, 0)
        placed.setdefault(max(0, at - state.remembered), []).append(tool)
    return dict(sorted(placed.items()))
