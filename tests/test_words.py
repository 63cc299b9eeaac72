"""Words have one meaning: what a room calls its things, read from its source, and the uses that are gone."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("spec", "train", "rtl", "gen", "sim", "formal", "flows", "foldenite", "console")

#: Where, which identifiers must not be there (whole words between underscores), and what the thing is called instead.
OLD_USES = (
    ("rtl/weights/*.py", "lanes?", "port: a lane is an image; rows that are fetched together are ports"),
    ("rtl/weights/*.py", "group", "fetch: a group is four input channels; rows that are fetched together are a fetch"),
    ("rtl/weights/[gs]*.py", "groups", "fetches: a group is four input channels"),
    ("rtl/weights/ring_walk.py", "groups", "fetches: a group is four input channels"),
    ("rtl/**/*.py", "exporters?", "store: exporting is what train.export does"),
    ("gen/[!s]*.py", "parts?", "placed: a part is 32 bits of a word; a LayerPlan is a placed layer"),
    ("gen/streaming.py", "parts?", "placed: a part is 32 bits of a word; a LayerPlan is a placed layer"),
    ("sim/transport.py", "LANES", "WORD_BYTES: a lane is an image"),
    ("spec/layer.py", "weights", "weight_count: weights are an array"),
    ("train/nets/addressing.py", "weights", "weight_count: weights are an array"),
    ("sim/network*.py", "weights", "mode: weights are an array"),
    ("spec/registers.py", "ADDRESS_BITS", "OFFSET_BITS: the addresses of commands are others"),
)


def identifiers(source):
    """Names, arguments, attributes, keywords, functions and classes of a module, each with a line it stands in."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        for field in ("id", "arg", "attr", "name", "asname"):
            if isinstance(name := getattr(node, field, None), str):
                found.setdefault(name, getattr(node, "lineno", 0))
    return found


def wrong(source, word):
    """Identifiers of ``source`` that hold ``word``; a class name is cut at its capitals, a number is no part of it."""
    whole = re.compile(rf"(?:^|_)(?:{word})\d*(?:_|$)")
    spelled = {name: name if name.isupper() else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
               for name in identifiers(source)}
    return [f"{line}: {name}" for name, line in identifiers(source).items() if whole.search(spelled[name])]


@pytest.mark.parametrize(("rooms", "word", "instead"), OLD_USES, ids=[f"{use[0]}-{use[1]}" for use in OLD_USES])
def test_an_old_use_is_gone(rooms, word, instead):
    files = sorted(ROOT.glob(rooms))
    assert files
    found = [f"{path.relative_to(ROOT)}:{name}" for path in files for name in wrong(path.read_text(), word)]
    assert found == [], instead


@pytest.mark.parametrize(("source", "word", "names"), [
    ("def f(lane): pass", "lanes?", ["1: lane"]),
    ("x = m.submodules.weights_lane2", "lanes?", ["1: weights_lane2"]),
    ("f(lanes=1)", "lanes?", ["1: lanes"]),
    ("from a.exporter import Exporter as E", "exporters?", ["1: Exporter"]),
    ("class MaskExporter: pass", "exporters?", ["1: MaskExporter"]),
    ("import lane.lanes", "parts?", []),
    ("partial, counterpart, apart = planes", "parts?|lanes?", []),
    ("ADDRESS_BITS = 8", "ADDRESS_BITS", ["1: ADDRESS_BITS"]),
    ("PORT_BITS = ADDRESS", "ADDRESS_BITS", []),
    ('"""A lane."""  # of a lane', "lanes?", []),
])
def test_old_uses_are_seen(source, word, names):
    assert wrong(source, word) == names


@pytest.mark.parametrize("room", [room for room in ROOMS if (ROOT / room).is_dir()])
def test_no_class_name_twice_in_a_room(room):
    trees = [ast.parse(path.read_text()) for path in sorted((ROOT / room).rglob("*.py"))]
    names = Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert [name for name, count in names.items() if count > 1 and not name.startswith("_")] == []
