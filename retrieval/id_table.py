"""`IdTable`: the ids of a segment in a few flat arrays, by position and by id."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTable:
    """n different ids: text uint8[bytes], UTF-8; starts int64[n + 1]; hashes uint64[n], ascending; order int32[n], the
    place of the id of each hash.

    A million ids of 30 bytes take 50 MB, as Python strings in a dict they would take 200.
    """

    text: NDArray[np.uint8]
    starts: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    order: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, place: int) -> str:
        return self.text[self.starts[place] : self.starts[place + 1]].tobytes().decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        text, starts = self.text.tobytes(), self.starts.tolist()
        for start, end in pairwise(starts):
            yield text[start:end].decode("utf-8", "surrogatepass")

    def places(self, ids: Sequence[str]) -> list[int]:
        """Where each id stands, -1 where it does not."""
        if not len(self) or not ids:
            return [-1] * len(ids)
        wanted = np.fromiter(map(_hash, ids), dtype=np.uint64, count=len(ids))
        first = np.searchsorted(self.hashes, wanted)
        found = np.flatnonzero(self.hashes[np.minimum(first, len(self) - 1)] == wanted)
        places = [-1] * len(ids)
        for at in found.tolist():
            places[at] = self._place(ids[at], int(first[at]))
        return places

    def _place(self, id_: str, at: int) -> int:
        """Among the ids of one hash, the place of the one that is equal."""
        hash_ = self.hashes[at]
        while at < len(self) and self.hashes[at] == hash_:
            place = int(self.order[at])
            if self[place] == id_:
                return place
            at += 1
        return -1

    def with_slash(self) -> NDArray[np.bool_]:
        """bool[n]: ids with a slash are tools, the others server cards."""
        has = np.zeros(len(self), np.bool_)
        has[np.searchsorted(self.starts, np.flatnonzero(self.text == ord("/")), side="right") - 1] = True
        return has


def table_of(ids: Sequence[str]) -> IdTable:
    """The table of some different ids, in the order given."""
    texts = [id_.encode("utf-8", "surrogatepass") for id_ in ids]
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)), out=starts[1:])
    hashes = np.fromiter(map(_hash, ids), dtype=np.uint64, count=len(texts))
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    return IdTable(text=np.frombuffer(b"".join(texts), np.uint8), starts=starts, hashes=hashes[order], order=order)


def _hash(id_: str) -> int:
    return int.from_bytes(hashlib.blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
