"""A ticket tracker: tickets, people, labels. Ids are numbers that nobody can guess; a search tells them."""

import copy
from dataclasses import dataclass, field
from typing import Any

from agent.evaluation.world import Refused, World, dice, tools_of

PEOPLE = ("amira", "bjorn", "chen", "dana", "emeka")
LABELS = ("bug", "feature", "hardware", "network", "urgent")
PRIORITIES = ("low", "normal", "high")
TITLES = (
    "Printer on floor 2 jams",
    "Password reset mail never comes",
    "Projector in room B is dark",
    "Payroll export has wrong totals",
    "Door badge does not open",
    "Wireless drops every hour",
    "Calendar shows old meetings",
    "Laptop battery swells",
    "Invoice page times out",
    "Phone line crackles",
)


@dataclass(slots=True)
class Ticket:
    """One ticket; `blocked_by` are tickets that must be closed before it."""

    title: str
    status: str = "open"
    assignee: str | None = None
    priority: str = "normal"
    labels: list[str] = field(default_factory=list[str])
    comments: list[str] = field(default_factory=list[str])
    blocked_by: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class Tickets:
    """All tickets by id, the labels there are, and the ids that some result has told."""

    tickets: dict[int, Ticket] = field(default_factory=dict[int, Ticket])
    labels: list[str] = field(default_factory=lambda: list(LABELS))
    seen: set[int] = field(default_factory=set[int])

    def copy(self) -> "Tickets":
        return copy.deepcopy(self)

    def values(self, argument: str) -> list[Any]:
        lists: dict[str, list[Any]] = {
            "ticket_id": sorted(self.seen),
            "other_id": sorted(self.seen),
            "person": list(PEOPLE),
            "label": list(self.labels),
            "text": [ticket.title for _, ticket in sorted(self.tickets.items())],
        }
        return lists.get(argument, [])

    def titled(self, title: str) -> tuple[int, Ticket] | None:
        """The ticket of this title and its id."""
        return next(((id_, ticket) for id_, ticket in sorted(self.tickets.items()) if ticket.title == title), None)


def tickets_world(seed: int) -> "World[Tickets]":
    """A ticket for each title."""
    rng = dice("tickets", seed)
    ids = rng.sample(range(1000, 9999), len(TITLES))
    return World("tickets", TOOLS, Tickets({id_: Ticket(title) for id_, title in zip(ids, TITLES, strict=True)}))


def _ticket(state: Tickets, given: dict[str, Any], argument: str = "ticket_id") -> Ticket:
    ticket = state.tickets.get(given[argument])
    if ticket is None:
        raise Refused(f"there is no ticket {given[argument]}; search for it")
    return ticket


def _open(state: Tickets, given: dict[str, Any]) -> Ticket:
    ticket = _ticket(state, given)
    if ticket.status == "closed":
        raise Refused(f"ticket {given['ticket_id']} is closed and cannot be changed; reopen it first")
    return ticket


def _search(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    words = set(given["text"].lower().split())
    found = [
        (len(words & set(ticket.title.lower().split())), -id_, ticket.title) for id_, ticket in state.tickets.items()
    ]
    best = sorted((each for each in found if each[0]), reverse=True)[:3]
    state.seen |= {-id_ for _, id_, _ in best}
    return {"tickets": [{"id": -id_, "title": title} for _, id_, title in best]}


def _get(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    ticket = _ticket(state, given)
    state.seen |= {given["ticket_id"], *ticket.blocked_by}
    return {
        "id": given["ticket_id"],
        "title": ticket.title,
        "status": ticket.status,
        "assignee": ticket.assignee,
        "priority": ticket.priority,
        "labels": list(ticket.labels),
        "blocked_by": list(ticket.blocked_by),
    }


def _comments(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    return {"comments": list(_ticket(state, given).comments)}


def _people(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    del state, given
    return {"people": list(PEOPLE)}


def _list_labels(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    del given
    return {"labels": list(state.labels)}


def _create(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    new = max(state.tickets) + 7
    state.tickets[new] = Ticket(given["title"])
    state.seen.add(new)
    return {"id": new}


def _create_label(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    if given["label"] not in state.labels:
        state.labels.append(given["label"])
    return {"labels": list(state.labels)}


def _assign(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    if given["person"] not in PEOPLE:
        raise Refused(f"nobody is called {given['person']!r}; there are {', '.join(PEOPLE)}")
    _open(state, given).assignee = given["person"]
    return {"id": given["ticket_id"], "assignee": given["person"]}


def _comment(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    ticket = _open(state, given)
    ticket.comments.append(given["comment"])
    return {"id": given["ticket_id"], "comments": len(ticket.comments)}


def _set_priority(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    _open(state, given).priority = given["priority"]
    return {"id": given["ticket_id"], "priority": given["priority"]}


def _add_label(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    ticket, label = _open(state, given), given["label"]
    if label not in state.labels:
        raise Refused(f"there is no label {label!r}; create it first")
    if label not in ticket.labels:
        ticket.labels.append(label)
    return {"id": given["ticket_id"], "labels": list(ticket.labels)}


def _remove_label(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    ticket = _open(state, given)
    if given["label"] not in ticket.labels:
        raise Refused(f"ticket {given['ticket_id']} has no label {given['label']!r}")
    ticket.labels.remove(given["label"])
    return {"id": given["ticket_id"], "labels": list(ticket.labels)}


def _block(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    _ticket(state, given, "other_id")
    ticket = _open(state, given)
    if given["other_id"] not in ticket.blocked_by:
        ticket.blocked_by.append(given["other_id"])
    return {"id": given["ticket_id"], "blocked_by": list(ticket.blocked_by)}


def _close(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    ticket = _ticket(state, given)
    if ticket.assignee is None:
        raise Refused(f"ticket {given['ticket_id']} has nobody who answers for it; assign it first")
    waiting = [id_ for id_ in ticket.blocked_by if state.tickets[id_].status != "closed"]
    if waiting:
        state.seen |= set(waiting)
        raise Refused(f"ticket {given['ticket_id']} is blocked by ticket {waiting[0]}; close that first")
    ticket.status = "closed"
    return {"id": given["ticket_id"], "status": "closed"}


def _reopen(state: Tickets, given: dict[str, Any]) -> dict[str, Any]:
    _ticket(state, given).status = "open"
    return {"id": given["ticket_id"], "status": "open"}


_ID = {"ticket_id": "integer"}
_LABEL = {"label": "string"}
TOOLS = tools_of(
    "tickets",
    ("search_tickets", "reads", "Finds the three tickets whose titles fit best.", {"text": "string"}, _search),
    ("get_ticket", "reads", "Gives a ticket.", _ID, _get),
    ("list_comments", "reads", "Gives what was said about a ticket.", _ID, _comments),
    ("list_people", "reads", "Lists who tickets can be assigned to.", {}, _people),
    ("list_labels", "reads", "Lists the labels there are.", {}, _list_labels),
    ("create_ticket", "adds", "Opens a new ticket.", {"title": "string"}, _create),
    ("create_label", "sets", "Makes a label that tickets can have.", _LABEL, _create_label),
    ("assign_ticket", "sets", "Gives a ticket to a person.", _ID | {"person": "string"}, _assign),
    ("comment_ticket", "adds", "Says something about a ticket.", _ID | {"comment": "string"}, _comment),
    (
        "set_priority",
        "sets",
        "Sets how urgent a ticket is.",
        _ID | {"priority": {"type": "string", "enum": list(PRIORITIES)}},
        _set_priority,
    ),
    ("add_label", "sets", "Puts a label on a ticket.", _ID | _LABEL, _add_label),
    ("remove_label", "sets", "Takes a label off a ticket.", _ID | _LABEL, _remove_label),
    ("block_ticket", "sets", "Says which other ticket has to be closed first.", _ID | {"other_id": "integer"}, _block),
    ("close_ticket", "sets", "Closes a ticket that somebody answers for.", _ID, _close),
    ("reopen_ticket", "sets", "Opens a closed ticket again.", _ID, _reopen),
)
