# pyright: basic, reportMissingImports=false
# torch and onnx come with the extra `train`; checking must work without them.
"""A trained encoder becomes a model folder: an int8 ONNX graph, its tokenizer and a description of both."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from retrieval.embedders import open_embedder
from rl_trainer.embedder.calibration import CALIBRATION, CHECKS
from rl_trainer.embedder.graph import POSITIONS, Floats, int8_model
from rl_trainer.embedder.network import ToolEncoder
from rl_trainer.errors import ExportTooFar

MAX_TOKENS = 128
_LOWEST_MEAN, _LOWEST = 0.99, 0.97
"""Cosines of the int8 vectors to those in 32 bits that are good enough, over CHECKS: their mean, and the worst."""


def export(
    encoder: ToolEncoder, source: Path, out: Path, *, described: Mapping[str, Any], early_queries: bool = False
) -> dict[str, float]:
    """Write the folder that `retrieval.embedders.open_embedder` takes; gives the cosines to the encoder's own vectors.

    `early_queries`: queries leave before the last layer. `source`: the folder with the tokenizer.
    `described`: what else model.json says (id, licence, how it was made).

    Raises:
        ExportTooFar: eight bits change the vectors too much; nothing is kept.
    """
    encoder.eval()
    out.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.float().numpy() for name, tensor in encoder.bert.state_dict().items()}
    early = (encoder.query_layers, encoder.early.weight.detach().float().numpy().T) if early_queries else None
    heads = int(encoder.bert.config.num_attention_heads)
    onnx.save(int8_model(weights, _smoothing(encoder), heads=heads, early=early), out / "model.onnx")
    shutil.copyfile(source / "tokenizer.json", out / "tokenizer.json")
    described = {**described, "dim": int(encoder.bert.config.hidden_size)}
    _describe(out, described)
    cosines = _check(out, encoder, early_queries=early_queries)
    if cosines["mean"] < _LOWEST_MEAN or cosines["lowest"] < _LOWEST:
        shutil.rmtree(out)
        raise ExportTooFar(
            f"the int8 model is too far from the trained one: cosines {cosines}, wanted {_LOWEST_MEAN} and {_LOWEST}"
        )
    _describe(out, {**described, "cosine_to_fp32": cosines})
    return cosines


def _smoothing(encoder: ToolEncoder) -> dict[str, Floats]:
    """By layer: the factor of each input channel, sqrt(its largest value / the median channel's), to two decimals.

    Rounded, so that another machine finds the same.
    """
    largest: dict[str, torch.Tensor] = {}

    def watch(name: str) -> Any:
        def look(_module: Any, inputs: tuple[torch.Tensor, ...]) -> None:
            found = inputs[0].abs().amax(dim=(0, 1))
            largest[name] = torch.maximum(largest.get(name, found), found)

        return look

    count = len(encoder.bert.encoder.layer)
    wanted = ("attention.self.query", "intermediate.dense", "output.dense")
    layers = {f"{i}.{part}": encoder.bert.encoder.layer[i].get_submodule(part) for i in range(count) for part in wanted}
    hooks = [module.register_forward_pre_hook(watch(name)) for name, module in layers.items()]
    with torch.no_grad():
        for text in CALIBRATION:
            encoder.passages([text])
    for hook in hooks:
        hook.remove()
    return {name: _factor(channels.numpy()) for name, channels in largest.items()}


def _factor(channels: Floats) -> Floats:
    return np.maximum(np.round(np.sqrt(channels / np.median(channels)), 2), 0.05).astype(np.float32)


def _check(out: Path, encoder: ToolEncoder, *, early_queries: bool) -> dict[str, float]:
    model = open_embedder(str(out), threads=1)
    with torch.no_grad():
        passages = encoder.passages(CHECKS, tokens=MAX_TOKENS).numpy()
        queries = encoder.queries(CHECKS, tokens=MAX_TOKENS)[1 if early_queries else 0].numpy()
    near = np.concatenate(
        [
            (model.embed(CHECKS, kind="document") * passages).sum(1),
            (model.embed(CHECKS, kind="query") * queries).sum(1),
        ]
    )
    return {"texts": len(CHECKS), "mean": round(float(near.mean()), 4), "lowest": round(float(near.min()), 4)}


def _describe(out: Path, described: Mapping[str, Any]) -> None:
    manifest = {
        **described,
        "max_tokens": MAX_TOKENS,
        "positions": POSITIONS,
        "made_with": {name: version(name) for name in ("numpy", "onnx", "torch", "transformers")},
        "files": {name: _listed(out / name) for name in ("model.onnx", "tokenizer.json")},
    }
    (out / "model.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _listed(path: Path) -> dict[str, object]:
    return {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
