"""`SentenceTransformerEmbedder`: any other model, through sentence-transformers, on the CPU or a GPU."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.embedding import TextKind, Vectors, distinct, well_formed
from retrieval.errors import ModelMissing

_CHUNK = 1024
"""Texts between two reports of progress; the library sorts and batches within them."""


class SentenceTransformerEmbedder:
    """Embeds with a model that the library has loaded; it puts in the prompts that the model wants. Made by `load`."""

    def __init__(self, model: Any, *, name: str, dim: int) -> None:
        self._model = model
        self._name = name
        self._dim = dim

    @classmethod
    def load(cls, model: str, *, device: str | None = None) -> "SentenceTransformerEmbedder":
        """The model of that folder, or of that name on the hub (fetched when the library's cache does not have it).

        `device`: None takes a GPU when there is one.

        Raises:
            ModelMissing: the library or the model is not there.
        """
        try:
            # An extra, and seconds to import: only when such a model is used.
            from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise ModelMissing(
                f"the embedding model {model!r} needs a library that is not installed: "
                f"pip install 'quartermaster[sentence-transformers]'"
            ) from error
        try:
            loaded = SentenceTransformer(model, device=device)
        except (OSError, ValueError) as error:
            raise ModelMissing(
                f"cannot load the embedding model {model!r}: {error}. "
                "It must be a folder, or a name on the hub that is cached or can be fetched now"
            ) from error
        # Measured: the method that tells it has other names in other releases, and some models do not know.
        dim = len(loaded.encode_document(["how wide?"], show_progress_bar=False)[0])
        return cls(loaded, name=_name(model, loaded), dim=dim)

    @property
    def id(self) -> str:
        return self._name

    @property
    def dim(self) -> int:
        return self._dim

    def embed(
        self, texts: Sequence[str], *, kind: TextKind = "document", progress: Callable[[int], None] | None = None
    ) -> Vectors:
        """float32[len(texts), dim], unit rows; equal texts are embedded once."""
        once, where = distinct([well_formed(text) for text in texts])
        encode = self._model.encode_query if kind == "query" else self._model.encode_document
        vectors = np.empty((len(once), self._dim), np.float32)
        for start in range(0, len(once), _CHUNK):
            chunk = once[start : start + _CHUNK]
            vectors[start : start + len(chunk)] = encode(chunk, normalize_embeddings=True, show_progress_bar=False)
            if progress is not None:
                progress(round((start + len(chunk)) * len(texts) / len(once)))
        # Models made of word vectors have none for a text without words.
        vectors[~vectors.any(axis=1), 0] = 1
        return vectors[where]


def _name(model: str, loaded: Any) -> str:
    """The model's name, what tells its weights from other weights of that name, and where it cuts texts."""
    folder = Path(model)
    weights = _digest(folder) if folder.is_dir() else _commit(loaded)
    tail = f"{weights[:8]}-{loaded.max_seq_length}" if weights else str(loaded.max_seq_length)
    return f"{folder.resolve().name if folder.is_dir() else model}-{tail}"


def _digest(folder: Path) -> str:
    """SHA-256 (hex) of what can change vectors: weights, tokenizer and settings."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in {".safetensors", ".bin", ".json", ".txt", ".model"}:
            digest.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _commit(loaded: Any) -> str:
    """The commit that the hub gave; empty for models that do not say (made of plain word vectors, say)."""
    config = getattr(getattr(loaded[0], "auto_model", None), "config", None)
    return getattr(config, "_commit_hash", None) or ""
