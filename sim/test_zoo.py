"""Every model of the zoo through the Verilog, all stored values compared with the golden model and PyTorch."""

import json
from pathlib import Path

import pytest

from sim import networks
from spec.model import load

ZOO = Path(__file__).parents[1] / "zoo"


MODELS = sorted(path for path in ZOO.glob("*.safetensors") if "." not in path.stem)

#: A quick one: others are of the same network in another mode, or larger; the rings', on a build of their own. That of
#: the digits is in the demo.
QUICK = [path for path in MODELS if path.stem == "fashion-1of4"]


@pytest.mark.parametrize("models", [
    QUICK, pytest.param([path for path in MODELS if path not in QUICK], marks=pytest.mark.slow)
], ids=["quick", "slower"])
def test_trained_models_are_bit_exact(models, tmp_path, capsys):
    """Rows are kept: a second call runs nothing and prints the same."""
    assert models
    path = tmp_path / "zoo.toml"
    path.write_text("".join(f'[[run]]\nmodel = "{model}"\npe = [64]\ngoal = 0.1\n' for model in models))
    options = ["--list", str(path), "--out", str(tmp_path), "--json"]
    assert networks.main(options) == 0
    first = capsys.readouterr().out
    rows = json.loads(first)["rows"]
    assert [row["network"] for row in rows] == [model.stem for model in models]
    for row, model in zip(rows, models, strict=True):
        network = load(model).network
        stored = sum(step.layer.positions * step.layer.outputs for step in network.steps[:-1])
        head = network.layers[-1].positions * network.classes if network.head.stored else network.classes
        assert row["mismatches"] == 0
        assert row["values_compared"] == 2 * (stored + 2 * head)  # Two references, and two programs that send it.
        assert row["cycles_per_image_measured"] == row["cycles_per_image_predicted"]
    assert networks.main(options) == 0
    assert capsys.readouterr().out == first
