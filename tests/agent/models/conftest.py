"""A state folder, and a language model of 115 kB that llama.cpp loads: one layer, random weights, bytes as words."""

import random
import struct
from pathlib import Path
from typing import Any

import pytest

from mcp_registry.home import Home

_VOCABULARY = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
_KINDS = [2, 3, 3, *[6] * 256]  # unknown, control, control, bytes
_WIDTH, _HIDDEN = 32, 64
_TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
_ALIGNMENT = 32
_UINT32, _FLOAT32, _STRING, _ARRAY, _INT32 = 4, 6, 8, 9, 5


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty state folder, which commands use too."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("QUARTERMASTER_HOME", str(folder))
    return Home(folder)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF file that can be served."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


def write_tiny_model(path: Path) -> Path:
    """A GGUF file of format version 3 (github.com/ggml-org/ggml, docs/gguf.md) with tensors of 32-bit floats."""
    tensors = _tensors()
    header = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(_METADATA)))
    for key, kind, value in _METADATA:
        header += _string(key) + struct.pack("<I", kind) + _value(kind, value)
    offset = 0
    for name, shape in tensors:
        header += _string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset)
        offset += _padded(4 * _count(shape))
    body = bytearray(header.ljust(_padded(len(header)), b"\0"))
    weights = random.Random(7)
    for _, shape in tensors:
        ones = len(shape) == 1  # those of the norms
        numbers = [1.0 if ones else weights.gauss(0, 0.2) for _ in range(_count(shape))]
        body += struct.pack(f"<{len(numbers)}f", *numbers).ljust(_padded(4 * len(numbers)), b"\0")
    path.write_bytes(body)
    return path


_METADATA: list[tuple[str, int, Any]] = [
    ("general.architecture", _STRING, "llama"),
    ("general.name", _STRING, "tiny"),
    ("llama.block_count", _UINT32, 1),
    ("llama.context_length", _UINT32, 512),
    ("llama.embedding_length", _UINT32, _WIDTH),
    ("llama.feed_forward_length", _UINT32, _HIDDEN),
    ("llama.attention.head_count", _UINT32, 2),
    ("llama.attention.layer_norm_rms_epsilon", _FLOAT32, 1e-5),
    ("llama.rope.dimension_count", _UINT32, _WIDTH // 2),
    ("tokenizer.ggml.model", _STRING, "llama"),
    ("tokenizer.ggml.tokens", _ARRAY, (_STRING, _VOCABULARY)),
    ("tokenizer.ggml.scores", _ARRAY, (_FLOAT32, [0.0] * len(_VOCABULARY))),
    ("tokenizer.ggml.token_type", _ARRAY, (_INT32, _KINDS)),
    ("tokenizer.ggml.bos_token_id", _UINT32, 1),
    ("tokenizer.ggml.eos_token_id", _UINT32, 2),
    ("tokenizer.ggml.unknown_token_id", _UINT32, 0),
    ("tokenizer.chat_template", _STRING, _TEMPLATE),
]


def _tensors() -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes; the first number is the one that changes fastest."""
    square, words = (_WIDTH, _WIDTH), (_WIDTH, len(_VOCABULARY))
    block: dict[str, tuple[int, ...]] = {
        "attn_norm": (_WIDTH,),
        "attn_q": square,
        "attn_k": square,
        "attn_v": square,
        "attn_output": square,
        "ffn_norm": (_WIDTH,),
        "ffn_gate": (_WIDTH, _HIDDEN),
        "ffn_up": (_WIDTH, _HIDDEN),
        "ffn_down": (_HIDDEN, _WIDTH),
    }
    inner = [(f"blk.0.{name}.weight", shape) for name, shape in block.items()]
    return [("token_embd.weight", words), *inner, ("output_norm.weight", (_WIDTH,)), ("output.weight", words)]


def _value(kind: int, value: Any) -> bytes:
    match kind:
        case 8:
            return _string(value)
        case 9:
            of, items = value
            return struct.pack("<IQ", of, len(items)) + b"".join(_value(of, item) for item in items)
        case _:
            return struct.pack({_UINT32: "<I", _INT32: "<i", _FLOAT32: "<f"}[kind], value)


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _count(shape: tuple[int, ...]) -> int:
    return shape[0] * (shape[1] if len(shape) > 1 else 1)


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
