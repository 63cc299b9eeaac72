"""Every model of the zoo through the Verilog, all stored values compared with the golden model and PyTorch."""

import json
from pathlib import Path

from sim import networks
from spec.model import load

ZOO = Path(__file__).parents[1] / "zoo"


def test_every_trained_model_is_bit_exact(tmp_path, capsys):
    models = sorted(path for path in ZOO.glob("*.safetensors") if "." not in path.stem)
    assert models
    path = tmp_path / "zoo.toml"
    path.write_text("".join(f'[[run]]\nmodel = "{model}"\npe = [64]\ngoal = 0.1\n' for model in models))
    assert networks.main(["--list", str(path), "--out", str(tmp_path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["network"] for row in rows] == [model.stem for model in models]
    for row, model in zip(rows, models, strict=True):
        network = load(model).network
        stored = sum(step.layer.positions * step.layer.outputs for step in network.steps[:-1])
        assert row["mismatches"] == 0
        assert row["values_compared"] == 2 * (stored + 2 * network.classes)  # Two references, logits of two programs.
        assert row["cycles_per_image_measured"] == row["cycles_per_image_predicted"]
