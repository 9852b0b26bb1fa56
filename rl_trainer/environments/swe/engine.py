"""How a task's tests are run: by unittest with plain functions where they need no more, otherwise by pytest."""

import ast
import warnings
from collections.abc import Iterable, Mapping

from rl_trainer.environments.swe.settings import SweSettings
from rl_trainer.environments.swe.task import SweTask, parse_test_command

_CASES = frozenset({"TestCase", "IsolatedAsyncioTestCase"})
_WITHOUT_VALUE = frozenset({"-q", "-v", "-vv", "-s", "-x", "-rA", "-ra", "-rN", "--exitfirst", "--no-header"})
_WITH_VALUE = frozenset({"--timeout", "--maxfail", "--tb", "--color", "--durations", "-n", "-k", "-m", "--deselect"})
_DROPPED = (
    *("--timeout", "--maxfail", "--tb", "--color", "--durations", "--no-summary", "--deselect", "--lf"),
    *("-n", "-qq", "-r", "-k", "-m"),
)


def test_files(ids: Iterable[str]) -> tuple[str, ...]:
    """The files of test ids, in the order in which they first stand."""
    return tuple(dict.fromkeys(id_.partition("::")[0] for id_ in ids))


def engine_of(task: SweTask, tests: Mapping[str, str], settings: SweSettings) -> str:
    """`unittest` or `pytest`."""
    if settings.engine != "auto":
        return settings.engine
    if parse_test_command(task.test_cmd).runner == "unittest":
        return "unittest"
    ids = (*task.fail_to_pass, *task.pass_to_pass)
    paths = [*task.files, *task.hidden_files]
    needs_pytest = (
        task.repository is not None
        or bool(task.plugins)
        or any("[" in id_ for id_ in ids)
        or any(path.rpartition("/")[2] in {"conftest.py", "pytest.ini"} for path in paths)
        or len({path.rpartition("/")[2] for path in tests}) < len(tests)
    )
    return "unittest" if not needs_pytest and all(is_plain(text) for text in tests.values()) else "pytest"


def is_plain(text: str) -> bool:
    """Whether a test file needs no pytest: classes of unittest, and functions without parameters or decorators."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(_plain(node) for node in tree.body) and not any(_asks_for_pytest(node) for node in ast.walk(tree))


def _plain(node: ast.stmt) -> bool:
    match node:
        case ast.FunctionDef(name=name, args=arguments, decorator_list=decorators) if name.startswith("test"):
            return not (decorators or arguments.args or arguments.posonlyargs or arguments.kwonlyargs)
        case ast.AsyncFunctionDef(name=name):
            return not name.startswith("test")
        case ast.ClassDef(name=name, bases=bases):
            cases = {base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in bases}
            return cases <= _CASES if cases & _CASES else not name.startswith("Test") and not cases - {"object"}
        case _:
            return True


def _asks_for_pytest(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(alias.name.partition(".")[0] in {"pytest", "_pytest"} for alias in names)
        case ast.ImportFrom(module=module, level=level):
            return level > 0 or (module or "").partition(".")[0] in {"pytest", "_pytest"}
        case _:
            return False


def pytest_arguments(task: SweTask, controls: Iterable[str]) -> list[str]:
    """What pytest is called with: the command's own paths and options, without those that stop early, choose or only
    show: what counts are the expected ids.

    Where the command names single tests, the control tests are named beside them.
    """
    options: list[str] = []
    targets: list[str] = []
    given = parse_test_command(task.test_cmd).arguments
    words = iter(given)
    for word in words:
        if word in _WITHOUT_VALUE or ("=" in word and word.startswith(_DROPPED)):
            continue
        if word in _WITH_VALUE:
            next(words, None)
        elif word in {"-p", "-o", "-W", "-c", "--import-mode", "--rootdir"}:
            options += [word, next(words, "")]
        elif word.startswith(_DROPPED):
            continue
        elif word.startswith("-"):
            options.append(word)
        else:
            targets.append(word)
    if any("::" in target for target in targets):
        targets += controls
    targets = targets or list(test_files((*task.fail_to_pass, *task.pass_to_pass)))
    plugins = [part for plugin in task.plugins for part in ("-p", plugin)]
    return ["-p", "no:cacheprovider", "--tb=short", "--rootdir=.", *plugins, *options, *targets]
