"""Pictures of one's own through the commands: training, export, judgement, prediction, and a build that holds them."""

import json

import numpy as np
import pytest
from PIL import Image

from gen import check
from spec import model
from spec.refusal import Refused
from train import eval as evaluation
from train import export, fit, predict
from train.loop import checkpoint


@pytest.fixture
def pictures(tmp_path):
    """Forty grey pictures of 12x8 that are light at the top or at the bottom."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(("bottom", "top")):
        (tmp_path / "halves" / name).mkdir(parents=True)
        for i in range(20):
            pixels = rng.integers(0, 60, (12, 8), dtype=np.uint8)
            pixels[6 - 6 * label : 12 - 6 * label] += 150
            Image.fromarray(pixels).save(tmp_path / "halves" / name / f"{i:02}.png")
    return tmp_path / "halves"


def run(command, capsys, *options) -> dict:
    assert command.main([*map(str, options), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_from_pictures_to_a_build(pictures, tmp_path, capsys):
    tiny = ["--recipe", "digits", "--method", "hnn", "--widths", "4,8", "--iterations", "0,0", "--epochs", "6"]
    data = ["--dataset", pictures, "--batch", "8"]
    trained = run(fit, capsys, *tiny, *data, "--out", tmp_path)
    assert trained["held_out_accuracy"] == 1
    path = tmp_path / "m.safetensors"
    facts = run(export, capsys, "--checkpoint", tmp_path / "checkpoint.pt", "--out", path, "--vectors", "2")
    assert facts["class_names"] == ["bottom", "top"]
    assert facts["calibration"]["count"] == 32  # All that there are.
    deployed = model.load(path)
    assert (deployed.network.name, deployed.network.image) == ("halves", (12, 8, 1))
    assert deployed.class_names == ("bottom", "top")
    verdict = run(evaluation, capsys, path)
    assert (verdict["images"], verdict["by_class"]) == (8, {"bottom": 1.0, "top": 1.0})
    assert verdict["accuracy"] == facts["deployed_accuracy"]
    (seen,) = run(predict, capsys, path, pictures / "top" / "03.png")["pictures"]
    assert seen["classes"][0]["name"] == "top"
    assert check.main([str(path), "--pe", "16"]) == 0


def test_pictures_that_are_gone_or_changed(pictures, tmp_path):
    tiny = ["--recipe", "digits", "--method", "hnn", "--widths", "4", "--iterations", "0", "--epochs", "1"]
    fit.main([*tiny, "--dataset", str(pictures), "--batch", "8", "--out", str(tmp_path)])
    arguments = ["--checkpoint", str(tmp_path / "checkpoint.pt"), "--out", str(tmp_path / "m.safetensors")]
    moved = tmp_path / "elsewhere" / "halves"
    moved.parent.mkdir()
    pictures.rename(moved)
    with pytest.raises(Refused, match=r"Unknown dataset .*halves"):
        export.main(arguments)
    Image.fromarray(np.zeros((12, 8), np.uint8)).save(moved / "top" / "03.png")
    with pytest.raises(Refused, match="trained on other images than halves now holds; train it again"):
        export.main([*arguments, "--data", str(moved.parent)])


def test_fewer_pictures_than_a_batch(pictures):
    with pytest.raises(Refused, match="Setting --batch must be from 1 to 32, the training images of halves, not 33"):
        fit.main(["--recipe", "digits", "--dataset", str(pictures), "--batch", "33"])


def test_fewer_pictures_than_the_batch_of_a_recipe(pictures, tmp_path):
    """Nobody asked for 32 at a time, so all there are go at once; with a validation set, all that are left."""
    tiny = ["--recipe", "digits", "--method", "hnn", "--widths", "4", "--iterations", "0", "--epochs", "1"]
    for more, batch in (([], 32), (["--images", "30"], 30), (["--images", "30", "--validation", "0.1"], 27)):
        out = tmp_path / str(batch)
        assert fit.main([*tiny, "--dataset", str(pictures), "--out", str(out), *more]) == 0
        assert checkpoint.load(out / "checkpoint.pt")["settings"]["recipe"]["batch"] == batch
