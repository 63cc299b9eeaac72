"""Names that files bring along."""

import pytest

from spec.names import NAME_LENGTH, check_class_names
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
