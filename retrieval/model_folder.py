"""`ModelFolder`: an ONNX model on disk, described by its model.json; and what is wrong with one."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from retrieval.errors import ModelMissing


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of the model must be. The field names are those of model.json."""

    bytes: int
    sha256: str


class ModelFolder(msgspec.Struct, frozen=True, kw_only=True):
    """model.json, as `rl_trainer.embedder.export` writes it; what else it says (source, licence) is for people.

    Example:
        {"id": "tools-minilm-l6", "dim": 384, "max_tokens": 128, "positions": 256,
         "files": {"model.onnx": {"bytes": 23125159, "sha256": "4024..."}, "tokenizer.json": {...}}}
    """

    id: str
    dim: int
    max_tokens: int
    """Texts are cut to this many tokens, the two special ones included."""
    positions: int
    """The most tokens that the graph can take."""
    files: Mapping[str, ModelFile]

    @property
    def vectors_id(self) -> str:
        """Changes with the graph and with the tokenizer, whatever the model is called."""
        both = self.files["model.onnx"].sha256 + self.files["tokenizer.json"].sha256
        return f"{self.id}-{hashlib.sha256(both.encode()).hexdigest()[:8]}"


def read_model_folder(folder: Path) -> ModelFolder:
    """The folder's model.json, its files being there in the right size (their content: see `verify_model`).

    Raises:
        ModelMissing: the folder is not there or not whole.
    """
    described = _described(folder)
    problems = _size_problems(folder, described)
    if problems:
        raise ModelMissing(f"the embedding model in {folder} is not whole: {'; '.join(problems)}; {_MEND}")
    return described


def verify_model(folder: Path) -> list[str]:
    """What is wrong with the files of a model, one sentence each; empty when all is well. Reads every byte."""
    try:
        described = _described(folder)
    except ModelMissing as error:
        return [str(error)]
    problems = _size_problems(folder, described)
    if problems:
        return problems
    return [
        f"{name} has changed: its SHA-256 is not the one in model.json; {_MEND}"
        for name, file in described.files.items()
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != file.sha256
    ]


_MEND = "install quartermaster again, or make the folder again with quartermaster retrieval train"


def _described(folder: Path) -> ModelFolder:
    path = folder / "model.json"
    try:
        described = msgspec.json.decode(path.read_bytes(), type=ModelFolder)
    except (OSError, msgspec.DecodeError) as error:
        raise ModelMissing(f"cannot read {path}: {error}; {_MEND}") from error
    lacking = {"model.onnx", "tokenizer.json"} - described.files.keys()
    if lacking:
        raise ModelMissing(f"{path} does not list {', '.join(sorted(lacking))}; {_MEND}")
    return described


def _size_problems(folder: Path, described: ModelFolder) -> list[str]:
    problems: list[str] = []
    for name, file in described.files.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif path.stat().st_size != file.bytes:
            problems.append(f"{name} has {path.stat().st_size:,} bytes instead of {file.bytes:,}")
    return problems
