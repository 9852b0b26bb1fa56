"""Verified tasks from any tested Python project: one small bug at a time, and the tests that notice it."""
