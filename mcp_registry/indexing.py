"""The index is made equal to the catalogue: after each sync, and at every start."""

from dataclasses import dataclass

from mcp_registry.catalogue import Catalogue
from mcp_registry.diff import ToolDiff, diff
from retrieval.card import ServerCard
from retrieval.index import ToolIndex
from retrieval.tool import ToolSpec
from retrieval.vector_store import Progress


@dataclass(frozen=True, slots=True)
class Listed:
    """Something that the catalogue holds, by id and fingerprint; its content is read only when it is needed."""

    id: str
    fingerprint: str


def reconcile(index: ToolIndex, catalogue: Catalogue, progress: Progress | None = None) -> ToolDiff[Listed]:
    """Apply `diff(index, catalogue)`, and save. After a crash between the two, the next start mends it with this."""
    generation = catalogue.generation()
    if index.generation == generation:
        return ToolDiff()
    listed = {**catalogue.fingerprints(), **catalogue.card_fingerprints()}
    found = diff(index.fingerprints(), ((id_, Listed(id_, print_)) for id_, print_ in listed.items()))
    wanted = [listed.id for listed in (*found.added, *found.changed)]
    index.apply(_read(catalogue, wanted), found.removed, generation=generation, progress=progress)
    index.save()
    return found


def follow(index: ToolIndex, catalogue: Catalogue, found: ToolDiff[ToolSpec], generation: int) -> None:
    """Apply one server's change directly when it is the only one since; otherwise reconcile. Does not save."""
    if index.generation == generation:
        return
    if index.generation == generation - 1:
        index.apply([*found.added, *found.changed], found.removed, generation=generation)
    else:
        reconcile(index, catalogue)


def _read(catalogue: Catalogue, ids: list[str]) -> list[ToolSpec | ServerCard]:
    tools = catalogue.tools([id_ for id_ in ids if "/" in id_])
    cards = catalogue.cards([id_ for id_ in ids if "/" not in id_])
    return [*tools.values(), *cards.values()]
