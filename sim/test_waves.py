"""The excerpt of a folded iteration, from a simulation with waveforms."""

import itertools
import json
from pathlib import Path

import pytest

from gen.compile import compile_model
from gen.cycles import predict
from sim import waves
from spec.config import config_for
from spec.model import load, save
from spec.refusal import Refused
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

MODEL = Path(__file__).parents[1] / "zoo" / "digits-1of4.safetensors"


@pytest.mark.xdist_group("waves")
def test_the_excerpt_is_where_the_iteration_begins(tmp_path):
    out = tmp_path / "waves.json"
    assert waves.main([str(MODEL), "--out", str(out), "--before", "12", "--after", "30"]) == 0
    excerpt = json.loads(out.read_text())
    signals = {signal["name"]: signal["values"] for signal in excerpt["signals"]}
    assert set(signals) == {signal.name for signal in waves.SIGNALS}
    assert {len(values) for values in signals.values()} == {42}
    commands = predict(compile_model(load(MODEL), config_for(16))).commands
    begins = next(c.start for c in commands if c.layer == "stage2.fold.conv1" and c.iteration == 1)
    assert excerpt["first_cycle"] == begins - 12
    phases = [cause for cause, _ in itertools.groupby(signals["cause"])]
    assert phases == ["array", "drain", "requantize", "sequencer", "array"]
    assert sum(signals["weights swap"]) >= 1
    assert (out.with_suffix("") / "waves.vcd").is_file()


def test_what_has_no_iteration_is_refused(tmp_path):
    network = residual_network("flat", image=(4, 4, 1), classes=3, widths=(4,), iterations=(0,))
    path = save(synthetic_model(network, 1), tmp_path / "flat.safetensors")
    with pytest.raises(Refused, match="'flat' has no recurrent block ; it has none"):
        waves.main([str(path)])
    with pytest.raises(Refused, match=r"no recurrent block stage1\.entry; it has"):
        waves.main([str(MODEL), "--block", "stage1.entry"])
    with pytest.raises(Refused, match="Option --before must be from 0 to 1000, not -1"):
        waves.main([str(MODEL), "--before", "-1"])
