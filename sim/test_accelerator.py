"""`pytest sim`: the Verilog of whole accelerators, simulated by Verilator, against golden model and cycle model."""

import json

import pytest

from gen.sizing import fitted
from sim.builds import simulation_of
from sim.job import Job
from sim.repeats import stacks
from sim.verilator import Simulation, SimulationFailed
from spec.config import AcceleratorConfig, config_for
from spec.files import build_root

#: Builds that are simulated. 8x16x2 is no named shape, has words of two tiles and weights for two rows a cycle. In the
#: last two rows take turns at requantizers; 8x4x2 has one for all four. 4x16 has sums of few bits.
CONFIGS = {
    "pe16": config_for(16),
    "pe64": config_for(64),
    "4x4x4": config_for(64, lanes=4),
    "8x16x2": config_for(256, groups=8, rows=16, lanes=2, weight_rows=2, psum_depth=24, mask_bits=1 << 19),
    "4x16-in-turns": config_for(64, rows_per_requantizer=4, psum_depth=40, psum_bits=17),
    "8x4x2-in-turns": config_for(64, groups=8, rows=4, lanes=2, rows_per_requantizer=4, ring_words=2048),
}

#: Half the masks of the networks here.
FEW_MASK_BITS = 7168

#: Builds that know rings. 4x4x2 has room for few masks, too, and requantizers for two rows
#: each; pe256 fetches two words of each of four rows a cycle.
RING_CONFIGS = {
    "4x4x2": config_for(32, lanes=2, ring_words=2048, mask_bits=FEW_MASK_BITS, rows_per_requantizer=2),
    "pe16": config_for(16, ring_words=2048),
    "pe64": config_for(64, ring_words=2048),
    "pe256": config_for(256, ring_words=2048, weight_rows=4),
}


def run_bench(
    simulation: Simulation, config: AcceleratorConfig, module: str, name: str, plusargs=None, **options
) -> None:
    """Run a module of ``sim.bench``, or those of its ``tests`` that expressions find, and fail with the messages of all
    that failed.
    """
    run_dir = build_root() / "sim" / "tests" / name
    job = Job(config).save(run_dir / "job.json")
    given = {"job": job, **(plusargs or {})}
    cases = simulation.run(f"sim.bench.{module}", run_dir, plusargs=given, **options)
    failures = [f"{case.name}: {case.failure}" for case in cases if case.failure is not None]
    if failures:
        text = f"{len(failures)} of {len(cases)} tests failed; see {run_dir / 'log.txt'}"
        pytest.fail("\n".join([text, *failures]), pytrace=False)


@pytest.mark.xdist_group("pe16")
@pytest.mark.parametrize("module", [
    "inference", "disturbance", "clearing", "misbehaviour", "corruption", "random_networks", "protocol",
    "random_programs",
])
def test_pe16(module):
    config = CONFIGS["pe16"]
    run_bench(simulation_of(config), config, module, f"pe16-{module}")


@pytest.mark.xdist_group("streaming")
@pytest.mark.parametrize("tests", [
    ("mode=ANY/trace=False", "mode=TWO_OF_FOUR/trace=True", "mode=AT_MOST_ONE", "=0.9", "chunks", "given_up", "abort",
     "next_image"),
    pytest.param((), marks=pytest.mark.slow),
], ids=["quick", "all"])
def test_streaming(tests):
    """The quick ones: each mode with or without a trace; ``1of4`` streams to the lanes of 4x4x2."""
    config = config_for(16, mask_bits=FEW_MASK_BITS)
    run_bench(simulation_of(config), config, "streaming", "pe16-streaming", tests=tests)


@pytest.mark.xdist_group("4x4x2")
def test_one_stream_serves_all_lanes():
    """All modes are streamed to one lane."""
    config = RING_CONFIGS["4x4x2"]
    tests = ("values_and_cycles/mode=ONE_OF_FOUR/trace=True", "stalls.*=0.4")
    run_bench(simulation_of(config), config, "streaming", "4x4x2-streaming", tests=tests)


@pytest.mark.xdist_group("4x4x2")
def test_a_clear_reaches_all_lanes():
    config = RING_CONFIGS["4x4x2"]
    run_bench(simulation_of(config), config, "clearing", "4x4x2-clearing", tests=("nothing_is_left",))


@pytest.mark.xdist_group("4x4x2")
def test_misbehaviour_in_lanes():
    config = RING_CONFIGS["4x4x2"]
    run_bench(simulation_of(config), config, "misbehaviour", "4x4x2-misbehaviour")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pe64", "4x4x4", "8x16x2", "4x16-in-turns"])
def test_shapes(name):
    """The larger ones, on request: models of the zoo run on ``pe64``, and smaller builds have lanes and turns."""
    config = CONFIGS[name]
    for module in ("inference", "random_networks"):
        run_bench(simulation_of(config), config, module, f"{name}-{module}")


@pytest.mark.slow
@pytest.mark.parametrize("module", ["rings", "random_networks", "misbehaviour", "clearing"])
def test_turns_in_lanes(module):
    config = CONFIGS["8x4x2-in-turns"]
    run_bench(simulation_of(config), config, module, f"8x4x2-in-turns-{module}")


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.xdist_group("4x4x2") if name == "4x4x2" else pytest.mark.slow)
    for name in RING_CONFIGS
])
def test_rings(name):
    config = RING_CONFIGS[name]
    for module in ("rings", "random_networks"):
        run_bench(simulation_of(config), config, module, f"ring-{name}-{module}")


@pytest.mark.parametrize("pe", [16, pytest.param(64, marks=pytest.mark.slow)])
def test_stacks_that_share_weights(pe):
    config = fitted(config_for(pe), *stacks())
    run_bench(simulation_of(config), config, "stacks", f"pe{pe}-stacks")


def test_power_up():
    """Three draws of everything that silicon leaves unknown at power-up; the draws really differ."""
    config = CONFIGS["pe16"]
    simulation = simulation_of(config, initial_values=False)
    seen = set()
    for seed in (1, 2, 3):
        name = f"pe16-power_up-{seed}"
        tests = ("one_reset", "mode=ANY", "mode=ONE_OF_FOUR") if seed == 1 else ("one_reset", "mode=ONE_OF_FOUR")
        run_bench(simulation, config, "power_up", name, tests=tests, power_up_seed=seed)
        seen.add((build_root() / "sim" / "tests" / name / "before_reset.txt").read_text())
    assert len(seen) == 3, f"Power-up was not random: {seen}"


@pytest.mark.xdist_group("pe16")
def test_a_run_without_tests_fails():
    config = CONFIGS["pe16"]
    run_dir = build_root() / "sim" / "tests" / "nothing"
    job = Job(config).save(run_dir / "job.json")
    simulation = simulation_of(config)
    with pytest.raises(SimulationFailed, match="ran no test matching"):
        simulation.run("sim.bench.corruption", run_dir, tests=["no_such_test"], plusargs={"job": job})


@pytest.mark.xdist_group("pe16")
def test_an_unchanged_design_is_not_rebuilt():
    simulation = simulation_of(CONFIGS["pe16"])
    stamp = simulation.directory / "stamp.json"
    before = stamp.stat().st_mtime_ns, (simulation.directory / "testbench").stat().st_mtime_ns
    assert simulation_of(CONFIGS["pe16"]) == simulation
    assert (stamp.stat().st_mtime_ns, (simulation.directory / "testbench").stat().st_mtime_ns) == before
    assert json.loads(stamp.read_text())["versions"]["verilator"]
