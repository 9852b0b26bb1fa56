"""Four floors, each knowing only the floors below it: pyproject.toml has the contracts, import-linter holds them."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

_FRONT_DOOR = "quartermaster.py"  # a single module, which import-linter cannot take: the last test looks at it


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_import_keeps_the_contracts(root: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_that_is_installed_is_under_a_contract(root: Path, project: dict[str, Any]) -> None:
    shipped = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]) - {_FRONT_DOOR}
    linted = project["tool"]["importlinter"]
    assert set(linted["root_packages"]) == shipped
    assert set(linted["contracts"][0]["layers"]) == shipped
    packages = {path.parent.name for path in root.glob("*/__init__.py")}
    assert packages <= shipped


def test_every_floor_is_typed_for_whoever_imports_it(root: Path, project: dict[str, Any]) -> None:
    for floor in project["tool"]["importlinter"]["root_packages"]:
        assert (root / floor / "py.typed").exists(), floor


def test_no_floor_knows_the_front_door(floors: list[Any]) -> None:
    assert not [
        module.place(node)
        for module in floors
        if module.name != _FRONT_DOOR
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.ImportFrom) and node.module == "quartermaster")
        or (isinstance(node, ast.Import) and any(alias.name == "quartermaster" for alias in node.names))
    ]
