"""Tasks from files: other people's records and our own form, and how they are split for training and measuring."""

from rl_trainer.tasks.loading import load_tasks
from rl_trainer.tasks.record import BadRecord, Wanted
from rl_trainer.tasks.splitting import split

__all__ = ["BadRecord", "Wanted", "load_tasks", "split"]
