"""What can be typed and what can be set stands in the README or in docs/."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import quartermaster
from agent.endpoint import LlmSettings
from agent.options import Options
from agent.service.guard import KEY_VARIABLE
from mcp_registry import home
from mcp_registry.profiles import ProfileSettings
from mcp_registry.settings import UPSTAIRS, sections
from retrieval.chat import KEY_VARIABLE as LLM_KEY
from retrieval.chat import MODEL_VARIABLE, URL_VARIABLE

UPSTAIRS_SECTIONS = {"agent": Options, "llm": LlmSettings}
"""Of the floors above; [small_llm] has the same keys as [llm]."""


@pytest.fixture(scope="module")
def pages(root: Path) -> dict[str, str]:
    """README and docs/, by file name."""
    files = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    return {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="module")
def commands() -> set[str]:
    return {path for name in quartermaster.COMMANDS for path in _paths(name, quartermaster.load(name))}


def test_every_command_is_explained(pages: dict[str, str], commands: set[str]) -> None:
    text = "\n".join(pages.values())
    assert not {path for path in commands if f"quartermaster {path}" not in text}


def test_every_command_that_the_docs_show_exists(pages: dict[str, str], commands: set[str]) -> None:
    groups = {path.rsplit(" ", deep)[0] for path in commands for deep in range(1, path.count(" ") + 1)}
    unknown = set()
    for page, text in pages.items():
        for path, *further in _shown_commands(text):
            while path in groups and further:
                path = f"{path} {further.pop(0)}"
            if path not in commands | groups:
                unknown.add(f"{page}: quartermaster {path}")
    assert not unknown


def test_every_setting_is_explained_with_its_default(pages: dict[str, str]) -> None:
    rows = _rows(pages["docs/settings.md"])
    wrong = {
        key: f"documented {rows.get(key, 'nowhere')}, is {default}"
        for key, default in _settings().items()
        if rows.get(key) != default
    }
    assert not wrong
    assert not rows.keys() - _settings().keys(), "settings are documented that do not exist"


def test_every_variable_is_explained(pages: dict[str, str]) -> None:
    for variable in (home.VARIABLE, home.DATABASE_VARIABLE, KEY_VARIABLE, URL_VARIABLE, MODEL_VARIABLE, LLM_KEY):
        assert variable in pages["docs/settings.md"]
    for variable in (home.VARIABLE, home.DATABASE_VARIABLE, URL_VARIABLE):
        assert variable in pages["README.md"]


def test_every_section_of_a_floor_above_is_known_to_the_settings() -> None:
    assert {*UPSTAIRS_SECTIONS, "small_llm"} == set(UPSTAIRS)


def test_every_link_between_the_pages_leads_somewhere(root: Path, pages: dict[str, str]) -> None:
    broken = [
        f"{page}: {target}"
        for page, text in pages.items()
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", text)
        if not ((root / page).parent / target).exists()
    ]
    assert not broken


def _paths(path: str, command: Any) -> list[str]:
    """`servers` gives `servers add`, `servers list` and so on; a command without commands of its own gives itself."""
    below = getattr(command, "commands", {})
    return [found for name in below for found in _paths(f"{path} {name}", below[name])] or [path]


def _shown_commands(text: str) -> list[list[str]]:
    """The words after `quartermaster`, options left out, wherever the docs show a command line."""
    lines = re.findall(r"(?:^|[`\s])quartermaster +((?:[a-z-]+ ?)+|--[^\n`]*)", text)
    return [
        words for line in lines if (words := [word for word in line.split() if re.fullmatch(r"[a-z][a-z-]*", word)])
    ]


def _settings() -> dict[str, str]:
    """`section.key` and its default, written as in TOML."""
    return {
        f"{name}.{field.name}": msgspec.json.encode(getattr(kind(), field.name)).decode()
        for name, kind in {**sections(), **UPSTAIRS_SECTIONS, "profiles.NAME": ProfileSettings}.items()
        for field in msgspec.structs.fields(kind)
    }


def _rows(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `(\w+\.[\w.]+)` \| `([^`]*)` \|", text, flags=re.MULTILINE))
