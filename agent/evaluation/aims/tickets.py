"""What can be wanted of tickets. They are named by their titles; their ids have to be looked up."""

import random
from collections.abc import Callable

from agent.evaluation.aim import Aim, GoldStep, OutOfReach
from agent.evaluation.worlds.tickets import LABELS, PEOPLE, Tickets

_NEW_LABELS = ("audit", "hardware-2", "vip", "warranty")
_NEW_TITLES = ("Order new headsets", "Move the coffee corner", "Renew the certificates", "Test the fire alarm")


def draw(state: Tickets, rng: random.Random, count: int) -> list[Aim[Tickets]]:
    """Aims that do not get in each other's way: each has a ticket of its own."""
    titles = rng.sample([ticket.title for ticket in state.tickets.values()], count + 1)
    makers = rng.choices((_assign, _comment, _prioritise, _label, _new_label, _close, _block), k=count)
    aims = [make(title, titles[-1], rng) for make, title in zip(makers, titles, strict=False)]
    if rng.random() < 0.3:
        aims[-1] = _create(rng)
    return aims


def _assign(title: str, other: str, rng: random.Random) -> Aim[Tickets]:
    del other
    person = rng.choice(PEOPLE)
    return _on_open_ticket(title, f"Give the ticket '{title}' to {person}.", "assign_ticket", {"person": person})


def _comment(title: str, other: str, rng: random.Random) -> Aim[Tickets]:
    del other
    said = f"Looked at by {rng.choice(PEOPLE)}, part {rng.randint(10, 99)} is on its way"
    return _on_open_ticket(title, f"Comment '{said}' on the ticket '{title}'.", "comment_ticket", {"comment": said})


def _prioritise(title: str, other: str, rng: random.Random) -> Aim[Tickets]:
    del other
    priority = rng.choice(("low", "high"))
    text = f"Set the priority of the ticket '{title}' to {priority}."
    return _on_open_ticket(title, text, "set_priority", {"priority": priority})


def _label(title: str, other: str, rng: random.Random) -> Aim[Tickets]:
    del other
    label = rng.choice(LABELS)
    return _on_open_ticket(title, f"Label the ticket '{title}' with '{label}'.", "add_label", {"label": label})


def _new_label(title: str, other: str, rng: random.Random) -> Aim[Tickets]:
    del other
    label = rng.choice(_NEW_LABELS)
    return _on_open_ticket(title, f"Label the ticket '{title}' with '{label}'.", "add_label", {"label": label})


def _has(state: Tickets, title: str, wanted: dict[str, str]) -> bool:
    found = state.titled(title)
    if found is None:
        return False
    ticket = found[1]
    has = {
        "person": (ticket.assignee,),
        "comment": ticket.comments,
        "priority": (ticket.priority,),
        "label": ticket.labels,
    }
    return all(value in has[name] for name, value in wanted.items())


def _on_open_ticket(title: str, text: str, tool: str, wanted: dict[str, str]) -> Aim[Tickets]:
    def step(state: Tickets, taste: int) -> GoldStep:
        del taste
        id_, look_up = _known(state, title)
        if look_up:
            return look_up
        if state.tickets[id_].status == "closed":
            return GoldStep("reopen_ticket", {"ticket_id": id_}, mends=True)
        if "label" in wanted and wanted["label"] not in state.labels:
            return GoldStep("create_label", {"label": wanted["label"]}, mends=True)
        return GoldStep(tool, {"ticket_id": id_, **wanted})

    return Aim(text=text, done=lambda state: _has(state, title, wanted), step=step, hinder=_closed(title))


def _close(title: str, other: str, rng: random.Random) -> Aim[Tickets]:
    del other
    person = rng.choice(PEOPLE)

    def step(state: Tickets, taste: int) -> GoldStep:
        del taste
        id_, look_up = _known(state, title)
        if look_up:
            return look_up
        if state.tickets[id_].assignee is None:
            return GoldStep("assign_ticket", {"ticket_id": id_, "person": person}, mends=True)
        return GoldStep("close_ticket", {"ticket_id": id_})

    return Aim(
        text=f"Close the ticket '{title}'; if nobody answers for it, that is {person}.",
        done=lambda state: (found := state.titled(title)) is not None and found[1].status == "closed",
        step=step,
    )


def _block(title: str, other: str, rng: random.Random) -> Aim[Tickets]:
    del rng

    def done(state: Tickets) -> bool:
        found, before = state.titled(title), state.titled(other)
        return found is not None and before is not None and before[0] in found[1].blocked_by

    def step(state: Tickets, taste: int) -> GoldStep:
        del taste
        id_, look_up = _known(state, title)
        other_id, look_up_other = _known(state, other)
        if look_up or look_up_other:
            return look_up or look_up_other or GoldStep("list_labels", {})
        if state.tickets[id_].status == "closed":
            return GoldStep("reopen_ticket", {"ticket_id": id_}, mends=True)
        return GoldStep("block_ticket", {"ticket_id": id_, "other_id": other_id})

    text = f"Say that the ticket '{title}' has to wait for the ticket '{other}'."
    return Aim(text=text, done=done, step=step, hinder=_closed(title))


def _create(rng: random.Random) -> Aim[Tickets]:
    title, person = rng.choice(_NEW_TITLES), rng.choice(PEOPLE)

    def step(state: Tickets, taste: int) -> GoldStep:
        del taste
        if state.titled(title) is None:
            return GoldStep("create_ticket", {"title": title})
        id_, look_up = _known(state, title)
        return look_up or GoldStep("assign_ticket", {"ticket_id": id_, "person": person})

    return Aim(
        text=f"Open a ticket '{title}' and give it to {person}.",
        done=lambda state: _has(state, title, {"person": person}),
        step=step,
    )


def _known(state: Tickets, title: str) -> tuple[int, GoldStep | None]:
    """The ticket's id, and the search that tells it if none has."""
    found = state.titled(title)
    if found is None:
        raise OutOfReach(title)
    look_up = None if found[0] in state.seen else GoldStep("search_tickets", {"text": title})
    return found[0], look_up


def _closed(title: str) -> Callable[[Tickets], None]:
    def hinder(state: Tickets) -> None:
        found = state.titled(title)
        assert found is not None
        found[1].status = "closed"

    return hinder
