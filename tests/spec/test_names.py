"""Names that files bring along."""

import pytest

from spec.names import NAME_LENGTH, check_class_names, check_name, check_text, name_from
from spec.refusal import Refused


def test_names_that_print():
    names = ["T-shirt/top", "[/b]", "Größe 3", "x" * NAME_LENGTH]
    assert check_class_names(names, "t") == tuple(names)
    assert check_class_names((), "t") == ()


@pytest.mark.parametrize(("names", "message"), [
    ("ant", "Class names of t must be a list of texts"),
    ({"ant": 1}, "must be a list of texts"),
    (["ant", 3], "Class name 3 of t must be text that can be printed; rename it"),
    (["ant", "\x1b[31m"], r"Class name '\\x1b\[31m' of t must be text"),
    (["ant", "a\nb"], "must be text that can be printed"),
    (["\udc80"], "must be text that can be printed"),
    (["ant", " "], "must be text that can be printed"),
    (["x" * 65], r"'xxxxxxxxxxxxxxxxxxxx'\.\.\. of t must have at most 64 characters, not 65"),
    (["ant", "bee", "ant"], "Class name 'ant' of t must be that of one class"),
])
def test_names_that_do_not(names, message):
    with pytest.raises(Refused, match=message):
        check_class_names(names, "t")


@pytest.mark.parametrize("name", ["a", "0", "hf-resnet18-32", "stage1.fold", "A_b", "x" * NAME_LENGTH])
def test_names_of_the_alphabet(name):
    assert check_name(name, "It") == name
    assert name_from(name, "other") == name


@pytest.mark.parametrize("name", ["", ".", "..", "-x", "_x", "a/b", "a b", "[b]", "\x1b", "\u0663", None, "x" * 65])
def test_names_outside_it(name):
    with pytest.raises(Refused, match=r"^It must have a name of at most 64 letters, digits, .*, not ") as refusal:
        check_name(name, "It")
    assert str(refusal.value).isprintable()
    if isinstance(name, str):
        check_name(name_from(name, "other"), "It")


@pytest.mark.parametrize("text", ["", "[/b] :smile:", "größe", "tab\tline\n"])
def test_texts_are_text(text):
    check_text(text, "It", "mend it")


@pytest.mark.parametrize("code", [0, 7, 0x0D, 0x1B, 0x7F, 0x9B, 0xD800, 0xDFFF, 0x2028, 0x202E, 0x2066])
def test_control_characters_are_not(code):
    with pytest.raises(Refused, match=rf"^It has a text with the control character U\+{code:04X}; mend it$"):
        check_text(f"a{chr(code)}b", "It", "mend it")
