"""`ToolIndex`: tools and server cards, searched without a lock while they change."""

import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from filelock import FileLock

from retrieval import manifest
from retrieval.calibration import DEPTH, packaged_calibration, with_fit
from retrieval.candidates import Allow, Kind
from retrieval.card import ServerCard
from retrieval.document import passage_of, weighted_words
from retrieval.embedding import Embedder
from retrieval.errors import IndexDamaged
from retrieval.hit import Hit
from retrieval.lexical import build_lexical
from retrieval.ranking import Asked, rank, words_asked
from retrieval.segment import Contents, Segment, build_segment, load_segment, packed_fingerprints, save_segment
from retrieval.settings import RetrievalSettings
from retrieval.snapshot import Snapshot, adding, due, joined, replaced, without
from retrieval.tool import ToolSpec
from retrieval.vector_store import Progress, VectorStore

_LOCK_TIMEOUT_S = 60.0


class ToolIndex:
    """Finds tools and server cards by meaning and by words.

    Readers hold one snapshot and take no lock; writers prepare the next and swap it in. A change rebuilds only the
    last, small segment and copies one bit map: never the whole of a large index.
    """

    def __init__(self, folder: Path, embedder: Embedder, settings: RetrievalSettings) -> None:
        self._folder = folder
        self._embedder = embedder
        self._settings = settings
        self._calibration = packaged_calibration(embedder.id)
        self._store = VectorStore(folder / "vectors" / f"{manifest.file_name(embedder.id)}.bin", embedder.dim)
        self._writing = threading.Lock()
        self._tidying = threading.Lock()
        self._snapshot = Snapshot()

    @property
    def generation(self) -> int:
        """The catalogue's generation that the index is equal to; -1 when it never was."""
        return self._snapshot.generation

    def __len__(self) -> int:
        return len(self._snapshot)

    def fingerprints(self) -> dict[str, str]:
        """The fingerprint of everything indexed, by id."""
        return self._snapshot.fingerprints()

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        kind: Kind = "all",
        allow: Allow | None = None,
        prefer: Collection[str] | None = None,
    ) -> list[Hit]:
        """The k best things for a plain-language query, best first; fewer only when fewer are allowed.

        `prefer`: servers whose tools come before others that fit about as well (see `ranking.Asked`).
        """
        now = self._snapshot
        if k <= 0 or not len(now):
            return []
        vector = self._embedder.embed([query], kind="query")[0]
        asked = Asked(k=max(k, DEPTH), kind=kind, allow=allow, prefer=prefer)
        hits = rank(now, query, vector, self._settings, asked=asked, vectors_of=self._store.vectors)
        return with_fit(hits, self._calibration, words=len(words_asked(query)))[:k]

    def apply(
        self,
        changed: Sequence[ToolSpec | ServerCard],
        removed: Sequence[str] = (),
        *,
        generation: int,
        progress: Progress | None = None,
    ) -> None:
        """Put in or replace some things, take out others, and be equal to a generation of the catalogue.

        Only texts that no stored vector has are embedded. Searches that run meanwhile see all of it or nothing.
        """
        things = {_id_of(thing): thing for thing in changed}
        with self._writing:
            fresh = self._segment_of(things, progress) if things else None
            now = without(self._snapshot, [*things, *removed])
            if fresh is not None:
                now = adding(now, fresh, self._store.vectors, self._settings.vectors)
            self._snapshot = replace(now, generation=generation)

    def tidy(self) -> None:
        """Join segments that are due. Takes long for large ones, and keeps neither searches nor changes waiting."""
        with self._tidying:
            while (where := due(before := self._snapshot)) is not None:
                one = joined(before.parts()[where], self._store.vectors, self._settings.vectors)
                with self._writing:
                    now = replaced(self._snapshot, before, where, one)
                    if now is None:
                        return  # a change joined them meanwhile: the next call looks again
                    self._snapshot = now

    def load(self) -> bool:
        """Take up what was saved; False when nothing fitting is there (none, another model, another format).

        Raises:
            IndexDamaged: it is there and cannot be read.
        """
        saved = manifest.read(self._folder)
        if saved is None or saved.model != self._embedder.id or saved.dim != self._embedder.dim:
            return False
        segments = [
            load_segment(self._folder, entry.uid, self._store.vectors, self._settings.vectors)
            for entry in saved.segments
        ]
        alive = [
            manifest.alive_of(entry, len(segment)) for entry, segment in zip(saved.segments, segments, strict=True)
        ]
        self._snapshot = Snapshot(tuple(segments), tuple(alive), saved.generation)
        return True

    def save(self) -> None:
        """Tidy, write what is not on disk yet, then the manifest naming it; a newer saved generation is left alone."""
        self.tidy()
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._writing, FileLock(self._folder / "save.lock", timeout=_LOCK_TIMEOUT_S):
            now = self._snapshot
            saved = _readable_manifest(self._folder)
            if saved is not None and saved.model == self._embedder.id and saved.generation > now.generation:
                return
            for segment in now.segments:
                save_segment(segment, self._folder)
            entries = [manifest.entry_of(segment.uid, alive) for segment, alive in now.parts()]
            manifest.write(
                self._folder,
                manifest.Manifest(
                    model=self._embedder.id,
                    dim=self._embedder.dim,
                    generation=now.generation,
                    size=len(now),
                    segments=entries,
                ),
            )

    def _segment_of(self, things: dict[str, ToolSpec | ServerCard], progress: Progress | None) -> Segment:
        passages = [passage_of(thing) for thing in things.values()]
        rows = np.asarray(self._store.rows(passages, self._embedder, progress), dtype=np.int64)
        contents = Contents(
            ids=list(things),
            fingerprints=packed_fingerprints([thing.fingerprint for thing in things.values()]),
            rows=rows,
            lexical=build_lexical([weighted_words(thing) for thing in things.values()]),
        )
        return build_segment(contents, self._store.vectors, self._settings.vectors)


def open_index(folder: Path, embedder: Embedder, settings: RetrievalSettings | None = None) -> ToolIndex:
    """The index saved in a folder, or an empty one (generation -1) when none is there, or none that can be read.

    An index is only a copy: whoever opens it compares its fingerprints with the catalogue and applies the difference.
    Nothing is lost with a damaged one but time: the stored vectors are in a file of their own.
    """
    index = ToolIndex(folder, embedder, settings or RetrievalSettings())
    try:
        index.load()
    except IndexDamaged:
        return ToolIndex(folder, embedder, settings or RetrievalSettings())
    return index


def _readable_manifest(folder: Path) -> manifest.Manifest | None:
    try:
        return manifest.read(folder)
    except IndexDamaged:
        return None


def _id_of(thing: ToolSpec | ServerCard) -> str:
    return thing.name if isinstance(thing, ServerCard) else thing.tool_id
