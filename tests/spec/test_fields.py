"""JSON objects against dataclasses."""

import enum
from dataclasses import dataclass

import pytest

from spec.fields import checked, completed, one_of, shortened
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


class Shade(enum.StrEnum):
    """Two values."""

    LIGHT = "light"
    DARK = "dark"


def test_a_name_becomes_a_member_or_is_refused_by_its_key():
    assert one_of(Shade, "dark", "thing.shade") is Shade.DARK
    with pytest.raises(Refused, match=r"Key thing.shade must be one of .'light', 'dark'., not \['dark'\]"):
        one_of(Shade, ["dark"], "thing.shade")


def test_what_keys_meant_before_there_was_a_choice():
    before = {"shade": "light"}
    assert completed({"size": 1}, before) == {"size": 1, "shade": "light"}
    assert shortened({"size": 1, "shade": "light"}, before) == {"size": 1}
    assert shortened(completed({"shade": "dark"}, before), before) == {"shade": "dark"}
    assert completed(["size"], before) == ["size"]
