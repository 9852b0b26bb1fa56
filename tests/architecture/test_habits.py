"""The habits of the house that no linter knows."""

import ast
from typing import Any

import pytest

_MAX_LINES = 300
_MAX_TEST_LINES = 400
_WRITES_TO_PEOPLE = ("mcp_registry/cli/", "mcp_registry/migrations/__main__.py", "agent/cli/", "rl_trainer/cli/")


def test_no_module_is_longer_than_a_reader_can_hold(everything: list[Any]) -> None:
    assert not [
        f"{module.name}: {len(module.lines)} lines"
        for module in everything
        if len(module.lines) > (_MAX_TEST_LINES if module.name.startswith("tests/") else _MAX_LINES)
    ]


def test_every_module_says_what_it_is(floors: list[Any]) -> None:
    assert not [module.name for module in floors if not ast.get_docstring(module.tree)]


def test_nothing_is_imported_with_a_star(everything: list[Any]) -> None:
    assert not [
        module.place(node)
        for module in everything
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
    ]


def test_only_the_command_line_prints(floors: list[Any]) -> None:
    assert not [
        module.place(node)
        for module in floors
        if not module.name.startswith(_WRITES_TO_PEOPLE)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def test_whoever_catches_everything_says_why(floors: list[Any]) -> None:
    assert not [
        module.place(node)
        for module in floors
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler)
        and _is_broad(node.type)
        and not _lets_go_on(node)
        and not _is_explained(module, node.lineno)
    ]


def test_no_test_replaces_real_things_by_mocks(everything: list[Any]) -> None:
    imported = [
        (module.place(node), name)
        for module in everything
        for node in ast.walk(module.tree)
        for name in _imported(node)
    ]
    assert not [place for place, name in imported if name.startswith("unittest.mock") or name == "mock"]


def test_files_are_not_drawers(floors: list[Any]) -> None:
    drawers = {"utils", "util", "helpers", "helper", "common", "core", "misc", "types", "base"}
    assert not [module.name for module in floors if drawers & set(module.name.removesuffix(".py").split("/"))]


@pytest.mark.parametrize(
    ("source", "broad"),
    [
        ("except Exception: ...", True),
        ("except: ...", True),
        ("except (OSError, BaseException): ...", True),
        ("except* Exception: ...", True),
        ("except OSError: ...", False),
        ("except builtins.Exception: ...", True),
    ],
)
def test_a_broad_except_is_seen_in_every_spelling(source: str, broad: bool) -> None:
    handler = ast.parse(f"try: ...\n{source}").body[0].handlers[0]
    assert _is_broad(handler.type) is broad


def _is_broad(caught: ast.expr | None) -> bool:
    match caught:
        case None:
            return True
        case ast.Tuple(elts=parts):
            return any(_is_broad(part) for part in parts)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in {"Exception", "BaseException"}
        case _:
            return False


def _lets_go_on(handler: ast.ExceptHandler) -> bool:
    """It only cleans up, and raises the same error again."""
    match handler.body[-1]:
        case ast.Raise(exc=None):
            return True
        case _:
            return False


def _is_explained(module: Any, line_number: int) -> bool:
    """A comment stands on the line itself (beside a linter's own mark), on the one before, or on the one after."""
    before, line, after = ([*module.lines, ""][number] for number in (line_number - 2, line_number - 1, line_number))
    own_words = line.partition("#")[2].replace("noqa: BLE001", "").strip(" #-:")
    return bool(own_words) or before.strip().startswith("#") or after.strip().startswith("#")


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), names=names):
            return [f"{module}.{alias.name}" for alias in names]
        case _:
            return []
