"""The area model: exact where it can be, never negative, and fitted to nothing but runs."""

import json

import numpy as np
import pytest

from flows.sweep import area
from spec.config import AcceleratorConfig
from spec.refusal import Refused


def test_the_area_model_finds_what_is_there(runs, invented):
    fitted_model = area.AreaModel.fitted(area.read_runs(runs))
    assert max(fitted_model.worst.values()) < 1e-6
    other = AcceleratorConfig(groups=8, rows=8, weight_rows=2, x_bytes=4096)
    assert fitted_model.estimate(other) == invented(other)


def test_no_coefficient_is_negative(runs):
    data = json.loads(runs.read_text())
    for run in data["runs"]:
        run["resources"]["lut"] = 5000 - run["config"]["rows"]
    runs.write_text(json.dumps(data))
    fitted_model = area.AreaModel.fitted(area.read_runs(runs))
    assert min(np.min(each) for each in fitted_model.coefficients.values()) >= 0
    assert fitted_model.worst["lut"] > 0


@pytest.mark.parametrize("text", ["{", "{}", '{"runs": [{}]}', '{"runs": [{"config": 1, "resources": {}}]}'])
def test_bad_runs_are_refused(tmp_path, text):
    path = tmp_path / "runs.json"
    path.write_text(text)
    with pytest.raises(Refused):
        area.read_runs(path)
    with pytest.raises(Refused, match=r"nowhere\.json does not exist; flows.synth makes them"):
        area.read_runs(tmp_path / "nowhere.json")
    with pytest.raises(Refused, match="at least two synthesis runs, not 0"):
        area.AreaModel.fitted([])
