"""How many of its tests a task shows: from the others' file the tests are cut out, and only the grader has them."""

import ast
import hashlib
from collections.abc import Collection

import msgspec

from rl_trainer.environments.swe.task import swe_task
from rl_trainer.environments.swe.told import with_told
from rl_trainer.mutation.source import Edit, Source
from rl_trainer.task import Task
from rl_trainer.tasks.ids import functions_of_tests


def hide_tests(task: Task, share: float, *, seed: int = 0) -> Task:
    """The same task with only this share of its grading tests to be seen; with 0, none of the files that hold them.

    Which ones depends on the task's id and the seed alone. Of the tests that fail at the start at least one stays to
    be seen, as long as the share is not 0, so that the bug can be noticed.

    Raises:
        TaskInvalid: it is no SWE task.
    """
    found = swe_task(task)
    tests = [*found.fail_to_pass, *found.pass_to_pass]
    seen = _chosen(task.id, found.fail_to_pass, share, seed) | _chosen(task.id, found.pass_to_pass, share, seed)
    paths = sorted({test.partition("::")[0] for test in tests} & found.files.keys())
    files, hidden = dict(found.files), dict(found.hidden_files)
    for path in paths:
        hidden.setdefault(path, files[path])
        if share <= 0:
            del files[path]
        else:
            files[path] = without_tests(files[path], {test for test in tests if test not in seen})
    changed = msgspec.structs.replace(
        found,
        files=files,
        hidden_files=hidden,
        visible_test_cmd=found.visible_test_cmd if share > 0 else "",
        protected=tuple(path for path in found.protected if path in files or path not in found.files),
    )
    goal = with_told(task.goal, changed, before=found)
    return msgspec.structs.replace(task, goal=goal, data=msgspec.json.decode(msgspec.json.encode(changed)))


def without_tests(text: str, ids: Collection[str]) -> str:
    """The test file without these tests (`file::Class::test` or `file::test`); a class left empty keeps its name."""
    source = Source("", text)
    gone = {tuple(id_.split("[")[0].split("::")[1:]) for id_ in ids}
    try:
        found = [node for names, node in functions_of_tests(source.tree, every=True) if names in gone]
    except (SyntaxError, ValueError):
        return text
    data = source.data
    for edit in sorted((_cut(source, node) for node in found), key=lambda edit: -edit.start):
        data = edit(data)
    return _filled(data.decode(), source.tree, found)


def _cut(source: Source, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Edit:
    """From the line of its first decorator to the line after its end."""
    first = node.decorator_list[0] if node.decorator_list else node
    start = source.data.rfind(b"\n", 0, source.span(first)[0]) + 1
    end = source.data.find(b"\n", source.span(node)[1]) + 1 or len(source.data)
    return Edit(start=start, end=end, text="", line=node.lineno)


def _filled(text: str, tree: ast.Module, gone: Collection[ast.AST]) -> str:
    """The same with `pass` in each class that has nothing left."""
    for node in reversed(tree.body):
        if isinstance(node, ast.ClassDef) and all(each in gone for each in node.body):
            head = text.split("\n")
            place = next(i for i, line in enumerate(head) if line.startswith(f"class {node.name}"))
            head.insert(place + 1, "    pass")
            text = "\n".join(head)
    return text


def _chosen(task_id: str, tests: Collection[str], share: float, seed: int) -> set[str]:
    if share <= 0 or not tests:
        return set()
    ordered = sorted(tests, key=lambda test: hashlib.sha256(f"{seed}\0{task_id}\0{test}".encode()).digest())
    return set(ordered[: max(1, round(share * len(ordered)))])
