"""What can go wrong on the top floor, and who must act.

TrainerError
├── TrainingDataMissing   the operator: get the data, or name the folder that has it
├── TrainingToolsMissing  the operator: install the extra that the message names
├── CheckpointDamaged     the operator: remove it, or begin anew
└── ExportTooFar          the programmer: the quantised model is not the trained one
"""


class TrainerError(Exception):
    """Anything that training may report to whoever started it."""


class TrainingDataMissing(TrainerError):
    """A file to learn from is not there."""


class RecipeWrong(TrainerError):
    """A recipe file says something that no recipe can."""


class TrainingToolsMissing(TrainerError):
    """A library that only training needs is not installed."""


class BaseModelMissing(TrainerError):
    """The network to start from cannot be found or fetched."""


class CheckpointDamaged(TrainerError):
    """A checkpoint cannot be read, or belongs to another recipe."""


class ExportTooFar(TrainerError):
    """The exported model's vectors are not near enough to those of the model that was trained."""
