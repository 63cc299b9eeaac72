"""Docstrings of this repository as Markdown, for the Python reference (an extension of griffe).

``:func:`x``` becomes code; ``#:`` comments document the attribute below or before them; ``Members``, which components
have and numpy's style does not know, are its attributes.
"""

import re

import griffe

_ROLE = re.compile(r":(?:\w+:)?\w+:`~?([^`]+)`")
_MEMBERS = re.compile(r"^([ \t]*)Members\n[ \t]*-{3,}\n", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Mends every docstring once it is read."""

    def on_instance(self, *, obj, **_):
        """Turn the docstring of ``obj`` into Markdown."""
        if obj.is_alias:
            return
        if obj.is_attribute and obj.docstring is None and (comment := _comment(obj)):
            obj.docstring = griffe.Docstring(comment, parent=obj)
        if obj.docstring is not None:
            text = _ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring.value = _MEMBERS.sub(r"\1Attributes\n\1----------\n", text)


def _comment(attribute) -> str:
    """What the ``#:`` comments say of ``attribute``: those above it, or the one behind it."""
    lines = attribute.module.filepath.read_text().splitlines()
    _, _, behind = lines[attribute.endlineno - 1].partition("#: ")
    above, number = [], attribute.lineno - 2
    while number >= 0 and lines[number].strip().startswith("#:"):
        above.insert(0, lines[number].strip()[2:].strip())
        number -= 1
    return behind or " ".join(above)
