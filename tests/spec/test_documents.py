"""JSON and TOML from outside are read within limits, or refused in a sentence."""

import json

import pytest

from spec.budgets import NESTING, Budget
from spec.documents import check_document, parse_json, read_json, read_toml
from spec.refusal import Refused


def nested(depth):
    return "[" * depth + "]" * depth


def test_what_is_within_the_limits_is_read(tmp_path):
    value = {"a": [1, -0.5, None, True, "größe\ttab\n"], "b": {"c": (1 << 64) - 1, "d": -(1 << 63)}}
    path = tmp_path / "f"
    path.write_text(json.dumps(value))
    assert read_json(path, "File", "mend it") == parse_json(path.read_text(), "File", "mend it") == value
    assert parse_json(nested(NESTING), "File", "mend it")
    path.write_text("[a]\nb = [1, 2]\nc.d = 'x'\n")
    assert read_toml(path, "File", "mend it") == {"a": {"b": [1, 2], "c": {"d": "x"}}}


@pytest.mark.parametrize(("text", "message"), [
    ("", "is damaged: it is not JSON"), ("{", "is damaged"), ("9" * 5000, "is damaged: it is not JSON"),
    (nested(NESTING + 1), f"nests more than {NESTING} deep"), (nested(990), "is damaged|nests more than"),
    (nested(100_000), "is damaged|nests more than"), ('{"a":' * 40 + "1" + "}" * 40, "nests more than"),
    ("[1, NaN]", "has a number that is not finite"), ("1e400", "has a number that is not finite"),
    ("[-Infinity]", "not finite"), (str(1 << 64), "has an integer beyond 64 bits"), (str(-(10**400)), "beyond 64 bits"),
    (r'"\u001b[31m"', r"control character U\+001B"), (r'{"\ud800": 1}', r"control character U\+D800"),
    (r'["\u202e"]', r"control character U\+202E"), (r'["a\u0000"]', r"control character U\+0000"),
])
def test_json_beyond_them_is_refused(text, message):
    with pytest.raises(Refused, match=rf"^It .*({message}).*; mend it$"):
        parse_json(text, "It", "mend it")


def test_a_long_text_is_not_parsed():
    with pytest.raises(Refused, match="bytes of text, more than the"):
        parse_json("[" + "0," * Budget.TEXT.most + "0]", "It", "mend it")


@pytest.mark.parametrize(("content", "message"), [
    (b"\xff\xfe[a]", "is not UTF-8 at byte 0"), (b"a = ", "is no TOML"), (b"a = " + b"[" * 5000, "is no TOML|nests"),
    (b"a = " + b"[" * 40 + b"]" * 40, "nests more than"),
    (b".".join(b"a" for _ in range(50_000)) + b" = 1", "more than 256 dots"),
    (b".".join(b"a" for _ in range(60)) + b" = 1", "nests more than"), (b"a = nan", "not finite"),
    (b"a = 99999999999999999999999", "beyond 64 bits"), (b'a = "\\u009b"', r"control character U\+009B"),
])
def test_toml_beyond_them_is_refused(tmp_path, content, message):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(Refused, match=rf"^It .*f .*({message}).*; mend it$"):
        read_toml(tmp_path / "f", "It", "mend it")


def test_values_of_python_are_checked_likewise():
    check_document({"a": (1, [2.5, "x"])}, "It", "mend it")
    with pytest.raises(Refused, match="not finite"):
        check_document({"a": (1, [float("nan")])}, "It", "mend it")
