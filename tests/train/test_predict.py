"""What a model file sees in pictures."""

import json

import numpy as np
import pytest
from PIL import Image

from spec import golden, model
from spec.refusal import Refused
from spec.synthetic import synthetic_model
from spec.topologies import residual_network
from train import predict


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A model file for images of 6x4x3 whose four classes have names."""
    network = residual_network("t", image=(6, 4, 3), classes=4, widths=(4,), iterations=(0,))
    made = model.with_provenance(synthetic_model(network, 0), class_names=["ant", "[/b]", "cat", "dog"])
    return model.save(made, tmp_path_factory.mktemp("predict") / "m.safetensors")


@pytest.fixture
def picture(tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (6, 4, 3), dtype=np.uint8)
    path = tmp_path / "p.png"
    Image.fromarray(pixels).save(path)
    return path, pixels


def test_classes_are_the_golden_models(named, picture, capsys):
    path, pixels = picture
    assert predict.main([str(named), str(path), str(path), "--top", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["pictures"]
    (logits,) = golden.run(model.load(named), pixels[None]).logits.tolist()
    names = ["ant", "[/b]", "cat", "dog"]
    expected = sorted(zip(names, logits, strict=True), key=lambda one: -one[1])
    assert [one["picture"] for one in found] == [str(path)] * 2
    assert [(one["name"], one["logit"]) for one in found[1]["classes"]] == expected


def test_table(named, picture, capsys):
    assert predict.main([str(named), str(picture[0]), "--top", "4"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("ant", "[/b]", "cat", "dog"))


def test_other_pictures(named, tmp_path, capsys):
    path = tmp_path / "p.png"
    Image.new("L", (10, 10)).save(path)
    with pytest.raises(Refused, match=r"p\.png is 10x10, not 6x4; give --resize fit or crop"):
        predict.main([str(named), str(path)])
    assert predict.main([str(named), str(path), "--resize", "crop"]) == 0
    path.write_text("no")
    with pytest.raises(Refused, match="it is no picture"):
        predict.main([str(named), str(path)])
