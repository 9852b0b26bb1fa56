"""The front door opens only the floor that a sub-command names: giants are imported late or not at all."""

import json
import subprocess
import sys

import pytest

_GIANTS = {
    "alembic",
    "faiss",
    "langgraph",
    "mcp",
    "mcp_types",
    "numpy",
    "onnxruntime",
    "pydantic",
    "sqlalchemy",
    "sqlmodel",
    "starlette",
    "tokenizers",
    "torch",
    "transformers",
    "uvicorn",
}

_LIST_MODULES = """
import json, sys
import quartermaster
sys.argv = ["quartermaster", *json.loads(sys.argv[1])]
try:
    quartermaster.main()
except SystemExit as end:
    assert not end.code, end.code
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def _imported_by(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", _LIST_MODULES, json.dumps(arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [("--help",), ("--version",)])
def test_the_help_imports_no_giant(arguments: tuple[str, ...]) -> None:
    imported = _imported_by(*arguments)
    assert "typer" in imported
    assert not imported & _GIANTS


def test_search_never_imports_the_protocol_or_the_orm() -> None:
    imported = _imported_by("search", "--help")
    assert "retrieval" in imported, "search was not opened, so this proves nothing"
    # Not pydantic: Typer looks for it by itself (0.03 s).
    assert not imported & {"mcp", "mcp_types", "sqlmodel", "sqlalchemy", "alembic", "torch", "transformers"}
