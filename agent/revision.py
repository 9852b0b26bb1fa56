"""`Revision`: one change of a typed memory (PRISM, Definition 3.4), and where it came from."""

from typing import Any, Literal

import msgspec


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """`add` needs a path that is new, `update` one that is there; the path is made of keys, field names and indices.

    Example:
        Revision(op="add", path=("invoices", "A-17", "total"), value=120.5)
    """

    op: Literal["add", "update"]
    path: tuple[str | int, ...]
    value: Any


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An accepted revision. source: the call, file or turn that it was read from. untrusted: a tool's text said so."""

    revision: Revision
    source: str = ""
    untrusted: bool = False
