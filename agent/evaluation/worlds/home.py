"""A home with rooms, things, containers and devices, where most acts need something done before (VirtualHome)."""

import copy
from dataclasses import dataclass, field
from typing import Any

from agent.evaluation.world import Refused, World, dice, tools_of

ROOMS = ("bathroom", "bedroom", "kitchen", "living_room")
CONTAINERS = {
    "cupboard": "kitchen",
    "fridge": "kitchen",
    "drawer": "bedroom",
    "wardrobe": "bedroom",
    "basket": "bathroom",
}
SURFACES = {"kitchen_table": "kitchen", "bed": "bedroom", "sofa": "living_room", "desk": "living_room"}
DEVICES = {"washing_machine": "bathroom", "dishwasher": "kitchen", "television": "living_room", "lamp": "bedroom"}
THINGS = ("apple", "book", "cup", "keys", "milk", "mug", "plate", "shirt", "towel", "wallet")
_WITH_A_DOOR = ("washing_machine", "dishwasher")
_HANDS = 2


@dataclass(slots=True)
class Home:
    """places: where each thing is: a room, a container, a surface, a device or `hand`."""

    room: str = "living_room"
    places: dict[str, str] = field(default_factory=dict[str, str])
    open: set[str] = field(default_factory=set[str])
    on: set[str] = field(default_factory=set[str])
    plugged: set[str] = field(default_factory=lambda: set(DEVICES))

    def copy(self) -> "Home":
        return copy.deepcopy(self)

    def values(self, argument: str) -> list[Any]:
        lists = {
            "room": list(ROOMS),
            "thing": list(THINGS),
            "container": [*CONTAINERS, *_WITH_A_DOOR],
            "surface": list(SURFACES),
            "device": list(DEVICES),
        }
        return list(lists.get(argument, []))

    @property
    def held(self) -> list[str]:
        return sorted(thing for thing, place in self.places.items() if place == "hand")


def home_world(seed: int) -> "World[Home]":
    """Everything lies somewhere; every container is shut, every device is off."""
    rng = dice("home", seed)
    places = [*CONTAINERS, *SURFACES]
    return World("home", TOOLS, Home(places={thing: rng.choice(places) for thing in THINGS}))


def has_door(place: str) -> bool:
    """Whether a place must be open before anything can be put into it or taken out of it."""
    return place in CONTAINERS or place in _WITH_A_DOOR


def room_of(state: Home, place: str) -> str:
    """The room in which a place, a thing or the agent's hand is."""
    if place in state.places:
        place = state.places[place]
    fixed = CONTAINERS | SURFACES | DEVICES
    return state.room if place == "hand" else fixed.get(place, place)


def _here(state: Home, place: str) -> None:
    room = room_of(state, place)
    if room not in ROOMS:
        raise Refused(f"there is no {place!r} in this home")
    if room != state.room:
        raise Refused(f"{place} is in the {room}, and you are in the {state.room}; walk there first")


def _door(place: str) -> None:
    if not has_door(place):
        raise Refused(f"{place} has no door")


def _opened(state: Home, place: str) -> None:
    if has_door(place) and place not in state.open:
        raise Refused(f"{place} is shut; open it first")


def _look(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    del given
    fixed = sorted(place for place, room in (CONTAINERS | SURFACES | DEVICES).items() if room == state.room)
    seen = {
        thing: place
        for thing, place in sorted(state.places.items())
        if room_of(state, thing) == state.room and (not has_door(place) or place in state.open)
    }
    return {"room": state.room, "furniture": fixed, "things": seen}


def _find(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    thing = given["thing"]
    if thing not in state.places:
        raise Refused(f"nobody knows of a {thing!r}")
    return {"thing": thing, "place": state.places[thing], "room": room_of(state, thing)}


def _held(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    del given
    return {"held": state.held}


def _device(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    device = given["device"]
    if device not in DEVICES:
        raise Refused(f"{device!r} is no device")
    return {"device": device, "on": device in state.on, "plugged_in": device in state.plugged}


def _walk(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    if given["room"] not in ROOMS:
        raise Refused(f"there is no room {given['room']!r}; there are {', '.join(ROOMS)}")
    state.room = given["room"]
    return {"room": state.room}


def _open(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    place = given["container"]
    _here(state, place)
    _door(place)
    if place in state.on:
        raise Refused(f"{place} is running; switch it off first")
    state.open.add(place)
    return {"container": place, "open": True}


def _close(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    place = given["container"]
    _here(state, place)
    _door(place)
    state.open.discard(place)
    return {"container": place, "open": False}


def _grab(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    thing = given["thing"]
    if thing not in state.places:
        raise Refused(f"nobody knows of a {thing!r}")
    _here(state, thing)
    if state.places[thing] == "hand":
        raise Refused(f"you hold the {thing} already")
    _opened(state, state.places[thing])
    if len(state.held) >= _HANDS:
        raise Refused(f"your hands are full with {' and '.join(state.held)}; put something down first")
    state.places[thing] = "hand"
    return {"held": state.held}


def _put(state: Home, thing: str, place: str) -> dict[str, Any]:
    if state.places.get(thing) != "hand":
        raise Refused(f"you do not hold a {thing}; grab it first")
    _here(state, place)
    _opened(state, place)
    state.places[thing] = place
    return {"thing": thing, "place": place}


def _put_in(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    _door(given["container"])
    return _put(state, given["thing"], given["container"])


def _put_on(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    if given["surface"] not in SURFACES:
        raise Refused(f"nothing can be put on {given['surface']!r}; there are {', '.join(SURFACES)}")
    return _put(state, given["thing"], given["surface"])


def _reach(state: Home, device: str) -> None:
    if device not in DEVICES:
        raise Refused(f"{device!r} is no device; there are {', '.join(DEVICES)}")
    _here(state, device)


def _plug_in(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    _reach(state, given["device"])
    state.plugged.add(given["device"])
    return {"device": given["device"], "plugged_in": True}


def _switch_on(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    device = given["device"]
    _reach(state, device)
    if device not in state.plugged:
        raise Refused(f"{device} has no power; plug it in first")
    if device in state.open:
        raise Refused(f"{device} is open; close it first")
    state.on.add(device)
    return {"device": device, "on": True}


def _switch_off(state: Home, given: dict[str, Any]) -> dict[str, Any]:
    _reach(state, given["device"])
    state.on.discard(given["device"])
    return {"device": given["device"], "on": False}


_THING = {"thing": "string"}
_CONTAINER = {"container": "string"}
_DEVICE = {"device": "string"}
TOOLS = tools_of(
    "home",
    ("look_around", "reads", "Tells what stands and lies openly in this room.", {}, _look),
    ("find_thing", "reads", "Tells where a thing is.", _THING, _find),
    ("held_things", "reads", "Tells what you have in your two hands.", {}, _held),
    ("device_state", "reads", "Tells whether a device is on and has power.", _DEVICE, _device),
    ("walk_to", "sets", "Walks into a room.", {"room": "string"}, _walk),
    ("open", "sets", "Opens a container in this room.", _CONTAINER, _open),
    ("close", "sets", "Closes a container in this room.", _CONTAINER, _close),
    ("grab", "adds", "Takes a thing in this room into a free hand.", _THING, _grab),
    ("put_in", "adds", "Puts a thing that you hold into an open container.", _THING | _CONTAINER, _put_in),
    ("put_on", "adds", "Puts a thing that you hold on a surface.", _THING | {"surface": "string"}, _put_on),
    ("plug_in", "sets", "Gives a device power.", _DEVICE, _plug_in),
    ("switch_on", "sets", "Switches a closed device on.", _DEVICE, _switch_on),
    ("switch_off", "sets", "Switches a device off.", _DEVICE, _switch_off),
)
