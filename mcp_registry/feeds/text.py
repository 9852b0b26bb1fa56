"""`read_document`: a file's bytes as plain values, whichever of JSON, JSON Lines or TOML it is written in."""

import gzip
import json
import re
import tomllib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import json5

from mcp_registry.errors import BadImport

_GZIP = b"\x1f\x8b"
_STRING = r'"(?:\\.|[^"\\\n])*"'
_COMMENT = re.compile(_STRING + r"|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_TRAILING_COMMA = re.compile(_STRING + r"|,(?=\s*[}\]])")
_GAP = re.compile(r"[\s,]*")
# Escapes that are valid JSON and that no database takes: half a surrogate pair, and NUL.
_UNSTORABLE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]|\\u0000"
)
# json5 reads about 50 kB a second; a client's configuration is a few kB.
_JSON5_LIMIT = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file's content. `lines` has the line of each record when the file is JSON Lines.

    Example:
        '{"a": 1}\\nnot json\\n{"b": 2}' -> value=[{"a": 1}, {"b": 2}], lines=(1, 3), problems=("line 2 is not ...",)
    """

    path: Path
    value: Any
    lines: tuple[int, ...] | None = None
    problems: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The file's name without `.gz` and its own suffix."""
        return Path(self.path.name.removesuffix(".gz")).stem

    def records(self) -> Iterator[tuple[str, Any]]:
        """Each record with where it stands: `line 3`, `record 3`. A single object is one record."""
        values: list[Any] = self.value if isinstance(self.value, list) else [self.value]
        if self.lines is not None:
            yield from ((f"line {line}", value) for line, value in zip(self.lines, values, strict=True))
        else:
            yield from ((f"record {position}", value) for position, value in enumerate(values, start=1))


def read_document(path: Path) -> Document:
    """Read a file, gzipped or not.

    Raises:
        BadImport: it cannot be read, is not UTF-8 (or UTF-16 with a byte order mark), or is in none of the notations.
    """
    text = _decode(path, _read_bytes(path))
    if not text.strip():
        raise BadImport(f"{path} is empty")
    document = _parse(path, text)
    if _UNSTORABLE.search(text):
        return Document(path=path, value=_storable(document.value), lines=document.lines, problems=document.problems)
    return document


def parse_json(text: str) -> Any:
    """The value of JSON that may have comments and trailing commas, or of short JSON5.

    Raises:
        json.JSONDecodeError: it is neither; the position is that of the first thing that JSON does not allow.
    """
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError:
        plain = without_comments(text)
    try:
        return _DECODER.decode(plain)
    except json.JSONDecodeError as error:
        if len(text) > _JSON5_LIMIT or text.lstrip()[:1] not in {"{", "[", "/"}:
            raise
        try:
            return json5.loads(text)
        except (ValueError, RecursionError):
            raise error from None


def without_comments(text: str) -> str:
    """The same JSON without comments and trailing commas; every other character keeps its place."""
    return _TRAILING_COMMA.sub(_blank, _COMMENT.sub(_blank, text))


def _read_bytes(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw.startswith(_GZIP) else raw
    except FileNotFoundError:
        raise BadImport(f"there is no file {path}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadImport(f"{path} is gzipped and cannot be unpacked: {error}") from None
    except OSError as error:
        raise BadImport(f"{path} cannot be read: {error.strerror}") from None


def _decode(path: Path, raw: bytes) -> str:
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadImport(f"{path} is not {encoding.removesuffix('-sig').upper()} text (byte {error.start})") from None


def _parse(path: Path, text: str) -> Document:
    try:
        return Document(path=path, value=_DECODER.decode(text))
    except RecursionError:
        raise BadImport(f"{path} is nested too deeply to be read") from None
    except json.JSONDecodeError:
        pass
    return _json_lines(path, text) or _toml(path, text) or _relaxed(path, text)


def _json_lines(path: Path, text: str) -> Document | None:
    # Not splitlines(): a string in JSON may hold U+2028 and its kin, which are no ends of lines.
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    first = [_try_object(line) for _, line in lines[:10]]
    if len(lines) < 2 or sum(value is not None for value in first) * 2 < len(first):
        return None
    values: list[Any] = []
    numbers: list[int] = []
    problems: list[str] = []
    for number, line in lines:
        try:
            values.append(_DECODER.decode(line))
            numbers.append(number)
        except json.JSONDecodeError as error:
            problems.append(f"line {number} is not JSON: {error.msg} at column {error.colno}")
        except RecursionError:
            problems.append(f"line {number} is nested too deeply")
    return Document(path=path, value=values, lines=tuple(numbers), problems=tuple(problems))


def _try_object(line: str) -> dict[str, Any] | None:
    try:
        value = _DECODER.decode(line)
    except (json.JSONDecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _toml(path: Path, text: str) -> Document | None:
    try:
        return Document(path=path, value=tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        if path.name.removesuffix(".gz").endswith(".toml"):
            raise BadImport(f"{path} is not valid TOML: {error}") from None
        return None


def _relaxed(path: Path, text: str) -> Document:
    try:
        return Document(path=path, value=parse_json(text))
    except RecursionError:
        raise BadImport(f"{path} is nested too deeply to be read") from None
    except json.JSONDecodeError as error:
        whole = _whole_records(without_comments(text))
        if not whole:
            at = f"line {error.lineno}, column {error.colno}"
            raise BadImport(f"{path} is neither JSON, JSON Lines nor TOML: {error.msg} at {at}") from None
        problem = (
            f"the file is broken at line {error.lineno}, column {error.colno} ({error.msg}): "
            f"the {len(whole)} whole records before it are kept, what follows is lost"
        )
        return Document(path=path, value=whole, problems=(problem,))


def _whole_records(text: str) -> list[Any]:
    """The records of an array that was cut off, as far as they are whole."""
    start = len(text) - len(text.lstrip())
    records: list[Any] = []
    if text[start : start + 1] != "[":
        return records
    position = start + 1
    while True:
        gap = _GAP.match(text, position)
        position = gap.end() if gap else position
        try:
            record, position = _DECODER.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError):
            return records
        records.append(record)


def _storable(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\x00", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {_storable(key): _storable(item) for key, item in value.items()}
        case _:
            return value


def _blank(match: re.Match[str]) -> str:
    found = match[0]
    return found if found.startswith('"') else re.sub(r"[^\n]", " ", found)


def _no_constant(constant: str) -> Any:
    raise json.JSONDecodeError(f"{constant} is not JSON", constant, 0)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
