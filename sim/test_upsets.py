"""Bits that flip in the memories of a simulated accelerator: with protection none of the model's does harm."""

import json

import pytest

from sim import upsets
from spec.model import save
from spec.network import Network
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network, rpg

DECIDING = ("program", "mask", "entries", "ring")


def network_with_a_ring() -> Network:
    """Layers that draw from a ring and layers with masks, so that every memory is there."""
    plain = residual_network("t", image=(5, 4, 1), classes=3, widths=(8,), iterations=(2,), mode=Mode.ONE_OF_FOUR)
    return rpg(plain, words=23, planes=2)


@pytest.fixture(scope="module")
def flipped(tmp_path_factory):
    """``flipped(protect)``: the exit code and the record of a run of 56 flips."""
    folder = tmp_path_factory.mktemp("upsets")
    path = save(synthetic_model(network_with_a_ring(), seed=1), folder / "t.safetensors")

    def run(protect):
        out = folder / protect
        options = ["--flips", "56", "--rates", "2", "--served", "6", "--protect", protect, "--out", str(out)]
        return upsets.main([str(path), *options]), json.loads((out / "upsets.json").read_text())

    return run


def test_a_protected_build_notices_what_could_do_harm(flipped):
    code, record = flipped("parity")
    assert code == 0
    assert set(record["memories"]) == {"program", "mask", "entries", "ring", "x", "t", "psum"}
    for memory, counts in record["memories"].items():
        assert sum(counts.values()) == 8
        if memory in DECIDING:
            assert counts["wrong"] == 0, memory
            # Commands are read early and once: most flips of the program come too late to matter.
            assert counts["detected"] > 0 or memory == "program", memory
        else:
            assert counts["detected"] == 0, memory
    off, on = record["curve"]
    assert (off["protect"], on["protect"]) == ("none", "parity")
    assert on["same_decision"] == 1.0
    assert on["repeated"] > off["repeated"]


def test_a_build_without_protection_gives_wrong_results(flipped):
    code, record = flipped("none")
    assert code == 0
    assert sum(record["memories"][memory]["wrong"] for memory in DECIDING) > 0
    assert "MEMORY" not in record["errors"]


def test_memories_are_as_large_as_one_says(tmp_path):
    """Nobody asked for --fit, which would contradict it."""
    path = save(synthetic_model(network_with_a_ring(), seed=1), tmp_path / "t.safetensors")
    with pytest.raises(Refused, match=r"more than the 16 there are; build with --ring-words 48"):
        upsets.main([str(path), "--ring-words", "16", "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()
