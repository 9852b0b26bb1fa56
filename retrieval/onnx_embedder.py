"""`OnnxEmbedder`: a small model on ONNX Runtime, without torch.

Every text goes through the graph alone, so its vector depends on nothing but the text. An int8 graph scales its
activations by the largest one of the whole batch: among 16 a text moves by 0.001 (cosine), 0.005 at worst.
Batches of texts of one length would save a quarter of the time for texts of 12 to 22 tokens and nothing from 64 on.
Many texts are spread over threads instead, one text to a thread; that needs no padding either. A single query is not
spread: two threads take a quarter off its time where both cores are idle, and many times as long where they are not.
"""

import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from retrieval.embedding import TextKind, Vectors, distinct, well_formed
from retrieval.errors import ModelMissing
from retrieval.model_folder import ModelFolder, read_model_folder

_CHARACTERS_PER_TOKEN = 64
"""Text beyond this many characters for each token that is kept is not even split into tokens."""


class OnnxEmbedder:
    """Embeds on the CPU with a graph that takes token ids and gives unit vectors. Safe to call from several threads.

    Texts are cut to `max_tokens`. Made by `load`.
    """

    def __init__(
        self, session: Any, tokenizer: Tokenizer, described: ModelFolder, *, tokens: int, threads: int
    ) -> None:
        tokenizer.no_padding()
        tokenizer.enable_truncation(tokens)
        self._session = session
        self._tokenizer = tokenizer
        self._name = f"{described.vectors_id}-{tokens}"
        self._dim = described.dim
        self._threads = threads
        self._characters = _CHARACTERS_PER_TOKEN * tokens
        self._early = any(taken.name == "is_query" for taken in session.get_inputs())

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = None, max_tokens: int | None = None) -> "OnnxEmbedder":
        """The model of a folder with a model.json.

        `threads`: None takes all cores. `max_tokens`: None takes the model's own.

        Raises:
            ModelMissing: the folder is not there, not whole, or not a model.
        """
        described = read_model_folder(folder)
        tokens = described.max_tokens if max_tokens is None else max_tokens
        if not 2 < tokens <= described.positions:
            raise ValueError(f"max_tokens must be from 3 to {described.positions} for {described.id}, not {tokens}")
        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            session = _session(folder / "model.onnx")
        except Exception as error:  # Both libraries raise bare Exceptions for a file they cannot read.
            raise ModelMissing(f"cannot load the embedding model in {folder}: {error}") from error
        return cls(session, tokenizer, described, tokens=tokens, threads=threads or _cores())

    @property
    def id(self) -> str:
        return self._name

    @property
    def dim(self) -> int:
        return self._dim

    def embed(
        self, texts: Sequence[str], *, kind: TextKind = "document", progress: Callable[[int], None] | None = None
    ) -> Vectors:
        """float32[len(texts), dim], unit rows; equal texts are embedded once.

        Queries leave the graph early where the model was trained for it (an input `is_query`).
        """
        is_query = kind == "query"
        once, where = distinct(texts)
        vectors = np.empty((len(once), self._dim), np.float32)
        # Longest first: no thread is left with a long text when the others are done.
        order = sorted(range(len(once)), key=lambda place: -len(once[place]))
        share = len(texts) / max(len(once), 1)
        with closing(self._vectors([once[place] for place in order], is_query)) as found:
            for done, (place, vector) in enumerate(zip(order, found, strict=True), start=1):
                vectors[place] = vector
                if progress is not None:
                    progress(round(done * share))
        return vectors[where]

    def _vectors(self, texts: Sequence[str], is_query: bool) -> Generator[Vectors]:
        """One vector for each text, in their order. Closing it early drops the texts that no thread has begun."""
        if len(texts) < 2 or self._threads < 2:
            yield from (self._vector(text, is_query) for text in texts)
            return
        with ThreadPoolExecutor(min(self._threads, len(texts)), "embed") as pool:
            futures = [pool.submit(self._vector, text, is_query) for text in texts]
            try:
                for future in futures:
                    yield future.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _vector(self, text: str, is_query: bool) -> Vectors:
        """float32[dim]. Both libraries let other threads run meanwhile."""
        tokens = self._tokenizer.encode(well_formed(text[: self._characters])).ids
        given: dict[str, Any] = {"input_ids": np.array([tokens], np.int64)}
        if self._early:
            given["is_query"] = np.array(is_query)
        return self._session.run(None, given)[0][0]


def _session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    # Threads are ours, a text each: with one of its own the runtime keeps no pool, and none that spins.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; it warns of machines without a GPU or without a known CPU id
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _cores() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
