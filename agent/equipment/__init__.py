"""Which tools the model sees: one interface, a strategy by name (`--equipment`)."""

from agent.equipment.all_tools import AllTools
from agent.equipment.rag_mcp import RagMcp
from agent.equipment.reveal import reveals
from agent.equipment.scalemcp import ScaleMcp
from agent.options import Options
from agent.planner import Equipment

__all__ = ["AllTools", "RagMcp", "ScaleMcp", "equipment_of", "reveals"]


def equipment_of(options: Options) -> Equipment:
    """The strategy that the options name. Code mode shows the tools that fit the goal, and programs may search."""
    match options.equipment:
        case "scalemcp":
            return ScaleMcp()
        case "rag-mcp":
            return RagMcp()
        case "all":
            return AllTools()
        case "code":
            return RagMcp(can_search=True)
