"""The command line of synthesis: what is refused, and why, before anything runs or is written."""

from importlib.metadata import PackageNotFoundError

import pytest

from flows.synth import __main__ as synth
from spec.refusal import Refused


@pytest.mark.parametrize(("words", "message"), [
    (["--mhz", "0"], "Option --mhz must be more than 0 and at most"),
    (["--mhz", "nan"], "Option --mhz must be more than 0 and at most"),
    (["--seed", "-1"], "Option --seed must be from 0 to"),
    (["--part", "35F"], "Option --part: ecp5 has no part '35F'; it has 12F, 25F, 45F, 85F"),
    (["--target", "ice40", "--part", "25F"], "Option --part: ice40 has no part '25F'; it has its usual one only"),
    (["--target", "asic", "--part", "25F"], "Option --part: asic has no part '25F'; it has its usual one only"),
    (["--seeds", "0", "--route"], "Option --seeds must be from 1 to 64"),
    (["--seeds", "2"], "Option --seeds says how often to place before routing; give --route"),
    (["--target", "xc7", "--route"], "Option --route is not for xc7"),
    (["--target", "asic", "--route"], "Option --route is not for asic: its area is an estimate"),
    (["--fit"], "Unrecognized arguments: --fit"),
    (["--pe", "17"], "There is no named shape of 17 PEs"),
])
def test_refusals(words, message, tmp_path):
    with pytest.raises(Refused, match=message):
        synth.main([*words, "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("target", ["ecp5", "ice40"])
def test_a_router_that_is_missing_is_named_with_the_command_that_installs_it(target, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(Refused, match=f"needs nextpnr-{target}, .* pip install yowasp-nextpnr-{target}"):
        synth.main(["--target", target, "--route", "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_a_missing_yosys_is_named_with_the_command_that_installs_it(tmp_path, monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    with pytest.raises(Refused, match="needs Yosys, which is not installed: pip install pyosys"):
        synth.main(["--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_way_is_not_touched(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Refused, match="is a file; give a folder with --out"):
        synth.main(["--out", str(tmp_path / "file")])
    assert (tmp_path / "file").read_text() == "mine"


def test_unknown_targets_are_bad_usage():
    with pytest.raises(Refused, match="Option --target must be one of ecp5, ice40, xc7, asic, not 'stratix'"):
        synth.main(["--target", "stratix"])
