"""Switching activity of a simulation: how often every bit changed."""

import re
from pathlib import Path

from spec.refusal import Refused

__all__ = ["read_toggles"]

_TOKEN = re.compile(
    r"""\(INSTANCE\s+(?P<instance>\S+)
      | \((?P<bit>[^\s()]+)\s+\(T0\s+\d+\)\s*\(T1\s+\d+\)[^\n]*?\(TC\s+(?P<toggles>\d+)\)[^\n)]*(?:\([^\n()]*\)\s*)*\)
      | (?P<end>\))
      | (?P<other>\(\w+)[^()\n]*
    """,
    re.VERBOSE,
)


def read_toggles(path: Path, top: str) -> dict[str, int]:
    """Transitions of every bit below the instance ``top``, as ``{"instance.instance.name[3]": transitions}``.

    Of a vector every bit is there by itself; ``top`` is a path with dots, perhaps below others, and not part of the
    names.

    Raises
    ------
    Refused
        If the file has no instance ``top`` or ends early.
    """
    text = path.read_text()
    scopes: list[str | None] = []
    found: dict[str, int] = {}
    seen = False
    mark = f".{top}."
    for token in _TOKEN.finditer(text):
        if token["instance"]:
            scopes.append(token["instance"].replace("\\", ""))
            seen |= mark in f".{'.'.join(filter(None, scopes))}."
        elif token["bit"]:
            path = f".{'.'.join([*filter(None, scopes), token['bit']])}".replace("\\", "")
            _, below, name = path.partition(mark)
            if below:
                found[name] = int(token["toggles"])
        elif token["end"]:
            if scopes:
                scopes.pop()
        else:
            scopes.append(None)
    if not seen or scopes:
        what = "ends early" if scopes else f"has no instance {top}"
        raise Refused(f"Activity file {path} {what}; remove it and run the simulation again")
    return found
