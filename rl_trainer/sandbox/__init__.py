"""Sandboxes: where the commands of a policy run, and can do no harm."""
