"""A run's folder with groups of the small world, and one whose runs say what no page should obey."""

from pathlib import Path

import msgspec
import pytest

from rl_trainer.environments.repairs.demonstrations import demonstrations
from rl_trainer.environments.repairs.tasks import make_tasks
from rl_trainer.recipe import read_recipe
from rl_trainer.run_folder import RunFolder
from rl_trainer.trajectory import Group

EVIL = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>\x1b[31m\u2028-->"


@pytest.fixture(scope="session")
def real() -> list[Group]:
    """Two groups of six runs, some of which passed."""
    tasks = make_tasks(0, specs=4, held_out=1, each=1).train
    return [group for group in demonstrations(tasks, 0, 0.5, each=6) if 0 < group.solved < 1][:2]


def evil(group: Group) -> Group:
    """The group with hostile text wherever a policy, a tool or a task file can put some."""
    runs = tuple(
        msgspec.structs.replace(
            run,
            kind=EVIL,
            texts=tuple(EVIL for _ in run.turns),
            observations=tuple(EVIL for _ in run.turns),
            turns=tuple(msgspec.structs.replace(turn, action=EVIL + turn.action) for turn in run.turns),
            facts={**run.facts, EVIL: 1.0},
        )
        for run in group.trajectories
    )
    return msgspec.structs.replace(group, task_id=f"evil {EVIL}", trajectories=runs)


@pytest.fixture
def run(tmp_path: Path, real: list[Group]) -> Path:
    """Iterations 311 and 312, and the runs of a fine-tuning stage; credit by the turn tree, with shared prefixes."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    credit = {"credit.estimator.name": "tempo", "credit.modifiers": '[{name = "lambda", level = "action"}]'}
    folder.write_recipe(read_recipe("laptop", credit))
    folder.write_groups("000311", real[:1])
    folder.write_groups("000312", [*real, evil(real[0])])
    folder.write_groups("rft-start-0", real[1:])
    return folder.path
