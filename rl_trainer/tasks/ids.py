"""Ids of tests read from their text, as pytest writes them."""

import ast
from collections.abc import Iterator
from typing import TypeGuard


def ids_of_tests(path: str, text: str) -> tuple[str, ...]:
    """All tests of a file that need no parameters and are not skipped; none where it is not Python.

    Example:
        ids_of_tests("a_test.py", "class A(TestCase):\\n    def test_b(self): ...") -> ("a_test.py::A::test_b",)
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    return tuple("::".join([path, *names]) for names, _ in functions_of_tests(tree))


def functions_of_tests(
    tree: ast.Module, *, every: bool = False
) -> Iterator[tuple[tuple[str, ...], ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The test functions of a module with their names, the class first where there is one.

    every: those too that are skipped or take parameters.
    """
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and (every or not _is_skipped(node)):
            for each in node.body:
                if _is_test(each, every):
                    yield (node.name, each.name), each
        elif _is_test(node, every):
            yield (node.name,), node


def _is_test(node: ast.stmt, every: bool) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test"):
        return False
    return every or not _is_skipped(node)


def _is_skipped(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return any(word in ast.unparse(mark) for mark in node.decorator_list for word in ("skip", "parametrize", "xfail"))
