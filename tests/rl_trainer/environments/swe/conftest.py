"""A small task with a bug, and sandboxes for it."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import SweTask
from rl_trainer.sandbox.sandbox import Limits

BROKEN = "def total(numbers):\n    result = 0\n    for each in numbers:\n        result -= each\n    return result\n"
MENDED = BROKEN.replace("-=", "+=")
VISIBLE = """import unittest

from sums import total


class SumsTest(unittest.TestCase):
    def test_one(self):
        self.assertEqual(total([3]), 3)

    def test_none(self):
        self.assertEqual(total([]), 0)
"""
HIDDEN = """import unittest

from sums import total


class HiddenTest(unittest.TestCase):
    def test_many(self):
        self.assertEqual(total([1, 2, 3]), 6)

    def test_none(self):
        self.assertEqual(total([]), 0)


def test_negative():
    assert total([-1, -2]) == -3
"""


@pytest.fixture(scope="session")
def folders_module() -> Any:
    path = Path(__file__).with_name("folders.py")
    spec = importlib.util.spec_from_file_location("swe_folders", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folders(folders_module: Any, tmp_path: Path) -> Any:
    return folders_module.Folders(tmp_path)


@pytest.fixture
def settings() -> SweSettings:
    return SweSettings(stall_s=0.4, test_cpu_s=0.5)


@pytest.fixture
def bug() -> SweTask:
    """`total` subtracts. Two tests that the agent sees, three that it does not."""
    return SweTask(
        files={"sums.py": BROKEN, "sums_test.py": VISIBLE},
        protected=("sums_test.py",),
        hidden_files={"hidden_test.py": HIDDEN},
        test_cmd="python -m pytest -q hidden_test.py",
        visible_test_cmd="python -m unittest sums_test.py",
        fail_to_pass=("hidden_test.py::HiddenTest::test_many", "hidden_test.py::test_negative"),
        pass_to_pass=("hidden_test.py::HiddenTest::test_none",),
        gold_files={"sums.py": MENDED},
        limits=Limits(wall_s=20, cpu_s=3),
        grade_limits=Limits(wall_s=20, cpu_s=3),
    )
