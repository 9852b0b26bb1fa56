"""Environments: what tasks are opened in, graded and reset."""
