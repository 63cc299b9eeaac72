"""Sign bits per cycle and LUT, from synthesis records written by hand."""

import argparse
import json

import pytest

from flows.bench import signs
from spec.config import config_for
from spec.refusal import Refused


def record(pe, luts):
    return {
        "config": config_for(pe).to_json(), "target": "ecp5",
        "synthesis": {"tool": "Yosys", "version": "1", "stage": "synthesis",
                      "components": {"weights.signs": {"lut": luts}, "lane.array": {"lut": 999}}},
    }


@pytest.mark.parametrize(("pe", "bits"), [(16, 16), (64, 16), (256, 2 * 32), (1024, 4 * 64)])
def test_a_fetch_is_the_signs_of_some_rows_of_a_word(pe, bits):
    row = signs.sign_row(record(pe, 400))
    assert (row["pe"], row["sign_bits_per_cycle"], row["luts"]) == (pe, bits, 400)
    assert row["sign_bits_per_cycle_and_lut"] == bits / 400


def test_given_syntheses_are_read(tmp_path):
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    for path, luts in zip(paths, (100, 200), strict=True):
        path.write_text(json.dumps(record(16, luts)))
    arguments = argparse.Namespace(synthesis=paths, out=tmp_path)
    assert [row["luts"] for row in signs.measure(arguments)["rows"]] == [100, 200]
    before = signs.inputs(arguments)
    paths[1].write_text(json.dumps(record(16, 300)))
    assert signs.inputs(arguments) != before


@pytest.mark.parametrize(("text", "sentence"), [
    ("{", r"a\.json is damaged: it is not JSON"), ("[" * 100_000, r"a\.json is damaged: it is not JSON"),
    ("{}", r"a\.json is no synthesis by flows\.synth"),
    (json.dumps(record(16, 1) | {"synthesis": {}}), r"a\.json is no synthesis by flows\.synth"),
])
def test_other_files_are_refused(text, sentence, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(Refused, match=sentence):
        signs.measure(argparse.Namespace(synthesis=[tmp_path / "a.json"], out=tmp_path))
