"""A small project with tests, and sandboxes for it (unfenced: what runs in them is our own)."""

import sys
from pathlib import Path

import pytest

from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.mutation.project import Project, read_project
from rl_trainer.sandbox.opening import SandboxSettings

MODULE = '''"""Prices."""

LIMIT = 100


def total(prices, discount=0):
    result = 0
    for price in prices:
        if price < LIMIT:
            result += price
    return result - discount


def unused(x):
    return x + 1
'''
TESTS = """import os
import unittest

from prices import total


class TotalTest(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(total([1, 2]), 3)

    def test_discount(self):
        self.assertEqual(total([5], 2), 3)

    def test_dear_ones_are_left_out(self):
        self.assertEqual(total([100, 1]), 1)

    def test_chance(self):
        self.assertEqual(os.environ["PYTHONHASHSEED"], "0")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The project as a folder, with what is no part of it."""
    made = tmp_path / "shop"
    for path, text in {
        "prices.py": MODULE,
        "test_prices.py": TESTS,
        "README.md": "Prices of a shop.\n",
        ".venv/lib.py": "x = 1\n",
        "setup.py": "x = 1\n",
    }.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text(text)
    return made


@pytest.fixture
def project(folder: Path) -> Project:
    """The project as it is read."""
    return read_project(folder, licence="MIT", about="The shop adds up prices.")


@pytest.fixture
def swe() -> SweSettings:
    """Unfenced sandboxes with this interpreter."""
    return SweSettings(sandbox=SandboxSettings(kind="unfenced"), python=sys.executable, stall_s=60.0)
