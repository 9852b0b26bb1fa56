"""What the pulled models are worth on this machine: time to load, memory, speed, and simple tool calls done right.

Tool calls: 24 requests, each for one of 8 tools that all stand in the prompt; right is the right tool with
the right arguments. `freely`: asked for JSON in words; `schema`: held to a JSON schema (response_format), which rules
out unknown tools and missing arguments, so that what is wrong is the choice or a value. Greedy, one sample.

Speed: a prompt of about 1,000 tokens that the server has not seen, then 64 tokens written; `x16`: 16 samples of it in
one request, all their tokens by the time that they took together.

Example: .venv/bin/python benchmarks/local_models.py --model smollm2-135m
"""

import argparse
import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from _machine import machine_line, table

from agent.models import LocalModel, Serving, open_local_model, pulled
from mcp_registry.home import find_home

_TOOLS: dict[str, dict[str, str]] = {
    "get_weather": {"city": "string"},
    "get_time": {"timezone": "string"},
    "convert_currency": {"amount": "number", "from": "string", "to": "string"},
    "read_file": {"path": "string"},
    "delete_file": {"path": "string"},
    "list_directory": {"path": "string"},
    "send_email": {"to": "string", "subject": "string"},
    "search_web": {"query": "string"},
}

_CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("What is the weather in Paris?", "get_weather", {"city": "Paris"}),
    ("Is it raining in Oslo right now?", "get_weather", {"city": "Oslo"}),
    ("How warm is it in Lima today?", "get_weather", {"city": "Lima"}),
    ("What time is it in the timezone Asia/Tokyo?", "get_time", {"timezone": "Asia/Tokyo"}),
    ("Tell me the current time in Europe/Rome.", "get_time", {"timezone": "Europe/Rome"}),
    ("What does the clock say in America/Chicago?", "get_time", {"timezone": "America/Chicago"}),
    ("Convert 100 USD to EUR.", "convert_currency", {"amount": 100, "from": "USD", "to": "EUR"}),
    ("How many JPY are 25 GBP?", "convert_currency", {"amount": 25, "from": "GBP", "to": "JPY"}),
    ("I have 80 CHF. What is that in SEK?", "convert_currency", {"amount": 80, "from": "CHF", "to": "SEK"}),
    ("Show me what is in the file /etc/hosts.", "read_file", {"path": "/etc/hosts"}),
    ("Open notes/todo.md and tell me what it says.", "read_file", {"path": "notes/todo.md"}),
    ("I need the content of config.toml.", "read_file", {"path": "config.toml"}),
    ("Remove the file /tmp/old.log.", "delete_file", {"path": "/tmp/old.log"}),
    ("Get rid of draft.txt, please.", "delete_file", {"path": "draft.txt"}),
    ("The file build/cache.bin has to go.", "delete_file", {"path": "build/cache.bin"}),
    ("Which files are in the folder /var/log?", "list_directory", {"path": "/var/log"}),
    ("List everything in src.", "list_directory", {"path": "src"}),
    ("What does the directory /home/ann contain?", "list_directory", {"path": "/home/ann"}),
    ("Mail bob@example.com with the subject Lunch.", "send_email", {"to": "bob@example.com", "subject": "Lunch"}),
    ("Write to eve@example.org, subject: Invoice.", "send_email", {"to": "eve@example.org", "subject": "Invoice"}),
    ("Send ops@example.net an email titled Outage.", "send_email", {"to": "ops@example.net", "subject": "Outage"}),
    ('Search the web for "quantum error correction".', "search_web", {"query": "quantum error correction"}),
    ('Look online for "sourdough recipe".', "search_web", {"query": "sourdough recipe"}),
    ('Find web pages about "python asyncio".', "search_web", {"query": "python asyncio"}),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Tokens a second; prompt is of one that is not cached."""

    prompt: float
    written: float
    sixteen: float


async def main() -> None:
    """Print one row for each model."""
    arguments = _arguments()
    wanted = arguments.model or pulled(find_home())
    print(machine_line())
    rows = [await _row(name, arguments.threads) for name in wanted]
    heads = ["model", "load s", "MB", "prompt tok/s", "written tok/s", "x16 tok/s", "freely", "schema", "s a call"]
    print(table(heads, rows) if rows else "no model is pulled: quartermaster models pull smollm2-135m")


async def _row(name: str, threads: int) -> list[str]:
    begun = time.perf_counter()
    async with open_local_model(name, home=find_home(), serving=Serving(threads=threads)) as local:
        loaded = time.perf_counter() - begun
        async with httpx.AsyncClient(base_url=local.base_url, trust_env=False, timeout=600) as client:
            speed = await _speed(client)
            free, _ = await _right(client, held=False)
            held, seconds = await _right(client, held=True)
        peak = _peak_mb(local)
    counts = [f"{count}/{len(_CASES)}" for count in (free, held)]
    numbers = [f"{each:.0f}" for each in (peak, speed.prompt, speed.written, speed.sixteen)]
    return [name, f"{loaded:.1f}", *numbers, *counts, f"{seconds:.1f}"]


async def _speed(client: httpx.AsyncClient) -> Speed:
    facts = " ".join(f"Item {number} costs {number * 7 % 13} coins." for number in range(90))
    messages = [{"role": "system", "content": facts}, {"role": "user", "content": "Tell a long story about an item."}]
    once = await _ask(client, messages=messages, max_tokens=64, temperature=0)
    begun = time.perf_counter()
    many = await _ask(client, messages=messages, max_tokens=64, temperature=1.0, n=16, logprobs=True, top_logprobs=1)
    took = time.perf_counter() - begun
    written = sum(len(choice["logprobs"]["content"]) for choice in many["choices"])
    timings = once["timings"]
    return Speed(prompt=timings["prompt_per_second"], written=timings["predicted_per_second"], sixteen=written / took)


async def _right(client: httpx.AsyncClient, *, held: bool) -> tuple[int, float]:
    """How many calls are right, and the seconds that one took with the tools' part of the prompt cached."""
    shape = {"response_format": {"type": "json_schema", "json_schema": {"name": "call", "schema": _schema()}}}
    right, took = 0, 0.0
    for number, (request, tool, arguments) in enumerate(_CASES):
        begun = time.perf_counter()
        answer = await _ask(client, messages=_prompt(request), max_tokens=96, temperature=0, **(shape if held else {}))
        took += time.perf_counter() - begun if number else 0.0
        right += _call_in(answer["choices"][0]["message"]["content"]) == (tool, arguments)
    return right, took / (len(_CASES) - 1)


async def _ask(client: httpx.AsyncClient, **fields: Any) -> Any:
    answer = await client.post("/chat/completions", json=fields)
    answer.raise_for_status()
    return answer.json()


def _prompt(request: str) -> list[dict[str, str]]:
    tools = "\n".join(f"- {name}({', '.join(arguments)})" for name, arguments in _TOOLS.items())
    form = '{"tool": NAME, "arguments": {...}}'
    system = f"You call tools. The tools:\n{tools}\nAnswer with JSON and nothing else: {form}"
    return [{"role": "system", "content": system}, {"role": "user", "content": request}]


def _schema() -> dict[str, Any]:
    return {"anyOf": [_call_schema(name, arguments) for name, arguments in _TOOLS.items()]}


def _call_schema(name: str, arguments: dict[str, str]) -> dict[str, Any]:
    inner = _object({key: {"type": kind} for key, kind in arguments.items()})
    return _object({"tool": {"const": name}, "arguments": inner})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _call_in(text: str) -> tuple[str, Any] | None:
    """The call that was said, with or without a code fence around it."""
    try:
        said = json.loads(text.strip().removeprefix("```json").removeprefix("```").removesuffix("```"))
        return said["tool"], said["arguments"]
    except (ValueError, KeyError, TypeError):
        return None


def _peak_mb(local: LocalModel) -> float:
    """The most memory that the server has held, the mapped weights included."""
    lines = Path(f"/proc/{local.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", help="a model's name; may be repeated (default: all pulled ones)")
    parser.add_argument("--threads", type=int, default=0, help="0: one a core; 1 where others use the cores too")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
