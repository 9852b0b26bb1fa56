"""The packaged model's graph, written node by node: token ids of one text in, one unit vector out (int8 inside)."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LAYERS, HEADS, HIDDEN = 6, 12, 384
POSITIONS = 256
LIMIT = 63  # of 127: without VNNI, x86 adds two products in 16 bits, and full-range weights overflow there
MICROSOFT = "com.microsoft"


class GraphWriter:
    """Collects nodes and weights of a graph; every method returns the name of what it made."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, array: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def linear(self, x: str, name: str, matrix: np.ndarray, bias: np.ndarray | None = None) -> str:
        """x @ matrix (+ bias), matrix float32[in, out] stored as int8."""
        scale = np.abs(matrix).max(axis=0) / LIMIT
        inputs = [x, self.weight(f"{name}.int8", quantised(matrix, scale)), self.weight(f"{name}.scale", scale), ""]
        if bias is not None:
            inputs.append(self.weight(f"{name}.bias", bias))
        return self.node("DynamicQuantizeMatMul", inputs, f"{name}.out", domain=MICROSOFT)

    def smoothed_linear(self, x: str, name: str, matrix: np.ndarray, factor: np.ndarray, bias: Any = None) -> str:
        """The same product, with large channels of x made smaller and their weights larger."""
        x = self.node("Mul", [x, self.weight(f"{name}.smooth", 1 / factor)], f"{name}.in")
        return self.linear(x, name, matrix * factor[:, None], bias)

    def add_and_normalise(self, x: str, skip: str, name: str, parts: tuple[np.ndarray, ...]) -> str:
        """LayerNorm(x + bias + skip); parts: the norm's weight, the norm's bias, the bias of what made x."""
        inputs = [x, skip, *(self.weight(f"{name}.{i}", part) for i, part in enumerate(parts))]
        return self.node("SkipLayerNormalization", inputs, name, domain=MICROSOFT, epsilon=1e-12)

    def model(self) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes,
            "all-minilm-l6-v2",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])],
            [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", HIDDEN])],
            self.weights,
        )
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="quartermaster")


def quantised(matrix: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.rint(matrix / scale).astype(np.int8)


def embeddings(graph: GraphWriter, weights: dict[str, np.ndarray]) -> str:
    """Token + position + type vectors, normalised: float32[texts, tokens, HIDDEN]."""
    words = weights["embeddings.word_embeddings.weight"]
    scale = np.abs(words).max(axis=1, keepdims=True) / 127  # looked up, never multiplied in int8: all 8 bits
    rows = graph.node("Gather", [graph.weight("words.int8", quantised(words, scale)), "input_ids"], "words.rows")
    scales = graph.node("Gather", [graph.weight("words.scale", scale), "input_ids"], "words.scales")
    rows = graph.node("Cast", [rows], "words.float", to=TensorProto.FLOAT)
    words_out = graph.node("Mul", [rows, scales], "words.out")
    # One sentence is one segment: the type vector is a constant and goes into the positions.
    table = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    zero = graph.weight("zero", np.array([0], np.int64))
    count = graph.node("Shape", ["input_ids"], "count", start=1, end=2)
    positions = graph.node("Slice", [graph.weight("positions", table[:POSITIONS]), zero, count, zero], "positions.out")
    summed = graph.node("Add", [words_out, positions], "embedded")
    norm = [graph.weight(f"embeddings.{part}", weights[f"embeddings.LayerNorm.{part}"]) for part in ("weight", "bias")]
    return graph.node("LayerNormalization", [summed, *norm], "layer0.in", epsilon=1e-12, axis=-1)


def layer(graph: GraphWriter, index: int, x: str, weights: dict[str, np.ndarray], smooth: dict[str, np.ndarray]) -> str:
    """One transformer layer."""

    def part(name: str) -> np.ndarray:
        return weights[f"encoder.layer.{index}.{name}"]

    name = f"layer{index}"
    three = [f"attention.self.{kind}" for kind in ("query", "key", "value")]
    matrix = np.concatenate([part(f"{one}.weight") for one in three]).T
    bias = np.concatenate([part(f"{one}.bias") for one in three])
    qkv = graph.smoothed_linear(x, f"{name}.qkv", matrix, smooth[f"{index}.attention.self.query"], bias)
    split = [f"{name}.{kind}" for kind in "qkv"]
    graph.nodes.append(helper.make_node("Split", [qkv], split, axis=-1, num_outputs=3))
    seen = graph.node("MultiHeadAttention", split, f"{name}.seen", domain=MICROSOFT, num_heads=HEADS)
    # What attention gives has no large channels: nothing to smooth.
    seen = graph.linear(seen, f"{name}.attention", part("attention.output.dense.weight").T)
    norm = "attention.output.LayerNorm"
    parts = (part(f"{norm}.weight"), part(f"{norm}.bias"), part("attention.output.dense.bias"))
    x = graph.add_and_normalise(seen, x, f"{name}.middle", parts)

    up = graph.smoothed_linear(
        x, f"{name}.up", part("intermediate.dense.weight").T, smooth[f"{index}.intermediate.dense"]
    )
    bias_name = graph.weight(f"{name}.up.bias", part("intermediate.dense.bias"))
    up = graph.node("BiasGelu", [up, bias_name], f"{name}.gelu", domain=MICROSOFT)
    down = graph.smoothed_linear(up, f"{name}.down", part("output.dense.weight").T, smooth[f"{index}.output.dense"])
    parts = (part("output.LayerNorm.weight"), part("output.LayerNorm.bias"), part("output.dense.bias"))
    return graph.add_and_normalise(down, x, f"layer{index + 1}.in", parts)


def int8_model(weights: dict[str, np.ndarray], smooth: dict[str, np.ndarray]) -> onnx.ModelProto:
    """The whole graph: embeddings, layers, mean over the tokens, length 1."""
    graph = GraphWriter()
    x = embeddings(graph, weights)
    for index in range(LAYERS):
        x = layer(graph, index, x, weights, smooth)
    mean = graph.node("ReduceMean", [x, graph.weight("tokens_axis", np.array([1], np.int64))], "mean", keepdims=0)
    graph.node("LpNormalization", [mean], "vectors", axis=-1, p=2)
    return graph.model()
