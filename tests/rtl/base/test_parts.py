"""Paths of components: every one is in the hierarchy, and none is missing at its level."""

import inspect
import re

from amaranth.hdl import Fragment
from amaranth.lib import wiring

from rtl.accelerator import Accelerator
from rtl.base.parts import CORE, ENGINE, LANE, PATHS
from rtl.serial.accelerator import SerialAccelerator
from spec.config import config_for


def instances(fragment, path=()):
    """Paths of all instances below ``fragment``, without the numbers of copies."""
    for inner, name, *_ in fragment.subfragments:
        here = (*path, re.sub(r"\d+$", "", name))
        yield ".".join(here)
        yield from instances(inner, here)


def test_every_path_is_an_instance():
    found = set(instances(Fragment.get(Accelerator(config_for(16, ring_words=64)), None)))
    assert {CORE, ENGINE, LANE, *PATHS.values()} <= found
    for above in (CORE, ENGINE, LANE):  # what is there has a name here
        level = {path for path in found if path.rpartition(".")[0] == above}
        assert level <= {ENGINE, *PATHS.values()}, above


def test_without_rings_nothing_else_is_missing():
    found = set(instances(Fragment.get(Accelerator(config_for(16)), None)))
    assert set(PATHS.values()) - found == {PATHS["weights.rings"]}


def named(doc, section):
    """Names in a section of a docstring, ``*`` for those that it has a pattern for."""
    text = re.search(rf"^{section}\n-+\n(.*?)(?:^\S[^\n]*\n-+\n|\Z)", doc, re.DOTALL | re.MULTILINE)
    lines = [line for line in text[1].splitlines() if line and not line.startswith(" ")] if text else []
    return {name.strip() for line in lines for name in line.split(" :")[0].split(",")}


def test_docstrings_name_the_members_and_parameters_that_there_are(monkeypatch):
    """Of every component of an accelerator with all it can have, bare and behind a serial line."""
    made, construct = {}, wiring.Component.__init__

    def noted(self, *args, **options):
        construct(self, *args, **options)
        made.setdefault(type(self), set()).update(self.signature.members)

    monkeypatch.setattr(wiring.Component, "__init__", noted)
    Fragment.get(Accelerator(config_for(32, lanes=2, ring_words=64, rows_per_requantizer=2, upsample=True)), None)
    Fragment.get(SerialAccelerator(config_for(16), divider=16), None)
    ours = {kind: members for kind, members in made.items() if kind.__module__.startswith("rtl.")}
    assert len(ours) > 30
    wrong = {}
    for kind, there in ours.items():
        said = named(inspect.getdoc(kind), "Members")
        patterns = {name.partition("*")[0] for name in said if "*" in name}
        there = {name for name in there if name in said or not any(name.startswith(begin) for begin in patterns)}
        members = {name for name in said if "*" not in name} ^ there
        parameters = named(inspect.getdoc(kind), "Parameters") ^ (
            set(inspect.signature(kind).parameters) if "__init__" in vars(kind) else set()
        )
        if members or parameters:
            wrong[kind.__name__] = members, parameters
    assert wrong == {}
