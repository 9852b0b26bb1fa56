"""Simulated tool worlds, tasks with a known right end, and an oracle in the model's place: planners measured alone."""
