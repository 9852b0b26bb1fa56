"""`open_groups`: the groups of a run or a file, with the credit and the tokenizer that they were learnt with."""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rl_trainer.credit.registry import credit_of
from rl_trainer.credit.settings import CreditSettings
from rl_trainer.errors import BaseModelMissing, CheckpointDamaged, TrainingDataMissing, TrainingToolsMissing
from rl_trainer.inspecting.group import Texts, no_texts, show_group
from rl_trainer.inspecting.shown import Shown
from rl_trainer.recipe import Recipe
from rl_trainer.renderer import Renderer
from rl_trainer.report.summary import recipe_in_brief
from rl_trainer.run_folder import RunFolder, read_groups
from rl_trainer.stages import DapoStage
from rl_trainer.trajectory import Group

_END = ".jsonl.gz"
_CUT = "\ufffd"
"""What a tokenizer writes for bytes that are no whole letter."""
_LONGEST = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A file of groups, and the run that it belongs to, where it is in one."""

    file: Path
    run: Path | None

    @property
    def name(self) -> str:
        return self.file.name.removesuffix(_END)


def find_groups(source: Path, iteration: int | None = None) -> Found:
    """The file of that iteration, counted over all stages; of the last one that left groups, when none is named.

    source: the folder of a training, or a file of groups.

    Raises:
        TrainingDataMissing: there is none; the message says which there are.
    """
    if source.is_file():
        run = source.resolve().parent.parent
        return Found(source, run if (run / "recipe.json").is_file() else None)
    files = sorted((source / "groups").glob(f"*{_END}"))
    numbered = [file for file in files if file.name[:6].isdigit()]
    if iteration is not None:
        fitting = [file for file in numbered if int(file.name[:6]) == iteration]
        if not fitting:
            there = f"{int(numbered[0].name[:6])} to {int(numbered[-1].name[:6])}" if numbered else "none"
            raise TrainingDataMissing(f"{source} has no groups of iteration {iteration}; there are {there}")
        return Found(fitting[-1], source)
    filled = [file for file in (numbered or files) if _holds_any(file)]
    if not filled:
        raise TrainingDataMissing(f"{source} has no groups: neither a file of them nor the folder of a training")
    return Found(filled[-1], source)


def open_groups(found: Found, task: str | None = None) -> Shown:
    """What is shown of a file's groups, or of one task's.

    Raises:
        TrainingDataMissing: no group is of that task. CheckpointDamaged: a line is no group.
    """
    recipe = RunFolder(found.run).recipe() if found.run is not None else None
    groups = _read(found.file)
    chosen = [group for group in groups if task is None or group.task_id == task]
    if not groups:
        raise TrainingDataMissing(f"{found.file} has no groups: that iteration found nothing to learn from")
    if not chosen:
        there = ", ".join(sorted({group.task_id for group in groups})[:8]) or "none"
        raise TrainingDataMissing(f"{found.file} has no group of task {task!r}; there are {there}")
    texts, notes = texts_for(recipe, found.run)
    estimator = credit_of(recipe.credit if recipe is not None else CreditSettings())
    return Shown(
        title=f"{recipe.name if recipe is not None else found.file.name}, {_when(found)}",
        credit=recipe_in_brief(recipe)["credit"] if recipe is not None else "group",
        notes=(*notes, *_limits_of_credit(recipe, found)),
        groups=tuple(show_group(group, estimator, texts) for group in chosen),
    )


def _limits_of_credit(recipe: Recipe | None, found: Found) -> list[str]:
    """What the credit that is shown is not."""
    if recipe is None:
        return ["There is no recipe beside this file: the credit shown is that of plain group rewards."]
    notes: list[str] = []
    if not found.name[:6].isdigit():
        notes.append("These runs were imitated, not reinforced: the credit is what the recipe would give them.")
    if recipe.objective.modifiers:
        notes.append("The objective changes these advantages once more, with the ratios of the step (modifiers).")
    if any(isinstance(stage, DapoStage) and stage.select is not None for stage in recipe.stages):
        notes.append("A stage that selects (select) has learnt from some of these tokens only; the choice is not kept.")
    return notes


def texts_for(recipe: Recipe | None, run: Path | None) -> tuple[Texts, list[str]]:
    """A text for every id, with the tokenizer that the run has kept; otherwise none, and a note that says why."""
    if recipe is None or run is None:
        return no_texts, ["Tokens are shown as ids: it is not known whose they are."]
    if recipe.tasks.source == "repairs":
        from rl_trainer.environments.repairs.renderer import RepairRenderer

        return token_texts(RepairRenderer()), []
    from rl_trainer.chat_renderer import open_tokenizer, renderer_for

    kept = sorted(run.glob("checkpoints/step-*/model/tokenizer_config.json"))
    name = str(kept[-1].parent) if kept else recipe.model.name
    if not Path(name).exists():
        return no_texts, [f"Tokens are shown as ids: the run has kept no tokenizer, and {name} is no folder here."]
    try:
        return token_texts(renderer_for(open_tokenizer(name))), []
    except (TrainingToolsMissing, BaseModelMissing) as error:
        return no_texts, [f"Tokens are shown as ids: {error}"]


def token_texts(renderer: Renderer) -> Texts:
    """A text for each id; joined they read as the whole. Where a renderer puts spaces between ids, so does this.

    A letter whose bytes are spread over several ids stands with the first of them.

    Example:
        token_texts(renderer)([5, 7])  # ("edit", " 2:")
    """

    @lru_cache(maxsize=65_536)
    def alone(id_: int) -> str:
        return renderer.text([id_])

    def texts(ids: Sequence[int]) -> tuple[str, ...]:
        parts = [alone(id_) for id_ in ids]
        spaced = len(ids) > 1 and renderer.text(ids[:2]) == f"{parts[0]} {parts[1]}" != parts[0] + parts[1]
        if spaced:
            return (parts[0], *(f" {part}" for part in parts[1:]))
        at = 0
        while at < len(parts):
            end = _letter_end(renderer, ids, at) if _CUT in parts[at] else at + 1
            if end > at + 1:
                whole = renderer.text(ids[at:end])
                parts[at:end] = [whole[place : place + 1] for place in range(end - at - 1)] + [whole[end - at - 1 :]]
            at = end
        return tuple(parts)

    return texts


def _letter_end(renderer: Renderer, ids: Sequence[int], start: int) -> int:
    """Where the letter that begins at `start` is whole; right behind it where it never is."""
    for end in range(start + 2, min(len(ids), start + _LONGEST) + 1):
        if _CUT not in renderer.text(ids[start:end]):
            return end
    return start + 1


def _holds_any(file: Path) -> bool:
    """Whether there is a first line; an iteration that found nothing to learn from leaves a file without one."""
    try:
        with gzip.open(file, "rb") as lines:
            return bool(lines.readline())
    except (OSError, EOFError, zlib.error):
        return True  # it is damaged, and whoever reads it says so


def _read(file: Path) -> list[Group]:
    try:
        return list(read_groups(file))
    except (OSError, EOFError, zlib.error) as error:
        raise CheckpointDamaged(f"{file} cannot be read: {error}") from error


def _when(found: Found) -> str:
    return f"iteration {int(found.name[:6])}" if found.name[:6].isdigit() else found.name
