"""Names and texts that files bring along: one alphabet for what becomes a path or a label, and no escape codes."""

import re
from collections.abc import Sequence

from spec.refusal import Refused

__all__ = ["NAME_LENGTH", "check_class_names", "check_name", "check_text", "name_from"]

NAME_LENGTH = 64  #: Characters of a name.

_ALPHABET = "letters, digits, '_', '-' and '.', of which it begins with a letter or digit"
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{NAME_LENGTH - 1}}}")
_OUTSIDE = re.compile(r"[^A-Za-z0-9_.-]")

#: Control characters, halves of surrogate pairs, line and paragraph separators, and what turns the direction of text.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]")


def check_name(name: object, what: str) -> str:
    """``name``, if it is one: 1 to 64 letters, digits and ``_.-``, the first a letter or digit.

    Such names are safe in paths, tables, Verilog comments and HTML alike.

    Raises
    ------
    Refused
        If it is not; ``what`` says what it names.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        shown = ascii(name)
        shown = shown if len(shown) <= NAME_LENGTH + 2 else f"{shown[:20]}... of {len(shown) - 2} characters"
        raise Refused(f"{what} must have a name of at most {NAME_LENGTH} {_ALPHABET}, not {shown}")
    return name


def name_from(text: str, otherwise: str) -> str:
    """A name made of ``text``: what is outside the alphabet becomes ``-``; ``otherwise`` if nothing is left."""
    return _OUTSIDE.sub("-", text).lstrip("_.-")[:NAME_LENGTH] or otherwise


def check_text(text: str, what: str, remedy: str) -> None:
    """Refuse ``text`` in ``what`` if it holds control characters (but tabs and line feeds) or cannot be encoded."""
    if found := _CONTROLS.search(text):
        raise Refused(f"{what} has a text with the control character U+{ord(found[0]):04X}; {remedy}")


def check_class_names(names: object, where: str) -> tuple[str, ...]:
    """``names`` as a tuple, if they are names of classes: different ones, each of 1 to 64 characters that print.

    Raises
    ------
    Refused
        If they are not; ``where`` says whose they are.
    """
    if not isinstance(names, Sequence) or isinstance(names, str):
        raise Refused(f"Class names of {where} must be a list of texts")
    for name in names:
        if not isinstance(name, str) or not name.isprintable() or not name.strip():
            raise Refused(f"Class name {ascii(name)[:80]} of {where} must be text that can be printed; rename it")
        if len(name) > NAME_LENGTH:
            raise Refused(
                f"Class name {name[:20]!r}... of {where} must have at most {NAME_LENGTH} characters, not {len(name)}; "
                "rename it"
            )
    if len(set(names)) != len(names):
        seen: set[str] = set()
        twice = next(name for name in names if name in seen or seen.add(name))
        raise Refused(f"Class name {twice!r} of {where} must be that of one class; rename it")
    return tuple(names)
