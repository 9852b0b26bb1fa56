"""What can be wanted of files: new ones, others in other places, other text in them."""

import random
from collections.abc import Callable

from agent.evaluation.aim import Aim, GoldStep, OutOfReach
from agent.evaluation.worlds.files import FOLDERS, Files, parent

_PEOPLE = ("Amira", "Bjorn", "Chen", "Dana")


def draw(state: Files, rng: random.Random, count: int) -> list[Aim[Files]]:
    """Aims that do not get in each other's way: each has a file of its own."""
    paths = rng.sample(state.values("path"), count)
    makers = rng.choices((_write, _move, _append, _replace, _delete, _copy), k=count)
    return [make(state, path, rng) for make, path in zip(makers, paths, strict=True)]


def _write(state: Files, path: str, rng: random.Random) -> Aim[Files]:
    del state
    target = f"{rng.choice(FOLDERS)}/{rng.randint(2020, 2029)}/{path.rpartition('/')[2]}"
    text = f"Approved by {rng.choice(_PEOPLE)}"
    write = GoldStep("write_file", {"path": target, "text": text})
    return Aim(
        text=f"Write a new file {target} with the text '{text}'.",
        done=lambda state: (state.entries.get(target) or "").strip() == text,
        step=lambda state, taste: _in_folder(state, target) or _unprotected(state, target) or write,
    )


def _move(state: Files, path: str, rng: random.Random) -> Aim[Files]:
    target = f"{_other_folder(path, rng)}/{path.rpartition('/')[2]}"
    text = state.entries[path]

    def step(state: Files, taste: int) -> GoldStep:
        if path not in state.entries and state.entries.get(target) != text:
            raise OutOfReach(path)
        if state.entries.get(target) == text:
            return _unprotected(state, path) or GoldStep("delete_file", {"path": path})
        if target in state.entries:
            return _unprotected(state, target) or GoldStep("delete_file", {"path": target}, mends=True)
        if taste:
            return GoldStep("copy_file", {"source": path, "target": target})
        return _unprotected(state, path) or GoldStep("move_file", {"source": path, "target": target})

    return Aim(
        text=f"Move {path} to {target}.",
        done=lambda state: path not in state.entries and state.entries.get(target) == text,
        step=step,
        hinder=_protect(path),
    )


def _append(state: Files, path: str, rng: random.Random) -> Aim[Files]:
    del state
    line = f"Seen by {rng.choice(_PEOPLE)}"
    append = GoldStep("append_text", {"path": path, "text": line})
    return Aim(
        text=f"Add the line '{line}' to {path}.",
        done=lambda state: line in (state.entries.get(path) or ""),
        step=lambda state, taste: _still(state, path) or _unprotected(state, path) or append,
        hinder=_protect(path),
    )


def _replace(state: Files, path: str, rng: random.Random) -> Aim[Files]:
    old = (state.entries[path] or "").split()[-1]
    new = str(rng.randint(1000, 1999))
    replace = GoldStep("replace_text", {"path": path, "old": old, "new": new})

    def step(state: Files, taste: int) -> GoldStep:
        del taste
        _still(state, path)
        if old not in (state.entries[path] or ""):
            raise OutOfReach(path)
        return _unprotected(state, path) or replace

    return Aim(
        text=f"In {path}, replace '{old}' by '{new}'.",
        done=lambda state: new in (state.entries.get(path) or ""),
        step=step,
        hinder=_protect(path),
    )


def _delete(state: Files, path: str, rng: random.Random) -> Aim[Files]:
    del state, rng
    return Aim(
        text=f"Delete {path}.",
        done=lambda state: path not in state.entries,
        step=lambda state, taste: _unprotected(state, path) or GoldStep("delete_file", {"path": path}),
        hinder=_protect(path),
    )


def _copy(state: Files, path: str, rng: random.Random) -> Aim[Files]:
    target = f"{_other_folder(path, rng)}/copies/{path.rpartition('/')[2]}"
    text = state.entries[path]
    copy = GoldStep("copy_file", {"source": path, "target": target})
    return Aim(
        text=f"Keep a copy of {path} as {target}.",
        done=lambda state: state.entries.get(target) == text,
        step=lambda state, taste: _still(state, path) or _in_folder(state, target) or copy,
    )


def _other_folder(path: str, rng: random.Random) -> str:
    return rng.choice([folder for folder in FOLDERS if folder != parent(path)])


def _in_folder(state: Files, path: str) -> GoldStep | None:
    folder = parent(path)
    return None if folder in state.entries else GoldStep("create_folder", {"folder": folder}, mends=True)


def _unprotected(state: Files, path: str) -> GoldStep | None:
    if path not in state.protected:
        return None
    return GoldStep("set_protection", {"path": path, "protected": False}, mends=True)


def _still(state: Files, path: str) -> None:
    if state.entries.get(path) is None:
        raise OutOfReach(path)


def _protect(path: str) -> Callable[[Files], None]:
    return lambda state: state.protected.add(path)
