"""The model card: what the weights are, what they were trained with, and how good they were found to be."""

from collections.abc import Sequence

import msgspec

from rl_trainer.checkpoint import Place
from rl_trainer.recipe import Recipe
from rl_trainer.run_folder import Record

_SHOWN = ("evaluation/pass@", "evaluation/low", "evaluation/high", "evaluation/tasks", "evaluation/samples")


def model_card(recipe: Recipe, place: Place, records: Sequence[Record], *, licence: str) -> str:
    """A README.md with the front matter that hubs read. licence: of the base model, as its owner calls it."""
    front = ["---", f"base_model: {recipe.model.name}", "tags: [quartermaster, tool-use, reinforcement-learning]"]
    front += [f"license: {licence}"] if licence else []
    return "\n".join([*front, "---", "", *_body(recipe, place, records, licence), ""])


def _body(recipe: Recipe, place: Place, records: Sequence[Record], licence: str) -> list[str]:
    adapters = f", with adapters of rank {recipe.model.lora.rank}" if recipe.model.lora else ""
    return [
        f"# {recipe.name}",
        "",
        recipe.about or "A policy for the agent of Quartermaster.",
        "",
        f"- Base: `{recipe.model.name}`{adapters}.",
        "- Licence: "
        + (f"the base's, {licence}." if licence else "that of the base model, which was not told: look it up."),
        f"- Tasks: `{recipe.tasks.source}`; what they and their answers are licensed under holds for the data.",
        (
            f"- Trained for {place.step:,} optimiser steps on {place.rollouts:,} rollouts and {place.tokens:,} tokens; "
            f"version {place.version} of the policy."
        ),
        (
            "- It was sampled at a temperature of "
            f"{recipe.rollout.temperature:g} with nothing cut off (no top-k, top-p, min-p, no penalties)."
        ),
        "",
        "## Figures",
        "",
        *_figures(records),
        "",
        "## Recipe",
        "",
        "```json",
        msgspec.json.format(msgspec.json.encode(recipe)).decode(),
        "```",
    ]


def _figures(records: Sequence[Record]) -> list[str]:
    """The first evaluation and the last; what was not measured is said."""
    found = [record for record in records if record.kind == "evaluation"]
    if not found:
        return ["No evaluation was made while it was trained."]
    first, last = found[0], found[-1]
    names = [name for name in last.values if name.startswith(_SHOWN)]
    rows = [
        f"| {name.removeprefix('evaluation/')} | {_number(first, name)} | {_number(last, name)} |" for name in names
    ]
    return [
        (
            f"On development tasks, at iteration {first.total} and at iteration {last.total}; low and high are the "
            "ends of the 95 % interval of pass@1."
        ),
        "",
        f"| | {first.total} | {last.total} |",
        "|---|---|---|",
        *rows,
    ]


def _number(record: Record, name: str) -> str:
    return f"{record.values[name]:.3g}" if name in record.values else ""
