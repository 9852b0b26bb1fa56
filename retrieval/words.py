"""Text and identifiers become words: the one tokeniser of the lexical index, for documents and queries alike."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

_RUN = re.compile(r"[^\W_]+")
"""A run of letters and digits of any script; `_`, `-`, `.`, `/` and spaces separate."""

_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
"""A part of an ASCII identifier: an acronym (HTTP of HTTPServer), a word (Server, get), a number."""

_ACRONYM_THEN_WORD = re.compile(r"([A-Z]+)([A-Z][a-z])")
_UNSPACED = re.compile(
    "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0e7f]+"
)  # Chinese, Japanese, Korean, Thai: written without spaces between words

STOP_WORDS = frozenset(  # written as a text, to be read as one
    """a an and are as at be by can could do does for from has have how i if in into is it its me my of on or our
    please that the their them then there these they this to us use used using want was we what when where which who
    will with would you your""".split()  # noqa: SIM905
)


def words(text: str) -> list[str]:
    """Lower-case stemmed words of a text, identifiers split, stop words dropped; in order, with repeats.

    An identifier that splits gives its pieces and itself joined, so that `getUserByID` matches `get user by id` and
    `getuserbyid`. Text written without spaces gives overlapping pairs of characters.

    Example:
        "getUserByID"    -> ["get", "user", "id", "getuserbyid"]
        "list_files.v2"  -> ["list", "file", "v", "2", "v2"]
        "查询天气"         -> ["查询", "询天", "天气"]
    """
    return list(_words(unicodedata.normalize("NFKC", text)))


def written(text: str) -> dict[str, str]:
    """Each word of a text as `words` gives it, and the run of letters that it was first found in, lower-case.

    Example:
        "Listing changes" -> {"list": "listing", "chang": "changes"}
    """
    found: dict[str, str] = {}
    for run in _RUN.finditer(unicodedata.normalize("NFKC", text)):
        for word in _words(run[0]):
            found.setdefault(word, run[0].lower() if run[0].isascii() else word)
    return found


def _words(text: str) -> Iterator[str]:
    for run in _RUN.finditer(text):
        token = run[0]
        if not token.isascii():
            yield from _unspaced(token) if _UNSPACED.search(token) else (token.casefold(),)
            continue
        pieces = _PIECE.findall(_ACRONYM_THEN_WORD.sub(r"\1 \2", token))
        for piece in pieces:
            lowered = piece.lower()
            if lowered not in STOP_WORDS:
                yield stem(lowered)
        if len(pieces) > 1:
            yield token.lower()


def _unspaced(token: str) -> Iterator[str]:
    end = 0
    for match in _UNSPACED.finditer(token):
        if match.start() > end:
            yield from _words(token[end : match.start()])
        text, end = match[0], match.end()
        yield from (text[i : i + 2] for i in range(len(text) - 1)) if len(text) > 1 else (text,)
    if end < len(token):
        yield from _words(token[end:])


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The word without its plural or verb ending: the light suffix rules that tool texts need, no more.

    Queries say "commits", "listing", "converted" where tool texts say "commit", "list", "convert". Only English
    endings are touched, and only when enough of the word stays to tell it from others.

    Example:
        "queries" -> "query", "listing" -> "list", "files" -> "file", "status" -> "status", "db" -> "db"
    """
    if len(word) <= 3 or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and re.search("[aeiouy]", word[: -len(ending)]):
            word = word[: -len(ending)]
            if word[-1] == word[-2] and word[-1] not in "lsz":
                word = word[:-1]
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word
