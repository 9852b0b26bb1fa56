"""`Blanks`: what a published command leaves for its reader to fill in becomes `${NAME}` references.

Catalogues write `YOUR_API_KEY`, `<your key>`, `{owner}`, `/path/to/repo`, `${api-key}`. Handed to a server as they are,
these fail late and unclearly; as references they fail before the start, by name.
"""

import re
from collections.abc import Mapping

from mcp_registry.feeds.name import as_variable, words

_BLANK = re.compile(
    r"\$\{(?P<reference>[^{}:]+)(?::-(?P<default>[^{}]*))?\}"
    r"|<(?P<angle>[^<>\n]{1,120})>"
    r"|\{\{?\s*(?P<brace>[^{}\"$:,\n]{1,80}?)\s*\}?\}"
    r"|\[(?P<square>YOUR[^\]\n]{1,80})\]"
    # A path of nobody, or of somebody else. What follows a colon is a place inside a container.
    r"|(?P<path>(?<![\w/:])(?<!dst=)(?<!target=)"
    r"(?:(?:[A-Za-z]:)?[\\/]?(?:[\w.-]+[\\/])*(?:abs(?:olute)?[\\/_ -]?)?path[\\/_-]to(?![A-Za-z])"
    r"|/(?:Users|home)/[\w.-]+)[^\s:=,;\"']*"
    r"|\b[A-Za-z]:\\[^\s,;\"']*)"
    r"|(?P<your>(?<![\w-])(?:[A-Za-z0-9]+[_-])*your(?:[_-][\w-]*|(?!sel[fv])[a-z]{2,})?(?![A-Za-z]))",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"(?i).*(?<![a-z])x{3,}(?![a-z]).*|.*\*{3,}.*|\.{3}|.+[ _-]here|changeme")
_WORD_FOR_VALUE = re.compile(r"(?i)(?:api[_-]?)?key|token|secret|password")
_FILLER = words("absolute abs an enter goes here insert my path put replace the this to with you your")
# One server's API_KEY is not another's: a name of only such words gets the server's in front.
_GENERIC = words(
    "access account admin api app auth base bearer client config connection data database db dir directory endpoint "
    "file folder host id key level location log login mcp model name node owner pass password path port private "
    "project public repo repository role root schema secret server service space src storage target team tenant token "
    "tools type uri url user username value version warehouse workspace x"
)
# Variables that every environment has, and that no catalogue has any business to set.
OF_THE_SYSTEM = words("HOME LOGNAME PATH PWD SHELL TEMP TMP TMPDIR TZ USER")


class Blanks:
    """Fills the blanks of one server's launch options. `needs` collects what must be set, with what is known of it.

    Example:
        blanks = Blanks("sentry", about={"SENTRY_TOKEN": "a user's token"})
        blanks.text("YOUR_SENTRY_TOKEN") -> "${SENTRY_TOKEN}", blanks.needs == {"SENTRY_TOKEN": "a user's token"}
        blanks.value("PORT", "8080")     -> "8080"
    """

    def __init__(self, server: str, *, about: Mapping[str, str] | None = None) -> None:
        self.server = server
        self._about = dict(about or {})
        self._paths: dict[str, str] = {}
        self.needs: dict[str, str] = {}

    def value(self, key: str, value: str) -> str:
        """An `env` entry or a header: one with a blank in it is referred to by its own key, as a whole."""
        only = _BLANK.fullmatch(value)
        if only and only["reference"]:
            return self._renamed(only, key)
        blank = any(not match["reference"] for match in _BLANK.finditer(value))
        if not (blank or _WHOLE.fullmatch(value) or _WORD_FOR_VALUE.fullmatch(value)) or re.match(
            r"(?i)(?:bearer|basic|token) ", value
        ):
            return self.text(value)
        return self.reference(key, about=_as_published(value))

    def text(self, text: str) -> str:
        """An argument or a URL: only its blanks are replaced, unless it is nothing but one."""
        filled = _BLANK.sub(self._fill, text)
        if filled == text and _WHOLE.fullmatch(text):
            return self.reference(_meaning(text), about=_as_published(text))
        return re.sub(r"^~(?=/)", "${HOME}", filled)

    def reference(self, name: str, *, about: str = "", default: str | None = None) -> str:
        """`${NAME}`; with a default `${NAME:-default}`, which need not be set."""
        variable = as_variable(name)
        own = as_variable(self.server, "")
        generic = _GENERIC.issuperset(variable.lower().strip("_").split("_")) or len(variable) <= 2
        if generic and not variable.startswith(f"{own}_"):
            variable = f"{own}_{variable}".upper()
        if default is not None and not re.search(r"[${}]", default):
            return f"${{{variable}:-{default}}}"
        if variable not in OF_THE_SYSTEM:
            known = self._about.get(name) or self._about.get(variable) or about
            self.needs[variable] = self.needs.get(variable) or known
        return f"${{{variable}}}"

    def _fill(self, match: re.Match[str]) -> str:
        found = match[0]
        if match["reference"]:
            return self._renamed(match, match["reference"])
        if match["path"] is None:
            return self.reference(_meaning(found), about=_as_published(found))
        if found not in self._paths:
            number = len(self._paths) + 1
            self._paths[found] = as_variable(self.server, "path" if number == 1 else f"path {number}")
        return self.reference(self._paths[found], about=_as_published(found))

    def _renamed(self, match: re.Match[str], key: str) -> str:
        name = match["reference"]
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            name = key
        if re.match(r"(?i)your[_-]?", name):
            name = _meaning(name)
        return self.reference(name, about=self._about.get(match["reference"], ""), default=match["default"])


def _meaning(text: str) -> str:
    """What a placeholder asks for, without its fillers: `<your Serper API key here>` -> `SERPER_API_KEY`."""
    words = [word for word in re.findall(r"[A-Za-z0-9]+", text) if word.lower() not in _FILLER]
    return as_variable(re.sub(r"^(?i:your)(?=[A-Za-z])", "", " ".join(words[:6]))).upper()


def _as_published(text: str) -> str:
    shown = text.strip().strip("<>")
    return f"published as {shown[:120]!r}" if shown else ""
