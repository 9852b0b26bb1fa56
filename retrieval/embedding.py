"""`Embedder`: texts become vectors. Which model is used is a setting; the packaged one is the default."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""float32[n, dim], every row of length 1 (L2), so that a dot product is the cosine."""

TextKind = Literal["document", "query"]
"""What a text is to the search. Some models (E5, BGE) put another prompt before a query than before what is found."""

DEFAULT_MODEL = "all-minilm-l6-v2"
"""The model that comes with this package (see retrieval/models/all-minilm-l6-v2/model.json)."""

_PACKAGED = Path(__file__).parent / "models"


class Embedder(Protocol):
    """Texts to unit vectors. `id` names the model and everything that changes its vectors; it keys stored vectors.

    An embedder may be called from several threads.
    """

    @property
    def id(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def embed(
        self, texts: Sequence[str], *, kind: TextKind = "document", progress: Callable[[int], None] | None = None
    ) -> Vectors:
        """float32[len(texts), dim]; rows have length 1. An empty sequence gives a (0, dim) array.

        Every string has a vector: the empty one, one with NULs, one with lone surrogates. `progress` is called now
        and then, in the caller's thread, with how many of the texts are done.
        """
        ...


def open_embedder(model: str = DEFAULT_MODEL, *, threads: int | None = None) -> Embedder:
    """The embedder of a packaged model, of a folder that has a model.json, or of a sentence-transformers model.

    Only the last may fetch anything, and only the model that was named. `threads`: None takes all cores;
    sentence-transformers follows OMP_NUM_THREADS instead.

    Example:
        open_embedder()                                   # packaged; about 0.2 s
        open_embedder("./models/our-own-int8")            # made as scripts/make_packaged_model.py does
        open_embedder("intfloat/multilingual-e5-small")   # needs the extra `sentence-transformers`

    Raises:
        ModelMissing: the model, a file of it, or the library that runs it is not there.
    """
    # Either library takes long to import, and one of them is an extra: only the one that is needed.
    folder = model_folder(model)
    if folder is not None:
        from retrieval.onnx_embedder import OnnxEmbedder

        return OnnxEmbedder.load(folder, threads=threads)
    from retrieval.sentence_transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder.load(model)


def model_folder(model: str) -> Path | None:
    """Where the ONNX model of that name or path lies; None when it is for sentence-transformers."""
    if model == DEFAULT_MODEL:
        return _PACKAGED / DEFAULT_MODEL
    folder = Path(model).expanduser()
    return folder if (folder / "model.json").is_file() else None


def well_formed(text: str) -> str:
    """The text with halves of UTF-16 pairs joined and lone ones replaced: JSON may hold them, UTF-8 may not."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def distinct(texts: Sequence[str]) -> tuple[list[str], NDArray[np.intp]]:
    """Each text once, in order of appearance, and the place of every given text among them.

    Example:
        ["a", "b", "a"] -> (["a", "b"], [0, 1, 0])
    """
    places: dict[str, int] = {}
    where = [places.setdefault(text, len(places)) for text in texts]
    return list(places), np.array(where, np.intp)
