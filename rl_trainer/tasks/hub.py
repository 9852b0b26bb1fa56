"""Data sets of the Hugging Face hub, for those who can reach it."""

import importlib.util
from collections.abc import Iterator

from rl_trainer.errors import TrainingDataMissing, TrainingToolsMissing
from rl_trainer.tasks.record import Record


def rows(name: str) -> Iterator[Record]:
    """The rows of a data set, its `test` split if it has one, otherwise its only or first.

    Raises:
        TrainingToolsMissing: `datasets` is not installed. TrainingDataMissing: it cannot be fetched.
    """
    if importlib.util.find_spec("datasets") is None:
        raise TrainingToolsMissing(
            f"{name!r} is no file or folder here; fetching it from the hub needs datasets: pip install datasets"
        )
    import datasets  # pyright: ignore[reportMissingImports]

    try:
        found = datasets.load_dataset(name)
    except Exception as error:  # whatever the library and the network raise, the operator must look
        raise TrainingDataMissing(f"the data set {name!r} cannot be fetched: {error}") from error
    yield from found["test" if "test" in found else next(iter(found))]
