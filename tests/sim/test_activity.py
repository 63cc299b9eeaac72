"""The command line that simulates gates: what is refused before anything is built."""

import json

import numpy as np
import pytest

from sim import activity
from spec import golden, vectors
from spec.config import config_for
from spec.model import load, save
from spec.refusal import Refused
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network


@pytest.fixture
def words(tmp_path):
    """A call that lacks nothing but images."""
    model = synthetic_model(residual_network("t", image=(4, 4, 1), classes=10, widths=(16,), iterations=(2,)), seed=1)
    files = {"config": json.dumps(config_for(16).to_json()), "netlist": "module foldenite; endmodule\n"}
    given = {name: tmp_path / name for name in files}
    for name, text in files.items():
        given[name].write_text(text)
    given |= {"saif": tmp_path / "a.saif", "out": tmp_path / "out"}
    path = save(model, tmp_path / "model.safetensors")
    return [str(path), *(str(word) for name, file in given.items() for word in (f"--{name}", file))]


@pytest.mark.parametrize("name", ["config", "netlist"])
def test_a_missing_file_is_refused(words, tmp_path, name):
    (tmp_path / name).unlink()
    with pytest.raises(Refused, match=f"of option --{name} does not exist; flows.asic writes one"):
        activity.main(words)


@pytest.mark.parametrize("text", ["", "[]", '{"groups": 4}'])
def test_what_is_no_build_is_refused(words, tmp_path, text):
    (tmp_path / "config").write_text(text)
    with pytest.raises(Refused, match="of option --config is no build"):
        activity.main(words)


def test_what_is_no_text_is_no_netlist(words, tmp_path):
    model = load(tmp_path / "model.safetensors")
    images = random_images(model.network, 1, 1)
    given = vectors.Vectors(images, np.zeros(1), golden.run(model, images))
    vectors.save(tmp_path / "model.vectors.safetensors", model, given)
    (tmp_path / "netlist").write_bytes(b"module \xff")
    with pytest.raises(Refused, match=r"of option --netlist is no Verilog; flows\.asic writes one"):
        activity.main(words)
    assert not (tmp_path / "out").exists()


def test_a_model_without_images_is_refused(words, tmp_path):
    with pytest.raises(Refused, match=r"model\.vectors\.safetensors does not exist"):
        activity.main(words)
    assert not (tmp_path / "out").exists()
