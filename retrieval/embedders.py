"""`open_embedder`: the one place where a model is chosen. The packaged one is the default."""

from pathlib import Path

from retrieval.embedding import Embedder

DEFAULT_MODEL = "tools-minilm-l6"
"""The model that everyone gets (see docs/training.md); all-minilm-l6-v2, from which it was made, is packaged too."""

_PACKAGED = Path(__file__).parent / "models"


def open_embedder(model: str = DEFAULT_MODEL, *, threads: int | None = None) -> Embedder:
    """The embedder of a packaged model, of a folder that has a model.json, or of a sentence-transformers model.

    Only the last may fetch anything, and only the model that was named. `threads`: None takes all cores;
    sentence-transformers follows OMP_NUM_THREADS instead.

    Example:
        open_embedder()                                   # packaged; about 0.2 s
        open_embedder("./my-embedder")                    # made by quartermaster retrieval train
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
    for folder in (_PACKAGED / model, Path(model).expanduser()):
        if (folder / "model.json").is_file():
            return folder
    return None
