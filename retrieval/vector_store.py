"""Vectors by the hash of their text, in two append-only files: no text is embedded twice by the same model."""

import hashlib
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

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
_FEW = 32
"""So many keys are looked for one by one, in one pass over all keys each; more, by sorting the keys first."""
_LOCK_TIMEOUT_S = 120.0


def text_key(text: str) -> bytes:
    """16 bytes that name a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


class VectorStore:
    """float32[n, dim] in one file and the keys of the n texts in another, for one model; rows never move.

    A vector is on disk before its key is written: what a crash cut off has no key, and is overwritten. Several
    processes may read while one appends; appending takes a file lock. Both files are mapped, nothing is held.
    """

    def __init__(self, path: Path, dim: int) -> None:
        self._path = path
        self._keys_path = path.with_suffix(".keys")
        self._dim = dim
        self._mapped: Vectors = np.empty((0, dim), np.float32)

    def rows(self, texts: Sequence[str], embedder: Embedder, progress: Progress | None = None) -> list[int]:
        """The row of each text, embedding those that no row holds yet; `progress` is told how many of
        how many new ones are done.

        Raises:
            ModelMismatch: the embedder's dimension is not this file's.
        """
        keys = [text_key(text) for text in texts]
        known = self._find(keys)
        if len(known) < len(set(keys)):
            with self._locked():
                known = self._find(keys)  # another process may have appended them while this one waited
                missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
                known |= self._append(missing, embedder, progress)
        return [known[key] for key in keys]

    def vectors(self, rows: NDArray[np.int64]) -> Vectors:
        """float32[len(rows), dim], copied from the file.

        Raises:
            IndexError: there is no such row.
        """
        if not len(rows):
            return np.empty((0, self._dim), np.float32)
        mapped = self._mapped
        if int(rows.max()) >= len(mapped) and len(self) > len(mapped):
            mapped = self._mapped = np.asarray(
                np.memmap(self._path, dtype=np.float32, mode="r", shape=(len(self), self._dim))
            )
        return mapped[rows]

    def __len__(self) -> int:
        """How many whole rows there are."""
        try:
            return min(
                self._path.stat().st_size // (4 * self._dim),
                self._keys_path.stat().st_size // _KEY_BYTES,
            )
        except FileNotFoundError:
            return 0

    def _find(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        """The rows of those keys that have one."""
        count, wanted = len(self), list(dict.fromkeys(keys))
        if not count or not wanted:
            return {}
        stored = np.asarray(np.memmap(self._keys_path, dtype="<u8", mode="r", shape=(count, 2)))
        halves = np.frombuffer(b"".join(wanted), dtype="<u8").reshape(-1, 2)
        if len(wanted) <= _FEW:
            places = [np.flatnonzero(stored[:, 0] == half)[:1] for half in halves[:, 0]]
            rows = np.array([place[0] if len(place) else 0 for place in places], np.int64)
        else:
            order = np.argsort(stored[:, 0], kind="stable")
            at = np.searchsorted(stored[:, 0], halves[:, 0], sorter=order)
            rows = order[np.minimum(at, count - 1)]
        same = (stored[rows] == halves).all(axis=1)
        return {key: row for key, row, is_it in zip(wanted, rows.tolist(), same.tolist(), strict=True) if is_it}

    def _append(self, missing: dict[bytes, str], embedder: Embedder, progress: Progress | None) -> dict[bytes, int]:
        """Embed and append in blocks, so that an interrupted run keeps what it has done; the rows of the new ones."""
        if embedder.dim != self._dim:
            raise ModelMismatch(
                f"model {embedder.id} makes vectors of {embedder.dim} numbers, {self._path.name} holds {self._dim}"
            )
        items, before = list(missing.items()), len(self)
        with (
            _appending(self._path, before * 4 * self._dim) as vectors,
            _appending(self._keys_path, before * _KEY_BYTES) as keys,
        ):
            for start in range(0, len(items), _BLOCK):
                block = items[start : start + _BLOCK]
                tell = partial(_tell, progress, start, len(items)) if progress else None
                vectors(embedder.embed([text for _, text in block], progress=tell).astype(np.float32).tobytes())
                keys(b"".join(key for key, _ in block))
        return {key: before + number for number, key in enumerate(missing)}

    @contextmanager
    def _locked(self) -> Generator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(str(self._path) + ".lock", timeout=_LOCK_TIMEOUT_S):
            yield


@contextmanager
def _appending(path: Path, size: int) -> Generator[Callable[[bytes], None]]:
    """Cut a file to the bytes that are whole, and write behind them; what was written is on disk when it returns."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(size)
        file.seek(size)

        def write(data: bytes) -> None:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

        yield write


def _tell(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)
