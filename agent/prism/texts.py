"""Files become texts with a structure: prose, Markdown, HTML, JSON, CSV, logs and code; PDF where pypdf is there."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

from agent.errors import BadAgentSettings
from agent.prism.chunks import Structure

_PROSE = {".txt", ".md", ".rst", ".tex", ".html", ".htm", ".xhtml", ".pdf", ""}
_BY_SUFFIX: dict[str, Structure] = {
    ".json": "json",
    ".ipynb": "json",
    ".csv": "rows",
    ".tsv": "rows",
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".log": "lines",
}
_BLOCKS = frozenset(  # written as a text, to be read as one
    """address article aside blockquote br dd div dl dt h1 h2 h3 h4 h5 h6 hr li main ol p pre section table tr
    ul""".split()  # noqa: SIM905
)
_HIDDEN = frozenset({"script", "style", "template", "noscript", "svg", "head"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Something to read: its name, which provenance shows, and what stands in it. Its writer is no one's master."""

    name: str
    content: str
    structure: Structure | None = None
    untrusted: bool = True

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read_file(path: Path) -> Text:
    """The text of a file, by its suffix; what is no known suffix is read as lines of code.

    Raises:
        BadAgentSettings: it cannot be read, or is no text.
    """
    suffix = path.suffix.lower()
    try:
        content = _pdf(path) if suffix == ".pdf" else _decoded(path)
    except OSError as error:
        raise BadAgentSettings(f"{path} cannot be read: {error.strerror or error}") from None
    if suffix in {".html", ".htm", ".xhtml"}:
        content = html_text(content)
    structure = None if suffix in _PROSE else _BY_SUFFIX.get(suffix, "lines")
    return Text(name=path.name, content=content, structure=structure)


def read_files(paths: Iterable[Path]) -> list[Text]:
    """The texts of all of them; files of one name are told apart by their folders."""
    files = list(paths)
    names = [path.name for path in files]
    return [
        Text(
            name=str(path) if names.count(path.name) > 1 else text.name, content=text.content, structure=text.structure
        )
        for path, text in ((path, read_file(path)) for path in files)
    ]


def _decoded(path: Path) -> str:
    data = path.read_bytes()
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadAgentSettings(f"{path} is not a text file; turn it into text first")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return data.decode(encoding, "replace").replace("\r\n", "\n")


def _pdf(path: Path) -> str:
    if find_spec("pypdf") is None:
        raise BadAgentSettings(f"{path}: reading PDF needs pypdf (pip install pypdf), or turn it into text first")
    from pypdf import PdfReader  # pyright: ignore[reportMissingImports]

    return "\n\n".join(page.extract_text() for page in PdfReader(path).pages)


def html_text(source: str) -> str:
    """What a page says, a paragraph a block; scripts, styles and what is in the head are left out."""
    parser = _Page()
    parser.feed(source)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.found).split("\n"))
    return "\n\n".join(line for line in lines if line)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._hidden += tag in _HIDDEN
        if tag in {"td", "th"}:
            self.found.append(" ")
        elif tag in _BLOCKS:
            self.found.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in _HIDDEN))
        if tag in _BLOCKS:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.found.append(data.replace("\n", " "))
