"""What switches in an inference; the accelerator's own Verilog stands for gates, which take minutes to compile."""

import json
import re

import numpy as np
import pytest

from gen.verilog import accelerator_verilog
from sim import activity
from spec import golden, vectors
from spec.config import config_for
from spec.model import save
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

pytestmark = pytest.mark.slow  # for the compiler: a simulation of a kind of its own

MODES = (Mode.TWO_OF_FOUR,)
CONFIG = config_for(16, modes=MODES)
NETWORK = residual_network("tiny", image=(4, 4, 1), classes=3, widths=(8,), iterations=(2,), mode=MODES[0])


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """Folder of a call, its options, and the logits of the image that it is about."""
    folder = tmp_path_factory.mktemp("activity")
    model = synthetic_model(NETWORK, seed=1)
    path = save(model, folder / "tiny.safetensors")
    images = np.random.default_rng(1).integers(0, 256, (2, 4, 4, 1), np.uint8)
    trace = golden.run(model, images)
    vectors.save(folder / "tiny.vectors.safetensors", model, vectors.Vectors(images, np.zeros(2), trace))
    (folder / "netlist.v").write_text(accelerator_verilog(CONFIG))
    (folder / "config.json").write_text(json.dumps(CONFIG.to_json()))
    options = {
        "config": folder / "config.json", "netlist": folder / "netlist.v", "saif": folder / "activity.saif",
        "image": 1, "out": folder / "out",
    }
    words = [str(path), *(str(word) for name, value in options.items() for word in (f"--{name}", value))]
    return folder, words, trace.logits[1:].tolist()


def test_activity_is_of_one_inference_whose_logits_are_right(call):
    folder, words, logits = call
    assert activity.main(words) == 0
    record = json.loads((folder / "out" / "activity.json").read_text())
    assert record["logits"] == record["logits_expected"] == logits
    assert record["cycles_of_inference"] == record["cycles_predicted"] < record["cycles_recorded"]
    clocks = re.findall(r"\(a?clk .*\(TC (\d+)\)", (folder / "activity.saif").read_text())
    assert clocks
    assert all(abs(int(toggles) - 2 * record["cycles_recorded"]) <= 1 for toggles in clocks)


def test_gates_of_another_build_are_told(call, capsys):
    folder, words, _ = call
    other = config_for(16, modes=MODES, psum_depth=CONFIG.psum_depth * 2)
    (folder / "config.json").write_text(json.dumps(other.to_json()))
    assert activity.main(words) == 1
    (folder / "config.json").write_text(json.dumps(CONFIG.to_json()))
    assert "simulation failed" in capsys.readouterr().out


def test_gates_that_compute_something_else_are_told(call, capsys):
    folder, words, _ = call
    declared, driven = "wire [31:0] m_axis_tdata;", "{ m_axis_tlast, m_axis_tdata })"
    text = accelerator_verilog(CONFIG)
    assert text.count(declared) == text.count(driven) == 1
    wrong = text.replace(declared, f"{declared}\n  wire [31:0] right;\n  assign m_axis_tdata = right ^ 32'd2;")
    wrong = wrong.replace(driven, "{ m_axis_tlast, right })")
    (folder / "netlist.v").write_text(wrong)
    assert activity.main(words) == 1
    assert "MISMATCH: logits" in capsys.readouterr().out
