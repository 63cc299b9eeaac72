"""The list of whole networks: what it means, what it refuses; `sim/test_networks.py` runs one."""

import pytest

from sim import fuzz, networks
from sim.network_list import read_list
from spec.model import save
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import resnet, rpg

ENTRY = """
[[run]]
network = "resnet18"
image = 32
folded = [3]
width = 8
pe = [16, 64]
goal = { any = 0.5, 1of4 = 2.0 }
"""


def written(tmp_path, text):
    path = tmp_path / "list.toml"
    path.write_text(text)
    return path


def test_an_entry_is_a_run_per_mode_and_size(tmp_path):
    runs = read_list(written(tmp_path, ENTRY))
    assert [run.name for run in runs] == [
        "hf-resnet18-32-w8-any-pe16", "hf-resnet18-32-w8-any-pe64",
        "hf-resnet18-32-w8-1of4-pe16", "hf-resnet18-32-w8-1of4-pe64",
    ]
    assert [(run.mode, run.goal) for run in runs[1:3]] == [(Mode.ANY, 0.5), (Mode.ONE_OF_FOUR, 2.0)]
    assert runs[0].network.stem.width == 8
    assert runs[0].network.classes == 100
    assert runs[0].effort > runs[2].effort


def test_an_entry_may_be_a_trained_model(tmp_path):
    save(synthetic_model(rpg(resnet(18, width=8, image=32), words=40, planes=2), 1), tmp_path / "mine.safetensors")
    path = written(tmp_path, ENTRY + '[[run]]\nmodel = "mine.safetensors"\npe = [64]\ngoal = 0.1\n')
    run = read_list(path)[-1]
    assert (run.name, run.mode, run.model) == ("mine-pe64", "ring", tmp_path / "mine.safetensors")
    assert run.network.rings


def test_every_model_of_the_zoo_is_in_the_list():
    listed = {run.model for run in read_list(networks.default_list()) if run.model}
    zoo = {path for path in (networks.default_list().parents[1] / "zoo").glob("*.safetensors") if "." not in path.stem}
    assert listed == zoo


def test_the_list_of_the_paper_has_every_size_and_mode():
    runs = read_list(networks.default_list())
    assert {(run.mode, run.pe) for run in runs if run.network.name == "hf-resnet50-32"} == {
        (mode, pe) for mode in Mode for pe in (16, 64, 256, 1024, 4096)
        if mode is not Mode.AT_MOST_ONE  # whose cycles are those of 1of4
    }
    assert {run.pe for run in runs if run.network.name == "hf-resnet18-32"} == {16, 64, 256, 1024, 4096}
    assert any(run.network.image == (224, 224, 3) and run.pe >= 1024 for run in runs)


@pytest.mark.parametrize(("text", "sentence"), [
    ("[[run", "is no TOML"),
    ("a = 1", "is no TOML file with"),
    (ENTRY.replace("pe =", "pes ="), "must have the keys"),
    (ENTRY.replace("1of4", "3of4"), "has mode '3of4'; the modes are any, 2of4, 1of4"),
    (ENTRY.replace("resnet18", "resnet19"), "There is no network 'resnet19'"),
    (ENTRY.replace("image = 32", "image = 33"), "has image 33; the images are 32, 224"),
    (ENTRY.replace('network = "resnet18"', 'model = "mine"'), "must have the keys model, pe and goal"),
    ('[[run]]\nmodel = "mine"\npe = [64]\ngoal = 0.1', "mine"),
    (ENTRY.replace("[3]", "[5]"), "Folded stages must be some of"),
])
def test_bad_lists_are_refused(tmp_path, text, sentence):
    with pytest.raises(Refused) as refusal:
        read_list(written(tmp_path, text))
    assert sentence in str(refusal.value)


def test_an_unknown_run_and_size_are_refused(tmp_path):
    path = written(tmp_path, ENTRY)
    with pytest.raises(Refused, match="No run has 'resnet50' in its name; the runs are hf-resnet18-32-w8-any-pe16,"):
        networks.main(["--list", str(path), "--only", "resnet50", "--out", str(tmp_path)])
    path = written(tmp_path, ENTRY.replace("64]", "63]"))
    with pytest.raises(Refused, match="no named shape of 63 PEs"):
        networks.main(["--list", str(path), "--out", str(tmp_path)])
    with pytest.raises(Refused, match="nowhere"):
        networks.main(["--list", str(tmp_path / "nowhere.toml")])


def test_rounds_draw_the_same_whatever_else_runs():
    few, many = fuzz.rounds(7, seed=3), fuzz.rounds(61, seed=3)
    assert sum(this.networks for this in few) == 7
    assert sum(this.networks for this in many) == 61
    assert [(this.config, this.seed) for this in few] == [(this.config, this.seed) for this in many[: len(few)]]
    assert len({this.seed for this in many}) == len(many)
    assert len({this.config for this in many}) > 1
    assert fuzz.rounds(7, seed=4) != few


@pytest.mark.parametrize(("options", "sentence"), [
    (["--networks", "0"], "--networks must be from 1 to"),
    (["--networks", "5", "--only", "9.9"], "There is no round 9.9; they are 0.0 to 0.0"),
])
def test_impossible_rounds_are_refused(options, sentence):
    with pytest.raises(Refused, match=sentence):
        fuzz.main(options)
