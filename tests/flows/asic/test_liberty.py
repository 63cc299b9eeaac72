"""Liberty files as text."""

import pytest

from flows.asic.liberty import parse
from spec.refusal import Refused


def test_attributes_may_repeat_and_spread_over_lines():
    group = parse('library (x) { a : 1 ; a : "2,3"; b (4, \\\n 5); t (n) { v ("6,7", "8"); } }', "x.lib")
    assert group.attributes == {"a": ["1", "2,3"], "b": ["4,   5"]}
    assert group.of("t")[0].numbers("v") == [6, 7, 8]


@pytest.mark.parametrize(("text", "message"), [
    ("library (x) { a : 1;", "is cut off"),
    ("library (x) { a : 1; } }", "cannot be read from"),
    ("library (x) { a : 1; ?? }", r"cannot be read from '\?\? }' on"),
    ("module x; endmodule", "cannot be read from"),
    ("cell (x) { a : 1; }", "is no Liberty file: it has no library"),
    ("", "is no Liberty file"),
])
def test_what_is_no_liberty_file_is_refused(text, message):
    with pytest.raises(Refused, match=message):
        parse(text, "x.lib")
