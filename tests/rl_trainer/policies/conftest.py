from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rl_trainer.policies.vllm_settings import VllmSettings
from tests.rl_trainer.policies.engine import Engine, running_engine

Start = Callable[..., tuple[Engine, VllmSettings]]


@pytest.fixture
def start() -> Generator[Start]:
    """Starts an engine, and gives it with the settings that reach it."""
    with ExitStack() as running:

        def started(settings: dict[str, Any] | None = None, **how: Any) -> tuple[Engine, VllmSettings]:
            engine = running.enter_context(running_engine(**how))
            return engine, VllmSettings(url=engine.base_url, **{"attempts": 1, **(settings or {})})

        yield started


@pytest.fixture
def model_folder(tmp_path: Path) -> Callable[[int], Path]:
    """A folder with a whole model's weights: the small engine's are one number."""

    def made(weights: int) -> Path:
        folder = tmp_path / f"model-{weights}"
        folder.mkdir()
        (folder / "weights").write_text(str(weights))
        return folder

    return made


@pytest.fixture
def adapter_folder(model_folder: Callable[[int], Path]) -> Callable[[int], Path]:
    def made(weights: int) -> Path:
        folder = model_folder(weights)
        (folder / "adapter_config.json").write_text("{}")
        return folder

    return made
