"""Tables of estimates in silicon: what is kept of them, and that each build is there once."""

import json

import pytest

from flows.tables import __main__ as tables
from spec.refusal import Refused


def tree(tmp_path, readme=""):
    (tmp_path / "docs" / "results").mkdir(parents=True)
    (tmp_path / "docs" / "design").mkdir()
    for page in tables.PAGES:
        (tmp_path / page).write_text(readme if page == "README.md" else "")
    return ["--root", str(tmp_path)]


def estimate(model, pe, total):
    energy = {
        "total_uj_per_image": total, "split_uj_per_image": {"clock": 0.25 * total, "PE array": 0.75 * total},
        "tops_per_w_dense_equivalent": 4 / total, "tops_per_w_useful": 1 / total, "cycles": 7,
    }
    return {
        "model": model, "model_sha256": "00", "pe": pe, "config": {}, "node_nm": 45.0, "clock_ns": 2.0,
        "library": "cells", "logic_um2": 1000.0 * pe, "memory_um2": 2e6, "energy": energy, "parts": {},
    }


def test_estimates_are_gathered_and_one_of_the_same_build_is_replaced(tmp_path):
    options = tree(tmp_path, "<!-- table asic -->\n<!-- end -->\n<!-- table energy -->\n<!-- end -->\n")
    for number, record in enumerate([estimate("b", 64, 9.0), estimate("b", 16, 2.0), estimate("b", 64, 4.0)]):
        path = tmp_path / str(number) / "asic.json"
        path.parent.mkdir()
        path.write_text(json.dumps(record))
        assert tables.main([*options, "--take", str(path)]) == 0
    lines = (tmp_path / "README.md").read_text().splitlines()
    assert lines[3:5] == [
        "| **estimate**: `b`, 16 PEs | 45 nm | 2.00 | 0.50 | 2.00 | 0.016 + 2.000 |",
        "| **estimate**: `b`, 64 PEs | 45 nm | 1.00 | 0.25 | 4.00 | 0.064 + 2.000 |",
    ]
    assert lines[5].startswith("| Hiddenite, CIFAR-100 (chip; hidden network, 4096 PEs) | 40 nm | 34.8 |")
    assert lines[-5:-1] == [
        "| part | `b`, 16 PEs: µJ (share) | `b`, 64 PEs: µJ (share) |",
        "| --- | ---: | ---: |",
        "| PE array | 1.500 (75%) | 3.000 (75%) |",
        "| clock | 0.500 (25%) | 1.000 (25%) |",
    ]
    kept = json.loads((tmp_path / "docs" / "results" / "asic.json").read_text())
    assert "parts" not in kept["builds"][0]


@pytest.mark.parametrize("text", ["", "[]", '{"model": "b"}'])
def test_an_estimate_that_is_none_is_not_taken(tmp_path, text):
    (tmp_path / "asic.json").write_text(text)
    with pytest.raises(Refused, match=r"asic\.json is no estimate by flows\.asic"):
        tables.main([*tree(tmp_path), "--take", str(tmp_path / "asic.json")])
    assert not (tmp_path / "docs" / "results" / "asic.json").exists()
