"""Our own source, parsed once for the tests beside this file."""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = ("retrieval", "mcp_registry", "agent", "rl_trainer")


@dataclass(frozen=True)
class Module:
    """One Python file of the project."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse("\n".join(self.lines), filename=self.name)

    def place(self, node: ast.stmt | ast.expr | ast.excepthandler) -> str:
        return f"{self.name}:{node.lineno}"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def floors() -> list[Module]:
    """Every module that is installed: the four floors and the front door."""
    found = [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]
    return [Module(path) for path in (ROOT / "quartermaster.py", *found)]


@pytest.fixture(scope="session")
def everything(floors: list[Module]) -> list[Module]:
    """The floors, and the scripts, benchmarks and tests beside them."""
    beside = [path for folder in ("scripts", "benchmarks", "tests") for path in sorted((ROOT / folder).rglob("*.py"))]
    return [*floors, *(Module(path) for path in beside)]
