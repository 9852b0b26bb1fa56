"""A small file system: folders, text files, and files that are protected against change."""

import copy
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from agent.evaluation.world import Refused, World, dice, tools_of

FOLDERS = ("/archive", "/invoices", "/notes", "/projects", "/reports")
_WORDS = ("budget", "minutes", "roadmap", "contract", "survey", "agenda", "review", "forecast", "inventory", "draft")


@dataclass(slots=True)
class Files:
    """entries: the text of each file by its path; None for a folder. protected: paths that may not be changed.

    Both may be views of a real folder (see `benchmarks/crash_runs.py`).
    """

    entries: MutableMapping[str, str | None] = field(default_factory=dict[str, str | None])
    protected: set[str] = field(default_factory=set[str])

    def copy(self) -> "Files":
        return Files(dict(self.entries), copy.copy(self.protected))

    def values(self, argument: str) -> list[Any]:
        if argument in {"path", "source", "target"}:
            return sorted(path for path, text in self.entries.items() if text is not None)
        return sorted(path for path, text in self.entries.items() if text is None) if argument == "folder" else []


def files_world(seed: int) -> "World[Files]":
    """Five folders with a dozen files in them."""
    rng = dice("files", seed)
    state = Files(dict.fromkeys(FOLDERS))
    for number in range(12):
        word = _WORDS[number % len(_WORDS)]
        path = f"{rng.choice(FOLDERS)}/{word}-{number + 1}.txt"
        state.entries[path] = f"{word} number {rng.randint(100, 999)}\n"
    return World("files", TOOLS, state)


def parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _text(state: Files, path: str) -> str:
    if path not in state.entries:
        raise Refused(f"{path}: no such file")
    text = state.entries[path]
    if text is None:
        raise Refused(f"{path}: is a folder")
    return text


def _folder(state: Files, path: str) -> None:
    if path != "/" and path not in state.entries:
        raise Refused(f"{path}: no such folder; create it first")
    if path != "/" and state.entries[path] is not None:
        raise Refused(f"{path}: is not a folder")


def _may_change(state: Files, path: str) -> None:
    if path in state.protected:
        raise Refused(f"{path}: is protected; take the protection off first")


def _list_folder(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    folder = given["folder"]
    _folder(state, folder)
    return {"entries": sorted(path for path in state.entries if parent(path) == folder)}


def _find_files(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    wanted = given["text"].lower()
    return {"paths": sorted(path for path, text in state.entries.items() if text is not None and wanted in path)}


def _file_info(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    path = given["path"]
    return {"path": path, "characters": len(_text(state, path)), "protected": path in state.protected}


def _read_file(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    return {"text": _text(state, given["path"])}


def _create_folder(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    folder = given["folder"]
    _folder(state, parent(folder))
    if state.entries.get(folder) is not None:
        raise Refused(f"{folder}: a file of that name exists")
    state.entries[folder] = None
    return {"folder": folder}


def _delete_folder(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    folder = given["folder"]
    _folder(state, folder)
    if any(parent(path) == folder for path in state.entries):
        raise Refused(f"{folder}: is not empty")
    if folder == "/":
        raise Refused("/: cannot be deleted")
    del state.entries[folder]
    return {"deleted": folder}


def _write(state: Files, path: str, text: str) -> dict[str, Any]:
    _folder(state, parent(path))
    if path in state.entries:
        _text(state, path)
    _may_change(state, path)
    state.entries[path] = text
    return {"path": path, "characters": len(text)}


def _write_file(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    return _write(state, given["path"], given["text"])


def _append_text(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    return _write(state, given["path"], _text(state, given["path"]) + given["text"] + "\n")


def _replace_text(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    text = _text(state, given["path"])
    if given["old"] not in text:
        raise Refused(f"{given['path']}: {given['old']!r} does not stand in it")
    return _write(state, given["path"], text.replace(given["old"], given["new"]))


def _copy_file(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    return _write(state, given["target"], _text(state, given["source"]))


def _move_file(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    source, target = given["source"], given["target"]
    text = _text(state, source)
    _may_change(state, source)
    if target in state.entries:
        raise Refused(f"{target}: exists already; delete it first")
    _write(state, target, text)
    del state.entries[source]
    return {"path": target}


def _delete_file(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    path = given["path"]
    _text(state, path)
    _may_change(state, path)
    del state.entries[path]
    return {"deleted": path}


def _set_protection(state: Files, given: dict[str, Any]) -> dict[str, Any]:
    path, protected = given["path"], given["protected"]
    _text(state, path)
    (state.protected.add if protected else state.protected.discard)(path)
    return {"path": path, "protected": protected}


_PATH = {"path": "string"}
TOOLS = tools_of(
    "files",
    ("list_folder", "reads", "Lists what stands in a folder.", {"folder": "string"}, _list_folder),
    ("find_files", "reads", "Finds files whose path has this text in it.", {"text": "string"}, _find_files),
    ("file_info", "reads", "Tells a file's size and whether it is protected.", _PATH, _file_info),
    ("read_file", "reads", "Gives the text of a file.", _PATH, _read_file),
    ("create_folder", "sets", "Makes a folder; its parent must exist.", {"folder": "string"}, _create_folder),
    ("delete_folder", "destroys", "Deletes an empty folder.", {"folder": "string"}, _delete_folder),
    (
        "write_file",
        "sets",
        "Writes a text file, in place of what it held.",
        {"path": "string", "text": "string"},
        _write_file,
    ),
    ("append_text", "adds", "Adds a line to a text file.", {"path": "string", "text": "string"}, _append_text),
    (
        "replace_text",
        "adds",
        "Replaces a text everywhere in a file.",
        {"path": "string", "old": "string", "new": "string"},
        _replace_text,
    ),
    ("copy_file", "sets", "Copies a file.", {"source": "string", "target": "string"}, _copy_file),
    ("move_file", "adds", "Moves or renames a file.", {"source": "string", "target": "string"}, _move_file),
    ("delete_file", "destroys", "Deletes a file.", _PATH, _delete_file),
    (
        "set_protection",
        "sets",
        "Protects a file against changes, or takes that off.",
        {"path": "string", "protected": "boolean"},
        _set_protection,
    ),
)
