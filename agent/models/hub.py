"""A model's file from its URL, resumed where it broke off."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import MissingExtra
from agent.models.manifest import ModelSpec
from agent.models.source import SourceFailed, Watch, check_space, cut, size_now

if TYPE_CHECKING:
    import httpx

_FRUITLESS = 4
"""So many attempts in a row that bring nothing, and the source has failed."""
_UNREACHABLE = 2
"""The same where not even a connection comes about."""
_BACKOFF_S = 0.5
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class _Broken(Exception):
    """One attempt failed; another may do."""


def fetch_url(
    spec: ModelSpec, partial: Path, *, watch: Watch | None = None, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Bring the partial file to its full length, with as many attempts as it takes while each brings something.

    Raises:
        SourceFailed: the URL does not give the file. ModelError: the disk has no room.
    """
    try:
        import httpx
    except ImportError:
        raise MissingExtra("Pulling a model from its URL", "agent") from None
    fruitless = 0
    limits = httpx.Timeout(60.0, connect=10.0)
    with httpx.Client(follow_redirects=True, timeout=limits, headers={"accept-encoding": "identity"}) as client:
        while True:
            before = size_now(partial)
            try:
                return _attempt(client, spec, partial, watch or Watch())
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
                fruitless, most, why = fruitless + 1, _UNREACHABLE, error
            except (httpx.TransportError, _Broken) as error:
                fruitless, most, why = (0 if size_now(partial) > before else fruitless + 1), _FRUITLESS, error
            except (httpx.InvalidURL, httpx.TooManyRedirects, httpx.DecodingError) as error:
                raise SourceFailed(f"{spec.url}: {error}") from None
            if fruitless >= most:
                raise SourceFailed(f"{spec.url}: {type(why).__name__.lstrip('_')}: {why}")
            sleep(_BACKOFF_S * 2**fruitless)


def _attempt(client: "httpx.Client", spec: ModelSpec, partial: Path, watch: Watch) -> None:
    have = size_now(partial)
    if spec.size and have >= spec.size:
        cut(partial, spec.size)
        return
    with client.stream("GET", spec.url, headers={"range": f"bytes={have}-"} if have else {}) as answer:
        if answer.status_code == 416:  # there is nothing after what we have: whole, or longer than it should be
            if answer.headers.get("content-range", "").rpartition("/")[2] == str(have):
                return
            cut(partial, 0)
            raise _Broken("what had come is not the beginning of the file")
        have = _beginning(answer, have)
        total = _total(answer, spec, have)
        cut(partial, have)
        check_space(partial.parent, max(total - have, 0))
        _store(answer, partial, total, watch)


def _beginning(answer: "httpx.Response", have: int) -> int:
    """How much of what we have this answer goes on from."""
    if answer.status_code == 206:
        if answer.headers.get("content-range", "").startswith(f"bytes {have}-"):
            return have
        raise SourceFailed(f"{answer.url}: answered with another range than the one asked for")
    if answer.status_code == 200:
        return 0
    problem = f"answered {answer.status_code} {answer.reason_phrase}"
    raise _Broken(problem) if answer.status_code in _AGAIN else SourceFailed(f"{answer.url}: {problem}")


def _total(answer: "httpx.Response", spec: ModelSpec, have: int) -> int:
    """How long the whole file is; 0 when nobody says."""
    length = answer.headers.get("content-length", "")
    total = have + int(length) if length.isdecimal() else 0
    if spec.size and total and total != spec.size:
        raise SourceFailed(f"{spec.url}: has {total} bytes, not the {spec.size} of {spec.name}")
    return spec.size or total


def _store(answer: "httpx.Response", partial: Path, total: int, watch: Watch) -> None:
    with partial.open("ab") as file:
        done = file.tell()
        watch.progress(done, total)
        for block in answer.iter_bytes():
            done += len(block)
            if total and done > total:
                raise SourceFailed(f"{answer.url}: sends more than the {total} bytes it should have")
            file.write(block)
            watch.progress(done, total)
    if done < total:
        raise _Broken(f"broke off after {done} of {total} bytes")
