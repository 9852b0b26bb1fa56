"""Ways of deciding what a run does next, by their names in `Options.planner`."""

from agent.options import Options
from agent.planner import Planner


def planner_of(options: Options) -> Planner:
    """The planner that the options name; programs are their own, whatever that is."""
    if options.equipment == "code":
        from agent.code_mode import CodePlanner

        return CodePlanner()
    match options.planner:
        case "tree":
            from agent.planners.tree import TreePlanner

            return TreePlanner()
        case "react":
            from agent.planners.react import ReActPlanner

            return ReActPlanner()
        case "plan-execute":
            from agent.planners.plan_execute import PlanExecutePlanner

            return PlanExecutePlanner()
        case "local-replan":
            from agent.planners.replan import LocalReplanPlanner

            return LocalReplanPlanner()
        case "global-replan":
            from agent.planners.replan import GlobalReplanPlanner

            return GlobalReplanPlanner()
