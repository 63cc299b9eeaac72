"""Settings: what fields say becomes options, help and refusals."""

import dataclasses
import enum
import re
from dataclasses import MISSING, dataclass

import pytest

from console.command import CommandParser, Named, Number, Several, Whole
from console.settings import add_settings, check_settings, given_settings, set_usual, setting
from spec.refusal import Refused


class Color(enum.StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Things:
    count: int = setting(MISSING, "how many", Whole(1, 9))
    share: float = setting(0.5, "how much", Number(above=0, most=1))
    sizes: tuple[int, ...] = setting((2, 3), "how large", Several(Whole(1)))
    weights: dict = setting(dict, "how heavy", Named(Number(least=0)), option="heavy")
    color: Color = setting(Color.RED, "of what color", Color)
    kind: str = setting("a", "of what kind", ("a", "b"), shown="the first")
    name: str = setting("x", "called what", str)
    whole: bool = setting(True, "whether whole", bool)
    other: object = None

    def __post_init__(self):
        check_settings(self)


def parser(**more):
    made = CommandParser(prog="things")
    add_settings(made, Things, **more)
    return made


def test_what_is_not_given_leaves_no_trace():
    assert given_settings(parser().parse_args([]), Things) == {}


def test_every_setting_is_an_option():
    words = "--count 3 --share 1 --sizes 4,5 --heavy a=1,b=2 --color blue --kind b --name y --no-whole"
    given = given_settings(parser().parse_args(words.split()), Things)
    assert Things(**given) == Things(3, 1.0, (4, 5), {"a": 1.0, "b": 2.0}, Color.BLUE, "b", "y", False)
    assert isinstance(Things(**given).color, Color)


def test_only_some():
    arguments = parser(only={"count"}).parse_args(["--count", "2"])
    assert given_settings(arguments, Things) == {"count": 2}
    with pytest.raises(Refused, match="Unrecognized arguments: --name y"):
        parser(only={"count"}).parse_args(["--name", "y"])


def test_help_has_meaning_default_and_range():
    text = re.sub(r"\s+", " ", parser().format_help())
    for words in (
        "how many [1 to 9]", "how much (default 0.5) [more than 0 and at most 1]",
        "how large (default 2,3) [1 or more each]", "how heavy [at least 0 each]",
        "{red,blue} of what color (default red)", "{a,b} of what kind (default the first)",
        "called what (default x)", "whether whole (default yes)",
    ):
        assert words in text


def test_a_command_can_have_defaults_of_its_own():
    made = parser()
    set_usual(made, share=0.25)
    assert given_settings(made.parse_args([]), Things) == {"share": 0.25}
    assert "how much (default 0.25)" in re.sub(r"\s+", " ", made.format_help())


@pytest.mark.parametrize(("change", "sentence"), [
    ({"count": 0}, "Setting --count must be from 1 to 9, not 0"),
    ({"count": 2.5}, "Setting --count must be a whole number, not '2.5'"),
    ({"count": True}, "Setting --count must be a number, not True"),
    ({"share": "half"}, "Setting --share must be a number, not 'half'"),
    ({"share": float("nan")}, "Setting --share must be more than 0 and at most 1, not nan"),
    ({"sizes": (1, 0)}, "Setting --sizes must be at least 1, not 0"),
    ({"sizes": 3}, "Setting --sizes must be several in a row, not 3"),
    ({"weights": {"a": -1}}, "Setting --heavy must be at least 0, not -1"),
    ({"weights": 1}, "Setting --heavy must be values by name, not 1"),
    ({"color": "green"}, "Setting --color must be one of red, blue, not 'green'"),
    ({"kind": "c"}, "Setting --kind must be one of a, b, not 'c'"),
    ({"name": 1}, "Setting --name must be text, not 1"),
    ({"whole": 1}, "Setting --whole must be true or false, not 1"),
])
def test_impossible_values_are_refused(change, sentence):
    with pytest.raises(Refused, match=re.escape(sentence)):
        dataclasses.replace(Things(1), **change)
