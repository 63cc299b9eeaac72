"""JSON and TOML from outside: read whole, within limits, and refused in a sentence.

What is returned nests at most :data:`spec.budgets.NESTING` deep, its integers have at most 64 bits, its other numbers
are finite, and its texts can be encoded and hold no control characters, so that nothing which is done with it
surprises.
"""

import json
import math
import tomllib
from pathlib import Path

from spec.budgets import NESTING, Budget, check_file
from spec.names import check_text
from spec.refusal import Refused

__all__ = ["check_document", "parse_json", "read_json", "read_toml"]

_WORD = 1 << 63


def parse_json(text: str, what: str, remedy: str) -> object:
    """The value that JSON ``text`` says.

    Raises
    ------
    Refused
        If it is none within the limits, calling it ``what`` and advising ``remedy``.
    """
    Budget.TEXT.check(len(text), what, remedy)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{what} is damaged: it is not JSON ({error}); {remedy}") from None
    check_document(value, what, remedy)
    return value


def read_json(path: Path, what: str, remedy: str) -> object:
    """The value in the JSON file ``path``; refused as by :func:`parse_json`, or if there is no such file."""
    return parse_json(_text(path, Budget.TEXT, what, remedy), f"{what} {path}", remedy)


def read_toml(path: Path, what: str, remedy: str) -> dict:
    """The table in the TOML file ``path``.

    Raises
    ------
    Refused
        If there is no such file, or it is none within the limits, calling it ``what`` and advising ``remedy``.
    """
    text = _text(path, Budget.TOML, what, remedy)
    # The reader's time grows with the square of a dotted key.
    if max((line.count(".") for line in text.splitlines()), default=0) > 8 * NESTING:
        raise Refused(f"{what} {path} has a line with more than {8 * NESTING} dots; {remedy}")
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{what} {path} is no TOML ({error}); {remedy}") from None
    check_document(table, f"{what} {path}", remedy)
    return table


def _text(path: Path, budget: Budget, what: str, remedy: str) -> str:
    check_file(path, budget, what, remedy)
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(f"{what} {path} cannot be read ({error.strerror}); {remedy}") from None
    except UnicodeDecodeError as error:
        raise Refused(f"{what} {path} is not UTF-8 at byte {error.start}; {remedy}") from None


def check_document(value: object, what: str, remedy: str) -> None:
    """Refuse ``value``, of objects, lists, texts and numbers, if it is beyond the limits of this module."""
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, str):
            check_text(one, what, remedy)
        elif isinstance(one, int):
            if not -_WORD <= one < 2 * _WORD:
                raise Refused(f"{what} has an integer beyond 64 bits; {remedy}")
        elif isinstance(one, float):
            if not math.isfinite(one):
                raise Refused(f"{what} has a number that is not finite; {remedy}")
        elif isinstance(one, dict | list | tuple):
            if depth == NESTING:
                raise Refused(f"{what} nests more than {NESTING} deep; {remedy}")
            parts = [*one, *one.values()] if isinstance(one, dict) else one
            waiting.extend((part, depth + 1) for part in parts)
