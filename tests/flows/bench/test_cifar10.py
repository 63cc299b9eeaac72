"""CIFAR-10 beside others, from synthesis and energy records written by hand."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from flows.bench import cifar10
from flows.synth.__main__ import parser
from gen.compile import compile_model
from gen.cycles import predict
from gen.options import config_from
from gen.sizing import fitted
from spec.config import config_for
from spec.model import load, save, with_provenance
from spec.refusal import Refused
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

NETWORK = residual_network("net", image=(8, 8, 3), classes=10, widths=(16, 32), iterations=(1, 0))
ZOO_DATA = next(iter(cifar10.DATA))
MODEL = with_provenance(
    synthetic_model(NETWORK, seed=1), dataset="cifar10", dataset_sha256=ZOO_DATA, deployed_accuracy=0.85
)


def cifar10_row(model, *records):
    return cifar10.cifar10_row("small", model, *records)


def build(lanes=1, **shape):
    return config_for(64 * lanes, **{"groups": 4, "rows": 16, "lanes": lanes} | shape)


def record(lanes=1, lut=20_000, mhz=100.0):
    resources = {"lut": lut, "ff": 7, "bram": 8, "dsp": 9}
    route = {"tool": "nextpnr", "version": "1", "seed": 3, "stage": "routed", "fmax_mhz": mhz}
    return {
        "config": fitted(build(lanes), NETWORK).to_json(), "part": "LFE5U", "route": route,
        "synthesis": {"resources": {kind: {"used": used} for kind, used in resources.items()}},
    }


def energy(model=MODEL, **shape):
    return {
        "model_sha256": model.hash, "config": build(**shape).to_json() | {"hash": "0"},
        "energy": {"total_uj_per_image": 23.5},
    }


def written(folder, name, data):
    path = folder / name
    path.write_text(json.dumps(data))
    return path


def arguments(folder, model=MODEL, routed=(), energies=()):
    return argparse.Namespace(model=save(model, folder / "net.safetensors"), routed=routed, energy=energies)


def test_a_row_is_at_the_routed_clock_and_of_all_lanes():
    one, four = cifar10_row(MODEL, record()), cifar10_row(MODEL, record(lanes=4))
    cycles = predict(compile_model(MODEL, fitted(config_for(64), NETWORK))).total
    assert (one["system"], four["system"]) == ("ours: small, 64 PEs", "ours: small, 256 PEs")
    assert (one["cycles_per_image"], one["images_per_s"]) == (cycles, 100e6 / cycles)
    assert (one["top1"], one["lut"], one["ff"], one["bram"], one["dsp"], one["mhz"]) == (85.0, 20_000, 7, 8, 9, 100.0)
    macs = sum(step.layer.macs for step in NETWORK.steps)
    assert one["mac_per_cycle_per_lut"] == pytest.approx(macs / cycles / 20_000)
    assert 3.8 < four["images_per_s"] / one["images_per_s"] <= 4
    assert 3.8 < four["mac_per_cycle"] / one["mac_per_cycle"] <= 4


def test_data_sets_are_told_apart():
    assert cifar10_row(MODEL, record())["data"] == "CIFAR-10 (JPEG q75 copy)"
    other = with_provenance(MODEL, dataset_sha256="ab" * 32)
    assert cifar10_row(other, record())["data"] == "CIFAR-10 (SHA-256 abababab)"
    assert {row["data"] for row in cifar10.other_rows()} == {"CIFAR-10"}
    assert load(Path(__file__).parents[3] / cifar10._MODEL).provenance["dataset_sha256"] == ZOO_DATA


def test_energy_is_of_the_same_model_and_shape():
    other = with_provenance(synthetic_model(NETWORK, seed=2), dataset="cifar10", deployed_accuracy=0.85)
    wrong = [energy(other), energy(groups=8, rows=8), energy(lanes=2)]
    assert cifar10_row(MODEL, record(), wrong)["uj_per_image"] is None
    assert cifar10_row(MODEL, record(), [*wrong, energy()])["uj_per_image"] == 23.5


@pytest.mark.parametrize(("changed", "met"), [
    ({}, True), ({"images_per_s": 2430.9}, False), ({"top1": 84.99}, False), ({"lut": 25_001}, False),
])
def test_the_goal_is_all_three_on_one_build(changed, met):
    row = cifar10_row(MODEL, record()) | {"images_per_s": 2431.0, "top1": 85.0, "lut": 25_000} | changed
    assert cifar10.meets(row) is met
    data = {"rows": [row, row | {"top1": 10.0}], "others": cifar10.other_rows()}
    assert cifar10.failed(data) is not met
    reached, taken = cifar10.tables(data)
    assert reached.row_count == 2 + len(cifar10.other_rows())
    assert taken.row_count == 2 + sum(other["lut"] is not None for other in cifar10.other_rows())
    assert f"in at most 25,000 LUTs: {'met' if met else 'missed'};" in reached.caption


def test_few_images_are_not_rounded_to_whole_ones():
    assert [cifar10.rate(images) for images in (5.5, 99.96, 2431.4)] == ["5.5", "100.0", "2,431"]


def test_a_measurement_is_of_what_was_routed(tmp_path):
    routed = [written(tmp_path, f"{lanes}.json", record(lanes)) for lanes in (1, 2)]
    given = arguments(tmp_path, routed=routed, energies=[written(tmp_path, "asic.json", energy(lanes=2))])
    cifar10.check(given)
    data = cifar10.measure(given)
    assert [row["uj_per_image"] for row in data["rows"]] == [None, 23.5]
    assert data["others"] == cifar10.other_rows()
    before = cifar10.inputs(given)
    written(tmp_path, "1.json", record(1, mhz=99.0))
    assert cifar10.inputs(given) != before


def test_the_build_that_is_routed_if_none_is_given_just_holds_the_model():
    arguments = parser().parse_args([*cifar10.build_options(MODEL), *cifar10.ROUTE])
    assert arguments.route is True
    config = config_from(arguments)
    assert (config.groups, config.rows, config.lanes) == (16, 16, 1)
    assert fitted(config, NETWORK) == config


@pytest.mark.parametrize(("change", "message"), [
    ({"route": None}, r"^The synthesis of 64 PEs was not routed; run python -m flows.synth with --route$"),
    ({"config": build(mask_bits=1024).to_json()}, "mask"),
    ({"synthesis": {}}, r"^File .*synth.json is not by flows.synth \(KeyError"),
])
def test_syntheses_that_say_too_little_are_refused(change, message, tmp_path):
    with pytest.raises(Refused, match=message):
        cifar10.check(arguments(tmp_path, routed=[written(tmp_path, "synth.json", record() | change)]))


def test_files_that_are_something_else_are_refused(tmp_path):
    with pytest.raises(Refused, match=r"^File nowhere.json does not exist; python -m flows.synth makes one$"):
        cifar10.check(arguments(tmp_path, routed=[Path("nowhere.json")]))
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(Refused, match=r"^File .*deep.json is damaged: it is not JSON"):
        cifar10.check(arguments(tmp_path, routed=[tmp_path / "deep.json"]))
    routed = [written(tmp_path, "synth.json", record())]
    foreign = (energy(lanes=2), "is of another model or shape"), ({"pe": 1}, "is not by flows.asic")
    for data, message in foreign:
        given = arguments(tmp_path, routed=routed, energies=[written(tmp_path, "asic.json", data)])
        with pytest.raises(Refused, match=message):
            cifar10.check(given)
    for provenance in ({"dataset": "digits", "deployed_accuracy": 1.0}, {"dataset": "cifar10"}):
        with pytest.raises(Refused, match="does not say what it reached on cifar10"):
            cifar10.check(arguments(tmp_path, replace(MODEL, provenance=provenance)))
