# ruff: noqa: PTH100, PTH109, PTH119, PTH120, PTH123
# Paths are strings here: this program is watched by its own hook, and does little itself.
"""Two ways of running tests, with the same ids: by pytest, and by unittest with plain functions beside it."""

from __future__ import annotations

import builtins
import contextlib
import importlib.util
import os
import signal
import sys
import types
import unittest
from typing import TYPE_CHECKING, Any

from .watching import kept, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_JUDGES = ("unittest.case", "unittest.result", "unittest.suite", "unittest.loader")
_PYTEST_JUDGES = (
    *("_pytest.runner", "_pytest.reports", "_pytest.outcomes", "_pytest.skipping", "_pytest.python_api"),
    *("_pytest.python", "_pytest.unittest", "_pytest.nodes", "_pytest.main", "_pytest.raises"),
    *("pluggy._hooks", "pluggy._callers", "pluggy._manager"),
)


class TooLong(BaseException):
    """A test used up its CPU time."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Generator[None]:
    """CPU time, not the clock's: a busy machine fails nobody."""

    def over(number: int, frame: Any) -> None:
        raise TooLong(f"more than {seconds:g} s of CPU")

    signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def judges(*more: str) -> list[Any]:
    """The modules that say what passes."""
    return [builtins, *(sys.modules[name] for name in (*_JUDGES, *more) if name in sys.modules)]


def finish(changed: Callable[[], list[str]], say: Callable[..., None]) -> None:
    for where in changed()[:5]:
        say("cheat", f"replaces {where}")


def told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def with_unittest(plan: dict[str, Any], say: Callable[..., None]) -> None:
    """Tests of unittest, and functions without parameters; ids as pytest writes them."""
    changed = kept(judges())
    # All are read before anything of what is tested runs: later they may be others.
    codes = {path: compiled(path, say) for path in plan["tests"]}
    watch(plan, say)
    sys.path.insert(0, os.getcwd())
    for path, code in codes.items():
        if code is None:
            continue
        folder = os.path.dirname(os.path.abspath(path))
        if folder not in sys.path:
            sys.path.insert(0, folder)
        try:
            with time_limit(plan["test_cpu_s"]):
                module = load(path, code)
        except BaseException as error:  # noqa: BLE001 - whatever importing raises, the file's tests did not run
            say("collect", path, told(error))
            continue
        run_module(path, module, plan["test_cpu_s"], say)
    finish(changed, say)
    say("done")


def compiled(path: str, say: Callable[..., None]) -> types.CodeType | None:
    try:
        with open(path, "rb") as file:
            return compile(file.read(), os.path.abspath(path), "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError) as error:
        say("collect", path, told(error))
        return None


def load(path: str, code: types.CodeType) -> types.ModuleType:
    name = os.path.basename(path)[:-3]
    spec = importlib.util.spec_from_file_location(name, os.path.abspath(path))
    if spec is None:
        raise ImportError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(code, vars(module))  # noqa: S102 - a task's own tests
    return module


def run_module(path: str, module: types.ModuleType, limit: float, say: Callable[..., None]) -> None:
    """Run a module's own functions and classes; what it imported from elsewhere is no test of it."""
    own = [value for value in vars(module).values() if getattr(value, "__module__", None) == module.__name__]
    functions = [each for each in own if isinstance(each, types.FunctionType) and each.__name__.startswith("test")]
    cases = [each for each in own if isinstance(each, type) and issubclass(each, unittest.TestCase)]
    result = result_for(path, limit, say)
    changed = kept([module, type(result)])
    for function in functions:
        outcome, message = "passed", ""
        try:
            with time_limit(limit):
                function()
        except BaseException as error:  # noqa: BLE001 - whatever a test raises, it has not passed
            outcome, message = "skipped" if isinstance(error, unittest.SkipTest) else "failed", told(error)
        say(f"{path}::{function.__name__}", outcome, message)
    names = unittest.TestLoader().getTestCaseNames
    suites = unittest.TestSuite(unittest.TestSuite(case(name) for name in names(case)) for case in cases)
    suites.run(result)
    finish(changed, say)


def result_for(path: str, limit: float, say: Callable[..., None]) -> unittest.TestResult:
    """Says what unittest finds. The names are unittest's."""

    def of(test: Any) -> str:
        return f"{path}::{type(test).__name__}::{getattr(test, '_testMethodName', '')}"

    class Result(unittest.TestResult):
        def startTest(self, test: Any) -> None:  # noqa: N802
            self.limit = time_limit(limit)
            self.limit.__enter__()

        def stopTest(self, test: Any) -> None:  # noqa: N802
            self.limit.__exit__(None, None, None)

        def addSuccess(self, test: Any) -> None:  # noqa: N802
            say(of(test), "passed", "")

        def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802
            say(of(test), "failed", told(err[1]))

        def addError(self, test: Any, err: Any) -> None:  # noqa: N802
            say(of(test), "failed", told(err[1]))

        def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802
            say(of(test), "skipped", str(reason)[:300])

        def addExpectedFailure(self, test: Any, err: Any) -> None:  # noqa: N802
            say(of(test), "skipped", "failed as expected")

        def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802
            say(of(test), "failed", "passed where a failure was expected")

        def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802
            if err is not None:
                say(of(test), "failed", told(err[1]))

    return Result()


def with_pytest(plan: dict[str, Any], say: Callable[..., None]) -> None:
    """pytest itself, told by a plugin."""
    import pytest

    limit = plan["test_cpu_s"]

    class Plugin:
        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_call(self, item: Any) -> Any:
            with time_limit(limit):
                yield

        @pytest.hookimpl
        def pytest_runtest_logreport(self, report: Any) -> None:
            outcome = "skipped" if hasattr(report, "wasxfail") else report.outcome
            if report.when == "call" or outcome != "passed":
                say(report.nodeid, outcome, last_line(report) if outcome != "passed" else "")

        @pytest.hookimpl
        def pytest_collectreport(self, report: Any) -> None:
            if report.failed:
                say("collect", report.nodeid, last_line(report))

    changed = kept([*judges(*_PYTEST_JUDGES), Plugin])
    watch(plan, say)
    sys.path.insert(0, os.getcwd())
    pytest.main([*plan["arguments"]], plugins=[Plugin()])
    finish(changed, say)
    say("done")


def last_line(report: Any) -> str:
    lines = str(getattr(report, "longreprtext", "")).strip().splitlines()
    return lines[-1][:300] if lines else ""
