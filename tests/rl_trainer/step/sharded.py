# pyright: basic, reportMissingImports=false
"""For test_processes.py: steps over the same samples, by one process or by two that share the weights.

As a script it makes two. It forks after importing, so that the imports are paid once; the children find in their
environment what torchrun sets.
"""

import json
import os
import socket
import sys
from pathlib import Path

import numpy as np
import torch

from rl_trainer.model.opening import open_model
from rl_trainer.model.saving import save_model
from rl_trainer.model.settings import ModelSettings, Scratch
from rl_trainer.objectives.settings import ObjectiveSettings
from rl_trainer.sample import Sample
from rl_trainer.step import processes
from rl_trainer.step.learner import Learner
from rl_trainer.step.settings import StepSettings

SHAPE = Scratch(layers=2, width=16, heads=2, vocab=48, context=64)


def samples() -> list[Sample]:
    """Groups of three and two that share a beginning: three rows of at most 60 tokens, so that one process has two."""
    draw = np.random.default_rng(1)
    out: list[Sample] = []
    for task, members in (("one", 3), ("two", 2)):
        prompt = draw.integers(0, 48, 20)
        for member in range(members):
            ids = np.concatenate([prompt, draw.integers(0, 48, 15 + member)])
            mask = np.arange(len(ids)) >= len(prompt)
            logprobs = np.where(mask, draw.normal(-3.9, 0.1, len(ids)), 0).astype(np.float32)
            advantages = np.full(len(ids), member - 1, np.float32)
            places, ones = np.zeros(len(ids), np.int32), np.ones(len(ids), np.float32)
            given = {"logprobs": logprobs, "advantages": advantages, "weights": ones, "turns": places}
            out.append(Sample(ids=ids, mask=mask, versions=places, task_id=task, trajectory=member, **given))
    return out


def work(folder: Path, *, fsdp: bool) -> None:
    """Two steps, with the optimiser's state taken and given back between them; what came of it is written down."""
    step = StepSettings(learning_rate=1e-3, tokens=60, fsdp=fsdp)
    with processes.open_processes():
        learner = Learner(open_model(ModelSettings(name="scratch", scratch=SHAPE)), step, ObjectiveSettings())
        given = samples()
        drawn = processes.from_first([processes.rank()])
        records = [learner.update(given, [sample.logprobs for sample in given])]
        # Another stage begins: what was gathered into a whole state goes on, in shards.
        state = learner.state_dict()
        learner = Learner(learner.model, step, ObjectiveSettings())
        learner.load_state_dict(state)
        records.append(learner.update(given, [sample.logprobs for sample in given]))
        seen = learner.log_probs(given)
        save_model(learner.model, folder / "model")
        state = learner.state_dict()
        if processes.rank() == 0:
            torch.save(state, folder / "state.pt")
            said = {
                "loss": [record.loss for record in records],
                "norm": [record.grad_norm for record in records],
                "tokens": records[0].tokens,
                "rows": records[0].rows,
                "ratio_max": records[1].ratio_max,
                "seen": [values.tolist() for values in seen],
                "drawn": drawn,
                "world": processes.world(),
            }
            (folder / "said.json").write_text(json.dumps(said))


def main() -> None:
    folder = Path(sys.argv[1])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(2):
        child = os.fork()
        if child == 0:
            ranks = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
            os.environ |= {name: str(value) for name, value in ranks.items()} | {"MASTER_ADDR": "127.0.0.1"}
            torch.set_num_threads(1)
            code = 1
            try:
                work(folder, fsdp=True)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        children.append(child)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))


if __name__ == "__main__":
    main()
