"""Damage: bytes, trees of JSON, and the values at the edges of what is allowed."""

import copy
import json
import random

__all__ = ["DEEP", "EDGES", "as_json", "damaged_bytes", "damaged_tree", "edge"]

#: Stands for lists in one another, deeper than can be made of objects.
DEEP = "<deep>"
_DEPTHS = (20, 40, 300, 990, 5000)

#: Values of JSON that readers stumble over.
EDGES = (
    0, -1, 1, 2, 3, 4, 8, 255, 256, 4097, 65535, 65537, 2**20, 2**23, 2**31 - 1, 2**31, 2**32, 2**63, 2**64, 10**30,
    10**400, -(10**30), 0.5, 1.5, -0.0, 1e308, -1e308, 1e-320, float("nan"), float("inf"), True, False, None, "", " ",
    "a", "x" * 65, "x" * 10_000, "stem", "classifier", "pool", "../x", "/x", "a/b", "[/b]", "[bold]", "\x1b[31m",
    "a\nb", "\u202ex", "\ud800", "\u0663", "any", "1of4", [], [0], [[]], {}, {"a": 1}, [None] * 100,
    DEEP,
)


def edge(rng: random.Random) -> object:
    """Any of :data:`EDGES`."""
    return copy.deepcopy(rng.choice(EDGES))


def as_json(tree: object, rng: random.Random, **settings) -> str:
    """``tree`` as JSON, with lists in one another for :data:`DEEP`."""
    depth = rng.choice(_DEPTHS)
    return json.dumps(tree, **settings).replace(f'"{DEEP}"', "[" * depth + "]" * depth)


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """``content`` with one to four of: flipped, set, cut out, doubled, put in, cut off."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(data) + 1)
        length = min(rng.choice((1, 2, 4, 8, 64, 1000)), len(data) - place)
        match rng.randrange(6):
            case 0:
                for index in range(place, place + length):
                    data[index] ^= 1 << rng.randrange(8)
            case 1:
                data[place : place + length] = bytes([rng.choice((0, 1, 127, 128, 255))]) * length
            case 2:
                del data[place : place + length]
            case 3:
                data[place:place] = data[place : place + length]
            case 4:
                data[place:place] = rng.randbytes(length)
            case _:
                del data[place:]
    return bytes(data)


def _places(tree: object, path: tuple = ()) -> list[tuple]:
    """Ways to every value in ``tree``, of objects and lists, but to itself."""
    found = []
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list | tuple) else ()
    for key, value in inner:
        found += [(*path, key), *_places(value, (*path, key))]
    return found


def damaged_tree(tree: object, rng: random.Random) -> object:
    """A copy of ``tree`` in which one to three values are others, gone, doubled, or have a neighbour."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        ways = _places(tree)
        if not ways:
            return edge(rng)
        *parents, key = rng.choice(ways)
        place = tree
        for parent in parents:
            place = place[parent]
        if isinstance(place, tuple):
            continue
        match rng.randrange(8):
            case 0:
                del place[key]
            case 1 if isinstance(place, list):
                place.insert(key, copy.deepcopy(place[key]))
            case 2 if isinstance(place, dict):
                new = rng.choice(("", "x", "\x1b", "name", "ring", 3))
                place[new if rng.random() < 0.9 else str(new)] = edge(rng)
            case 3 if type(place[key]) is int:
                place[key] += rng.choice((-1, 1, 1000, -place[key], 10**9))
            case 4 if isinstance(place, list):
                place *= rng.choice((2, 300))
            case _:
                place[key] = edge(rng)
    return tree
