"""Docstrings of this repository as griffe then has them."""

import griffe
import pytest

from docs.docstrings import Docstrings

SOURCE = '''
"""A module; see :func:`spec.lfsr.signs` and :class:`~rtl.base.ram.Ram`, ``x`` and `y`."""

#: Bits of a sum,
#: signed.
SUM = 24
ACC = 32  #: Bits of a psum.
PLAIN = 1  # no documentation
TEXT = 2  #: not this
"""Its own."""


class Thing:
    """A component.

    Members
    -------
    load : In(1)
        Start.
    a, b : Out(3)
    """

    #: Cycles.
    LATENCY = 4
'''


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    (folder / "thing.py").write_text(SOURCE)
    return griffe.load("thing", search_paths=[folder], extensions=griffe.load_extensions(Docstrings()))


def test_roles_are_code(module):
    assert module.docstring.value == "A module; see `spec.lfsr.signs` and `rtl.base.ram.Ram`, ``x`` and `y`."


@pytest.mark.parametrize(("name", "text"), [
    ("SUM", "Bits of a sum, signed."), ("ACC", "Bits of a psum."), ("TEXT", "Its own."), ("Thing.LATENCY", "Cycles."),
])
def test_comments_document_what_they_stand_at(module, name, text):
    assert module[name].docstring.value == text


def test_other_comments_do_not(module):
    assert module["PLAIN"].docstring is None


def test_members_are_attributes(module):
    sections = module["Thing"].docstring.parse("numpy", warnings=False)
    (attributes,) = (section for section in sections if section.kind.value == "attributes")
    found = {value.name: str(value.annotation) for value in attributes.value}
    assert found == {"load": "In(1)", "a, b": "Out(3)"}
