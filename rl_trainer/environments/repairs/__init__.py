"""Repairs: a small world of one-slot bugs in six-line functions, in which a model made from scratch learns on a CPU."""
