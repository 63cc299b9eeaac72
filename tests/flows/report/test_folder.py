"""What a build folder and its results may be, and what is refused."""

import json

import pytest

from flows.report.__main__ import main
from flows.report.folder import read_results
from spec.config import config_for
from spec.refusal import Refused

NOTHING = dict.fromkeys(["simulation", "layers", "synthesis", "energy", "waves"])


def test_a_build_alone_has_predictions(folder, config):
    results = read_results(folder, NOTHING)
    cycles = json.loads((folder / "cycles.json").read_text())
    assert results.config == config
    assert results.model.hash == cycles["model_hash"]
    assert results.layers["totals"]["cycles_predicted"] == cycles["total_cycles"]
    assert results.layers["totals"]["cycles_measured"] is None
    assert results.simulation is results.synthesis is results.energy is results.waves is None


def test_results_of_something_else_are_refused(folder, tmp_path, put):
    with pytest.raises(Refused, match="is no build; write one with python"):
        main([str(tmp_path)])
    other = put(tmp_path / "synth.json", {"config": config_for(64).to_json()})
    with pytest.raises(Refused, match="is of another build"):
        main([str(folder), "--synthesis", str(other)])
    with pytest.raises(Refused, match="There are no results"):
        main([str(folder), "--simulation", str(tmp_path / "nowhere")])
    put(tmp_path / "sim" / "layers.json", {"network": "yours", "config": {"hash": "0"}})
    put(tmp_path / "sim" / "report.json", {})
    with pytest.raises(Refused, match="is of yours on build 0, not of mine on"):
        main([str(folder), "--simulation", str(tmp_path / "sim")])
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(Refused, match="is damaged: it is not JSON"):
        main([str(folder), "--energy", str(tmp_path / "bad.json")])
    (folder / "model.safetensors").unlink()
    with pytest.raises(Refused, match="has no model; give"):
        main([str(folder)])
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize("kind", ["synthesis", "energy", "waves"])
@pytest.mark.parametrize("record", [[], 3, {"config": 3}, {"signals": 1}, {"text": "x", "caveat": "x"}])
def test_results_of_another_shape_are_refused(folder, tmp_path, put, kind, record):
    other = put(tmp_path / "other.json", record)
    with pytest.raises(Refused, match=r"^File .*other.json:.*; make the file again$"):
        read_results(folder, NOTHING | {kind: other})
