"""`to_html`: one page that holds everything it needs, and lets nothing in: not even what its own data says."""

import base64
import hashlib
from html import escape
from importlib import resources

import msgspec

from rl_trainer.inspecting.shown import Shown


def to_html(shown: Shown) -> str:
    """The page. What stands in trajectories was written by a policy and by tools, and is data to it.

    It stands as JSON in an element that no browser runs, without a single `<`; the script writes it as text; and a
    Content-Security-Policy lets nothing run but that script, by its hash, and nothing be fetched at all.
    """
    style, script = _file("page.css"), _file("page.js")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    data = msgspec.json.encode(shown).decode().replace("<", "\\u003c")
    parts = {"POLICY": policy, "TITLE": escape(shown.title), "STYLE": style, "DATA": data, "SCRIPT": script}
    pieces = _file("page.html").split("@")
    return "".join(parts.get(piece, piece) for piece in pieces)


def _file(name: str) -> str:
    return (resources.files("rl_trainer.inspecting") / "page" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
