"""Vectors by the hash of their text, in one append-only file: no text is embedded twice by the same model."""

import hashlib
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from retrieval.embedding import Embedder, Vectors
from retrieval.errors import ModelMismatch

Progress = Callable[[int, int], None]
"""Told how many of how many new texts are embedded."""

_KEY_BYTES = 16
_BLOCK = 1024
"""So many new texts are embedded between two writes."""
_LOCK_TIMEOUT_S = 120.0


def text_key(text: str) -> bytes:
    """16 bytes that name a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


class VectorStore:
    """One file of records (key, float32[dim]) for one model; rows are numbered from 0 and never move.

    A record that was cut off by a crash is ignored and overwritten: what was complete is never lost. Several
    processes may read while one appends; appending takes a file lock.
    """

    def __init__(self, path: Path, dim: int) -> None:
        self._path = path
        self._record = np.dtype([("key", f"V{_KEY_BYTES}"), ("vector", np.float32, (dim,))])
        self._rows: dict[bytes, int] = {}
        self._read_rows = 0

    def rows(self, texts: Sequence[str], embedder: Embedder, progress: Progress | None = None) -> list[int]:
        """The row of each text, embedding those that no row holds yet; `progress` is told how many of
        how many new ones are done.

        Raises:
            ModelMismatch: the embedder's dimension is not this file's.
        """
        keys = [text_key(text) for text in texts]
        self._refresh()
        if all(key in self._rows for key in keys):
            return [self._rows[key] for key in keys]
        with self._locked():
            self._refresh()
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
            self._append(missing, embedder, progress)
        return [self._rows[key] for key in keys]

    def vectors(self, rows: NDArray[np.int64]) -> Vectors:
        """float32[len(rows), dim], copied from the file."""
        if not len(rows):
            return np.empty((0, self._dim), np.float32)
        return self._records()["vector"][rows]

    def __len__(self) -> int:
        """How many rows the file holds."""
        return self._path.stat().st_size // self._record.itemsize if self._path.exists() else 0

    @property
    def _dim(self) -> int:
        return self._record["vector"].shape[0]

    def _records(self) -> np.ndarray:
        return np.memmap(self._path, dtype=self._record, mode="r", shape=(len(self),))

    def _refresh(self) -> None:
        """Learn the keys of rows that this or another process appended since."""
        count = len(self)
        if count > self._read_rows:
            keys = self._records()["key"][self._read_rows : count].tobytes()
            for row in range(self._read_rows, count):
                start = (row - self._read_rows) * _KEY_BYTES
                self._rows.setdefault(keys[start : start + _KEY_BYTES], row)
            self._read_rows = count

    def _append(self, missing: dict[bytes, str], embedder: Embedder, progress: Progress | None) -> None:
        """Embed and append in blocks, so that an interrupted run keeps what it has done."""
        if embedder.dim != self._dim:
            raise ModelMismatch(
                f"model {embedder.id} makes vectors of {embedder.dim} numbers, {self._path.name} holds {self._dim}"
            )
        items = list(missing.items())
        with self._open_at_end() as file:
            for start in range(0, len(items), _BLOCK):
                block = items[start : start + _BLOCK]
                tell = partial(_tell, progress, start, len(items)) if progress else None
                records = np.empty(len(block), self._record)
                records["key"] = np.array([key for key, _ in block], dtype=f"V{_KEY_BYTES}")
                records["vector"] = embedder.embed([text for _, text in block], progress=tell)
                file.write(records.tobytes())
                file.flush()
        self._refresh()

    @contextmanager
    def _open_at_end(self) -> Generator[BinaryIO]:
        whole = len(self) * self._record.itemsize
        with self._path.open("r+b" if self._path.exists() else "w+b") as file:
            file.truncate(whole)
            file.seek(whole)
            yield file

    @contextmanager
    def _locked(self) -> Generator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(str(self._path) + ".lock", timeout=_LOCK_TIMEOUT_S):
            yield


def _tell(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)
