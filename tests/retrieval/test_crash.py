"""A process killed while it writes: what was whole is there, the rest is made again."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from retrieval.index import open_index
from retrieval.testing import HashEmbedder
from retrieval.tool import ToolSpec
from retrieval.vector_store import VectorStore

_APPENDING = """
import sys
from pathlib import Path
from retrieval import vector_store
from retrieval.testing import HashEmbedder
vector_store._BLOCK = 4
embedder = HashEmbedder()
store = vector_store.VectorStore(Path(sys.argv[1]), embedder.dim)
for start in range(0, 1_000_000, 8):
    store.rows([f"text {i}" for i in range(start, start + 8)], embedder)
    print(start, flush=True)
"""

_SAVING = """
import sys
from pathlib import Path
from retrieval.index import open_index
from retrieval.testing import HashEmbedder
from retrieval.tool import ToolSpec
index = open_index(Path(sys.argv[1]), HashEmbedder())
for generation in range(1, 1_000_000):
    index.apply([ToolSpec(server="s", name=f"t{generation}")], generation=generation)
    index.save()
    print(generation, flush=True)
"""


def kill_after(program: str, folder: Path, lines: int) -> int:
    """Run a program, kill it (SIGKILL) once it has printed so many lines; the number on the last."""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as running:
        assert running.stdout is not None
        said = [running.stdout.readline() for _ in range(lines)]
        running.kill()
    return int(said[-1])


@pytest.mark.parametrize("lines", [1, 7])
def test_vectors_that_were_stored_are_there_after_a_kill(tmp_path: Path, lines: int) -> None:
    path, embedder = tmp_path / "v.bin", HashEmbedder()
    last = kill_after(_APPENDING, path, lines)
    store = VectorStore(path, embedder.dim)
    texts = [f"text {i}" for i in range(last + 8)]
    before = len(store)
    assert before >= len(texts)
    rows = np.array(store.rows(texts, embedder))
    assert len(store) == before
    np.testing.assert_array_equal(store.vectors(rows), embedder.embed(texts))


@pytest.mark.parametrize("lines", [2, 9])
def test_an_index_that_was_saved_opens_after_a_kill(tmp_path: Path, lines: int) -> None:
    last = kill_after(_SAVING, tmp_path, lines)
    index = open_index(tmp_path, HashEmbedder())
    assert index.generation >= last
    assert set(index.fingerprints()) == {f"s/t{number}" for number in range(1, index.generation + 1)}
    index.apply([ToolSpec(server="s", name="after")], generation=index.generation + 1)
    index.save()
    assert "s/after" in open_index(tmp_path, HashEmbedder()).fingerprints()
