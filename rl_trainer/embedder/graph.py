# pyright: basic, reportMissingImports=false
# onnx comes with the extra `train`; checking must work without it.
"""The exported model's graph, written node by node: token ids of one text in, one unit vector out (int8 inside).

No exporter's habits decide what it looks like. Three things make eight bits good enough and the same on every
processor:

* Weights of the linear layers are symmetric int8 with a scale per output channel, activations are quantised while it
  runs (DynamicQuantizeMatMul), token embeddings are int8 with a scale per token.
* Weights use 7 of their 8 bits: without VNNI, x86 adds two products in 16 bits, and full-range weights overflow there.
* The few activation channels that are ten times as large as the rest are divided by a factor which the next weight
  takes back (SmoothQuant, Xiao et al. 2023, with the weights' own range left out: they have a scale per channel).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]
Array = NDArray[Any]

POSITIONS = 256
"""The most tokens of a text that the graph can take."""
LIMIT = 63  # of 127: without VNNI, x86 adds two products in 16 bits, and full-range weights overflow there
MICROSOFT = "com.microsoft"


class GraphWriter:
    """Collects nodes and weights of a graph; every method returns the name of what it made."""

    def __init__(self, *, width: int, heads: int) -> None:
        self.width = width
        self.heads = heads
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, array: Array) -> str:
        self.weights.append(numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def node(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def linear(self, x: str, name: str, matrix: Floats, bias: Floats | None = None) -> str:
        """x @ matrix (+ bias), matrix float32[in, out] stored as int8."""
        scale = np.abs(matrix).max(axis=0) / LIMIT
        inputs = [x, self.weight(f"{name}.int8", quantised(matrix, scale)), self.weight(f"{name}.scale", scale), ""]
        if bias is not None:
            inputs.append(self.weight(f"{name}.bias", bias))
        return self.node("DynamicQuantizeMatMul", inputs, f"{name}.out", domain=MICROSOFT)

    def smoothed_linear(self, x: str, name: str, matrix: Floats, factor: Floats, bias: Any = None) -> str:
        """The same product, with large channels of x made smaller and their weights larger."""
        x = self.node("Mul", [x, self.weight(f"{name}.smooth", 1 / factor)], f"{name}.in")
        return self.linear(x, name, matrix * factor[:, None], bias)

    def add_and_normalise(self, x: str, skip: str, name: str, parts: tuple[Floats, Floats]) -> str:
        """LayerNorm(x + skip); parts: the norm's weight and bias.

        Two plain nodes: ONNX Runtime's SkipLayerNormalization takes six times as long on short texts.
        """
        summed = self.node("Add", [x, skip], f"{name}.summed")
        inputs = [summed, *(self.weight(f"{name}.{i}", part) for i, part in enumerate(parts))]
        return self.node("LayerNormalization", inputs, name, epsilon=1e-12, axis=-1)

    def pooled(self, x: str, name: str, after: Floats | None = None) -> str:
        """The mean over the tokens, through a linear map where one is given, at length 1."""
        mean = self.node(
            "ReduceMean", [x, self.weight(f"{name}.axis", np.array([1], np.int64))], f"{name}.mean", keepdims=0
        )
        if after is not None:
            mean = self.node("MatMul", [mean, self.weight(f"{name}.map", after)], f"{name}.mapped")
        return self.node("LpNormalization", [mean], name, axis=-1, p=2)

    def vectors(self, name: str) -> onnx.ValueInfoProto:
        """An output float32[texts, width]."""
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["texts", self.width])

    def branch(self, output: str) -> onnx.GraphProto:
        """What was collected, as a branch of an `If`: no inputs, the vectors as its output."""
        return helper.make_graph(self.nodes, output, [], [self.vectors(output)], self.weights)

    def model(self, inputs: list[onnx.ValueInfoProto]) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, "embedder", inputs, [self.vectors("vectors")], self.weights)
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="quartermaster")


IDS = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["texts", "tokens"])


def quantised(matrix: Floats, scale: Floats) -> Array:
    return np.rint(matrix / scale).astype(np.int8)


def embeddings(graph: GraphWriter, weights: Mapping[str, Floats]) -> str:
    """Token + position + type vectors, normalised: float32[texts, tokens, HIDDEN]."""
    words = weights["embeddings.word_embeddings.weight"]
    # Looked up, never multiplied in int8: all 8 bits. The padding token's vector may be nothing but zeros.
    scale = np.maximum(np.abs(words).max(axis=1, keepdims=True), np.float32(1e-6)) / 127
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


def layer(graph: GraphWriter, index: int, x: str, weights: Mapping[str, Floats], smooth: Mapping[str, Floats]) -> str:
    """One transformer layer."""

    def part(name: str) -> Floats:
        return weights[f"encoder.layer.{index}.{name}"]

    name = f"layer{index}"
    three = [f"attention.self.{kind}" for kind in ("query", "key", "value")]
    matrix = np.concatenate([part(f"{one}.weight") for one in three]).T
    bias = np.concatenate([part(f"{one}.bias") for one in three])
    qkv = graph.smoothed_linear(x, f"{name}.qkv", matrix, smooth[f"{index}.attention.self.query"], bias)
    split = [f"{name}.{kind}" for kind in "qkv"]
    graph.nodes.append(helper.make_node("Split", [qkv], split, axis=-1, num_outputs=3))
    seen = graph.node("MultiHeadAttention", split, f"{name}.seen", domain=MICROSOFT, num_heads=graph.heads)
    # What attention gives has no large channels: nothing to smooth.
    weight, bias = part("attention.output.dense.weight").T, part("attention.output.dense.bias")
    seen = graph.linear(seen, f"{name}.attention", weight, bias)
    norm = "attention.output.LayerNorm"
    x = graph.add_and_normalise(seen, x, f"{name}.middle", (part(f"{norm}.weight"), part(f"{norm}.bias")))

    up = graph.smoothed_linear(
        x, f"{name}.up", part("intermediate.dense.weight").T, smooth[f"{index}.intermediate.dense"]
    )
    bias_name = graph.weight(f"{name}.up.bias", part("intermediate.dense.bias"))
    up = graph.node("BiasGelu", [up, bias_name], f"{name}.gelu", domain=MICROSOFT)
    weight, bias = part("output.dense.weight").T, part("output.dense.bias")
    down = graph.smoothed_linear(up, f"{name}.down", weight, smooth[f"{index}.output.dense"], bias)
    parts = (part("output.LayerNorm.weight"), part("output.LayerNorm.bias"))
    return graph.add_and_normalise(down, x, f"layer{index + 1}.in", parts)


def int8_model(
    weights: Mapping[str, Floats],
    smooth: Mapping[str, Floats],
    *,
    heads: int,
    early: tuple[int, Floats] | None = None,
) -> onnx.ModelProto:
    """The whole graph: embeddings, layers, mean over the tokens, length 1. `weights` are named as BertModel names them.

    `early`: after how many layers a query leaves, and the map float32[width, width] (in, out) of its mean. The graph
    then has a second input, `is_query`; ONNX Runtime runs only the branch that it chooses.
    """
    width, layers = weights["embeddings.word_embeddings.weight"].shape[1], layer_count(weights)
    graph, out, on = (GraphWriter(width=width, heads=heads) for _ in range(3))
    x = embeddings(graph, weights)
    leave = layers if early is None else early[0]
    for index in range(leave):
        x = layer(graph, index, x, weights, smooth)
    if early is None:
        graph.pooled(x, "vectors")
        return graph.model([IDS])
    out.pooled(x, "query_vectors", early[1])
    for index in range(leave, layers):
        x = layer(on, index, x, weights, smooth)
    on.pooled(x, "passage_vectors")
    branches = {"then_branch": out.branch("query_vectors"), "else_branch": on.branch("passage_vectors")}
    graph.node("If", ["is_query"], "vectors", **branches)
    return graph.model([IDS, helper.make_tensor_value_info("is_query", TensorProto.BOOL, [])])


def layer_count(weights: Mapping[str, Floats]) -> int:
    """How many transformer layers the weights are of."""
    return 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
