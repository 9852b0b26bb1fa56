"""Code mode: the model writes a small program instead of one call after the other, and we run it call by call."""

from agent.code_mode.planner import CodePlanner

__all__ = ["CodePlanner"]
