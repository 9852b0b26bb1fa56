"""What a vLLM server does to the distribution by itself: what it states, and what comes when nothing is asked for."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rl_trainer.errors import SamplingBiased
from rl_trainer.policies.vllm_requests import completion_body, default_body, written
from rl_trainer.policy import Sampling

Ask = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Sends one completion request and gives its answer."""

_PROMPTS = ((11, 7, 23), (5, 6, 5, 6, 5, 6, 5, 6))
"""Ids that every vocabulary has: one that leaves open what follows, and one whose repetition a penalty would end."""
_OPEN = ((11,), (7,), (23,), (101,))
_SEEDS = 12
_TOKENS = 12
_NAMES = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
)


def stated(info: Mapping[str, Any] | None) -> Sampling | None:
    """The defaults that a server's `/server_info?config_format=json` tells; None where it does not.

    With `--generation-config vllm` they are vLLM's own; otherwise those of the model's generation_config.json, which is
    read where the model is a folder that this machine sees too. `--override-generation-config` comes before both.
    """
    config = ((info or {}).get("vllm_config") or {}) if isinstance((info or {}).get("vllm_config"), Mapping) else {}
    model: Mapping[str, Any] = config.get("model_config") or {}
    source = model.get("generation_config")
    if source is None:
        return None
    found: dict[str, Any] = {}
    if source != "vllm":
        folder = Path(str(model.get("model") if source == "auto" else source))
        try:
            found = json.loads((folder / "generation_config.json").read_text())
        except (OSError, ValueError):
            if not folder.is_dir():
                return None
    found |= model.get("override_generation_config") or {}
    return Sampling(**{name: found[name] for name in _NAMES if found.get(name) is not None})


def states_processed(info: Mapping[str, Any] | None) -> bool | None:
    """Whether the server says that its log-probabilities are those after the temperature; None where it does not."""
    config = (info or {}).get("vllm_config")
    model: Mapping[str, Any] = (config.get("model_config") or {}) if isinstance(config, Mapping) else {}
    mode = model.get("logprobs_mode")
    return None if mode is None else str(mode).endswith("processed_logprobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """Of so many pairs of completions with one seed, how many differ: unbiased and by default; unbiased, twice."""

    pairs: int
    by_default: int
    by_chance: int

    @property
    def biased(self) -> bool:
        """Whether more differ by default than what the engine's own arithmetic explains."""
        return self.by_default > self.by_chance + 3 * (self.by_chance + 1) ** 0.5 - 2


async def probe_defaults(ask: Ask, model: str) -> Probed:
    """Ask with a seed and nothing else, and again with every parameter at its neutral value.

    The same seed draws the same ids from the same distribution, so one that a default has cut or tilted shows within a
    few ids. Asking the neutral way twice tells how often that engine differs from itself.
    """
    neutral = Sampling(max_tokens=_TOKENS)
    jobs: list[Mapping[str, Any]] = []
    for prompt in _PROMPTS:
        for seed in range(_SEEDS):
            once = completion_body(prompt, neutral, seed=seed, model=model)
            jobs += [once, default_body(prompt, seed=seed, model=model, max_tokens=_TOKENS), once]
    ids = [written(answer, version=0).ids for answer in await asyncio.gather(*map(ask, jobs))]
    triples = list(zip(ids[0::3], ids[1::3], ids[2::3], strict=True))
    return Probed(
        pairs=len(triples),
        by_default=sum(once != default for once, default, _ in triples),
        by_chance=sum(once != again for once, _, again in triples),
    )


async def probe_processed(ask: Ask, model: str) -> bool:
    """Whether log-probabilities are those after the temperature (TRL issue #4159 is about a server where they are not).

    At a temperature near 0 the likeliest id has a log-probability near 0, unless that is left out of the account.
    """
    cold = Sampling(temperature=0.05, max_tokens=2)
    bodies = [completion_body(prompt, cold, seed=0, model=model) for prompt in _OPEN]
    answers = [written(answer, version=0) for answer in await asyncio.gather(*map(ask, bodies))]
    found = [value for answer in answers for value in answer.logprobs]
    return sum(found) / len(found) > -0.2


def check_probed(probed: Probed) -> None:
    """Raises: SamplingBiased: some default of the server's cuts or tilts the distribution."""
    if probed.biased:
        raise SamplingBiased(
            f"{probed.by_default} of {probed.pairs} completions change when nothing is asked for ({probed.by_chance} "
            "change by themselves), so the server has sampling defaults of its own, probably from the model's "
            "generation_config.json: start it with --generation-config vllm"
        )
