"""Every field of a recipe stands in docs/recipes.md with its default, every command of `train` in docs/trainer.md."""

import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import quartermaster
from rl_trainer.recipe import Recipe, read_recipe, shipped


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "recipes.md").read_text(encoding="utf-8")


def test_every_field_of_a_recipe_is_explained_with_its_default(page: str) -> None:
    rows, known = dict(_rows(page)), dict(_fields(Recipe))
    wrong = {
        key: f"documented {rows.get(key, 'nowhere')}, is {default}"
        for key, default in known.items()
        if rows.get(key) != default
    }
    assert not wrong
    assert not rows.keys() - known.keys(), "fields are documented that do not exist"


def test_every_variant_is_named(page: str) -> None:
    assert not {tag for tag in _tags(Recipe) if f"`{tag}`" not in page}


def test_every_shipped_recipe_is_explained(page: str) -> None:
    for name in shipped():
        assert read_recipe(name).name == name
        assert f"`{name}`" in page


def test_every_command_of_train_is_in_the_guide(root: Path) -> None:
    guide = (root / "docs" / "trainer.md").read_text(encoding="utf-8")
    assert not {
        path for path in _commands("train", quartermaster.load("train")) if f"quartermaster {path}" not in guide
    }


def _fields(kind: type[msgspec.Struct], path: str = "") -> Iterator[tuple[str, str]]:
    """(key, default as JSON): `rollout.turns`; where one of several kinds is chosen by its name, `rft.samples`.

    A table that is always there has no row of its own, only its fields have.
    """
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        key, hint = f"{path}{field.name}", hints[field.name]
        if not (_is_struct(hint) and _tag(hint) is None):
            yield key, _default(field)
        for inner in _structs(hint):
            yield from _fields(inner, f"{_tag(inner) or key}.")


def _tags(kind: type[msgspec.Struct]) -> Iterator[str]:
    for hint in typing.get_type_hints(kind).values():
        for inner in _structs(hint):
            yield from filter(None, [_tag(inner)])
            yield from _tags(inner)


def _structs(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if _is_struct(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _structs(part)


def _is_struct(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _tag(kind: Any) -> str | None:
    tag = kind.__struct_config__.tag
    return None if tag is None else str(tag)


def _default(field: Any) -> str:
    value = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return "required" if value is msgspec.NODEFAULT else f"`{msgspec.json.encode(value).decode()}`"


def _rows(text: str) -> list[tuple[str, str]]:
    return re.findall(r"^\| `([\w.]+)` \| (`[^`]*`|required) \|", text, flags=re.MULTILINE)


def _commands(path: str, command: Any) -> list[str]:
    below = getattr(command, "commands", {})
    return [found for name in below for found in _commands(f"{path} {name}", below[name])] or [path]
