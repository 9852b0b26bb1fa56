"""Rollouts beside the trainer: in worker processes, on other machines, ahead of it by a bounded number of versions."""
