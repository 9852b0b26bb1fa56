"""What can be wanted at home: things in other places, devices that run, washing done."""

import random

from agent.evaluation.aim import Aim, GoldStep
from agent.evaluation.worlds.home import CONTAINERS, DEVICES, SURFACES, Home, has_door, room_of

_WASHED = {"shirt": "washing_machine", "towel": "washing_machine", "cup": "dishwasher", "plate": "dishwasher"}


def draw(state: Home, rng: random.Random, count: int) -> list[Aim[Home]]:
    """Aims that do not get in each other's way: each has a thing or a device of its own."""
    aims: list[Aim[Home]] = []
    things = rng.sample(state.values("thing"), count)
    devices = rng.sample(["television", "lamp"], 2)
    machines = dict.fromkeys(_WASHED.values())
    for thing in things:
        kind = rng.random()
        if kind < 0.2 and devices:
            aims.append(_switch(devices.pop()))
        elif kind < 0.5 and _WASHED.get(thing) in machines:
            machines.pop(_WASHED[thing])
            aims.append(_wash(state, thing))
        else:
            aims.append(_bring(state, thing, rng))
    return aims


def _bring(state: Home, thing: str, rng: random.Random) -> Aim[Home]:
    now = state.places[thing]
    target = rng.choice([place for place in (*CONTAINERS, *SURFACES) if place != now])
    where = "in" if target in CONTAINERS else "on"
    return Aim(
        text=f"Put the {thing} ({_whereabouts(state, thing)}) {where} the {target} ({room_of(state, target)}).",
        done=lambda state: state.places[thing] == target,
        step=lambda state, taste: _carry(state, thing, target),
    )


def _wash(state: Home, thing: str) -> Aim[Home]:
    machine = _WASHED[thing]

    def step(state: Home, taste: int) -> GoldStep:
        del taste
        if state.places[thing] != machine:
            return _carry(state, thing, machine)
        return _run(state, machine)

    return Aim(
        text=f"Wash the {thing} ({_whereabouts(state, thing)}) in the {machine} ({DEVICES[machine]}), "
        "and leave it there.",
        done=lambda state: state.places[thing] == machine and machine in state.on,
        step=step,
        hinder=lambda state: state.plugged.discard(machine),
    )


def _switch(device: str) -> Aim[Home]:
    return Aim(
        text=f"Switch the {device} on ({DEVICES[device]}).",
        done=lambda state: device in state.on,
        step=lambda state, taste: _run(state, device),
        hinder=lambda state: state.plugged.discard(device),
    )


def _whereabouts(state: Home, thing: str) -> str:
    return f"{state.places[thing]}, {room_of(state, thing)}"


def _run(state: Home, device: str) -> GoldStep:
    walk = _walk(state, device)
    if walk:
        return walk
    if device in state.open:
        return GoldStep("close", {"container": device}, mends=True)
    if device not in state.plugged:
        return GoldStep("plug_in", {"device": device}, mends=True)
    return GoldStep("switch_on", {"device": device})


def _carry(state: Home, thing: str, target: str) -> GoldStep:
    place = state.places[thing]
    if place != "hand":
        return _put_down(state) or _walk(state, place) or _opened(state, place) or GoldStep("grab", {"thing": thing})
    reach = _walk(state, target) or _opened(state, target)
    if reach:
        return reach
    if has_door(target):
        return GoldStep("put_in", {"thing": thing, "container": target})
    return GoldStep("put_on", {"thing": thing, "surface": target})


def _put_down(state: Home) -> GoldStep | None:
    """Room for one more thing where both hands are full."""
    if len(state.held) < 2:
        return None
    surface = next((place for place, room in SURFACES.items() if room == state.room), "sofa")
    return _walk(state, surface) or GoldStep("put_on", {"thing": state.held[0], "surface": surface}, mends=True)


def _walk(state: Home, place: str) -> GoldStep | None:
    room = room_of(state, place)
    return None if room == state.room else GoldStep("walk_to", {"room": room})


def _opened(state: Home, place: str) -> GoldStep | None:
    if not has_door(place) or place in state.open:
        return None
    if place in state.on:
        return GoldStep("switch_off", {"device": place}, mends=True)
    return GoldStep("open", {"container": place}, mends=True)
