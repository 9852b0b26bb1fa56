"""What vLLM is asked and what it answers, as plain data: its completions API with token ids on both sides.

`return_token_ids` is known to vLLM since 0.10.2 (issue vllm-project/vllm #22587); a server that does not know it leaves
the ids out, which is told as such.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rl_trainer.errors import EngineFailed
from rl_trainer.policy import Sampling, Written

_FINISHES = {"stop": "stop", "length": "length", "abort": "aborted"}


def completion_body(prompt: Sequence[int], sampling: Sampling, *, seed: int, model: str) -> dict[str, Any]:
    """One completion of these ids. All is said, so that no default of the server's or the model's comes in.

    The model's own end of text does not end it: only `sampling.stop` does, so that trainer and sampler agree on ends.
    """
    return {
        **_frame(prompt, model, max_tokens=sampling.max_tokens),
        "seed": seed,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k or -1,
        "min_p": sampling.min_p,
        "repetition_penalty": sampling.repetition_penalty,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "stop_token_ids": list(sampling.stop),
        "ignore_eos": True,
    }


def default_body(prompt: Sequence[int], *, seed: int, model: str, max_tokens: int) -> dict[str, Any]:
    """The same with nothing said about how to sample, to see what the server sets by itself."""
    return {**_frame(prompt, model, max_tokens=max_tokens), "seed": seed, "ignore_eos": True}


def _frame(prompt: Sequence[int], model: str, *, max_tokens: int) -> dict[str, Any]:
    return {
        "model": model,
        "prompt": list(prompt),
        "max_tokens": max_tokens,
        "logprobs": 0,  # of the sampled id, and of no others
        "return_token_ids": True,
        "add_special_tokens": False,
        "skip_special_tokens": False,
    }


def written(answer: Mapping[str, Any], *, version: int) -> Written:
    """The first choice of an answer.

    Raises:
        EngineFailed: it has no ids, or no log-probability for each of them.
    """
    choices = answer.get("choices") or ()
    if not choices:
        raise EngineFailed(f"the engine's answer has no choices: {str(dict(answer))[:200]}")
    choice: Mapping[str, Any] = choices[0]
    ids = choice.get("token_ids")
    if ids is None:
        raise EngineFailed(
            "the engine's answer has no token_ids: it does not know return_token_ids; vLLM 0.11 or newer is needed"
        )
    logprobs = (choice.get("logprobs") or {}).get("token_logprobs") or []
    if len(logprobs) != len(ids) or any(each is None for each in logprobs):
        raise EngineFailed(
            f"the engine gave {len(ids)} ids and {len(logprobs)} log-probabilities; without one for each id nothing "
            "can be learnt from them"
        )
    finish = _FINISHES.get(str(choice.get("finish_reason")))
    if finish is None:
        raise EngineFailed(f"the engine ended a completion with {choice.get('finish_reason')!r}, which is not known")
    return Written(ids=tuple(ids), logprobs=tuple(map(float, logprobs)), finish=finish, version=version)
