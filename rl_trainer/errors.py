"""What can go wrong on the top floor, and who must act.

TrainerError
├── TrainingDataMissing   the operator: get the data, or name the folder that has it
├── TrainingToolsMissing  the operator: install the extra that the message names
├── BaseModelMissing      the operator: name a model that is there
├── RecipeWrong           the operator: mend the recipe; the message names the field
├── CheckpointDamaged     the operator: remove it, or begin anew
├── RunBusy               the operator: another process trains there
├── SamplingBiased        the operator: switch off what the message names in the engine
├── EngineFailed          the operator: look at the engine
├── WorkerFailed          the operator: see what the worker of rollouts said, and its machine
├── LearningFailed        the operator: the loss or a gradient is no number, or nothing is left to learn from
├── CreditImpossible      the operator: choose another credit, or switch on what the message names
├── TaskInvalid           the operator: mend or drop the task
├── NoSandbox             the operator: nothing here can fence commands off; the message says what would
├── WorldFailed           nobody: the world broke, not the agent; the rollout tries again
│   └── ForkUnsupported   the operator: choose a credit that needs no forks
├── PathOutside           the policy: the path leads out of the sandbox
├── DiskFull              the policy: the sandbox has no room for this
├── ActionMalformed       the policy: it did not write one well-formed action
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


class RunBusy(TrainerError):
    """Another process trains in this folder."""


class SamplingBiased(TrainerError):
    """The sampler draws from another distribution than the trainer thinks."""


class EngineFailed(TrainerError):
    """The engine that samples cannot answer."""


class WorkerFailed(TrainerError):
    """A worker of rollouts raised, or workers keep dying."""


class LearningFailed(TrainerError):
    """A step that would spoil the model was not made."""


class CreditImpossible(TrainerError):
    """A way of giving credit cannot work on these runs: something that its formula needs was not recorded."""


class TaskInvalid(TrainerError):
    """A task that cannot be opened as it stands."""


class NoSandbox(TrainerError):
    """No way of fencing commands off works on this machine."""


class WorldFailed(TrainerError):
    """The world broke: a wall-clock time-out, a lost container. The agent is not to blame."""


class ForkUnsupported(WorldFailed):
    """This kind of world cannot be copied."""


class PathOutside(TrainerError):
    """A path that leads out of its sandbox."""


class DiskFull(TrainerError):
    """More than a sandbox has room for."""


class ActionMalformed(TrainerError):
    """What the policy wrote is not one well-formed action."""


class ExportTooFar(TrainerError):
    """The exported model's vectors are not near enough to those of the model that was trained."""
