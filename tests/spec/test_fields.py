"""JSON objects against dataclasses."""

from dataclasses import dataclass

import pytest

from spec.fields import checked
from spec.refusal import Refused


@dataclass
class Thing:
    """One field of every type."""

    count: int
    label: str
    share: float
    on: bool
    parts: tuple


GOOD = {"count": 1, "label": "a", "share": 0.5, "on": True, "parts": [1]}


def test_good_objects_are_copied():
    found = checked(GOOD, Thing, "thing")
    assert found == GOOD
    assert found is not GOOD
    assert checked(GOOD | {"share": 1}, Thing, "thing")["share"] == 1


@pytest.mark.parametrize(("change", "sentence"), [
    ({"count": True}, "Key thing.count must be of type int, not True"),
    ({"count": 1.0}, "Key thing.count must be of type int, not 1.0"),
    ({"label": 1}, "Key thing.label must be of type str, not 1"),
    ({"share": "1"}, "Key thing.share must be of type float, not '1'"),
    ({"share": False}, "Key thing.share must be of type float, not False"),
    ({"on": 1}, "Key thing.on must be of type bool, not 1"),
    ({"more": 1}, "Unknown key thing.more; the keys are .'count', 'label', 'share', 'on', 'parts'."),
])
def test_bad_keys_are_refused_by_name(change, sentence):
    with pytest.raises(Refused, match=sentence):
        checked(GOOD | change, Thing, "thing")


@pytest.mark.parametrize("data", [None, [], "thing", 3])
def test_what_is_no_object_is_refused(data):
    with pytest.raises(Refused, match="Key thing must be an object"):
        checked(data, Thing, "thing")


@pytest.mark.parametrize("key", GOOD)
def test_missing_keys_are_refused(key):
    with pytest.raises(Refused, match=f"Missing key thing.{key}"):
        checked({name: value for name, value in GOOD.items() if name != key}, Thing, "thing")
