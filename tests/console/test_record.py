"""Every JSON result has the same envelope."""

import json

import pytest

from console.record import enveloped, json_text, write_json


def test_the_version_comes_first():
    assert list(enveloped({"rows": []}, 3)) == ["schema_version", "rows"]
    assert enveloped({})["schema_version"] == 1


@pytest.mark.parametrize("data", [{}, {"rows": [1, 2]}, {"nested": {"a": None}}])
def test_text_and_file_are_the_same(tmp_path, data):
    path = write_json(tmp_path / "made" / "f.json", data, 2)
    assert path.read_text() == json_text(data, 2)
    assert json.loads(path.read_text()) == {"schema_version": 2} | data
    assert path.read_text().endswith("}\n")
