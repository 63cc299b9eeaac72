"""NNgen's design of a convolution and a testbench for it: what the benchmark runs in a process of its own.

No other module imports NNgen, which is not ours. The convolution has a 3x3 kernel, stride 1 and zero padding, ReLU,
int8 activations and ternary weights in int8; values are small, so that no sum is clipped. The testbench is NNgen's own:
its AXI memory with image and weights, and a thread that starts the design by its registers, waits for it, and prints
``cycles N`` and every output as ``value N``.
"""

import importlib.util
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spec.files import write_text
from spec.refusal import Refused

__all__ = ["DESIGN", "EXPECTED", "TESTBENCH", "TOP", "convolved", "need_nngen", "operands", "written"]

#: Files it writes: the design, the testbench that holds it, and the outputs that numpy says.
DESIGN, TESTBENCH, EXPECTED = "design.v", "testbench.v", "expected.json"

#: Name of the design's module.
TOP = "convolution"

_CHUNK = 64  # bytes that NNgen aligns tensors to
_CYCLES = 1_000_000  # most that the testbench waits


def need_nngen() -> None:
    """Refuse to go on without NNgen."""
    if importlib.util.find_spec("nngen") is None:
        raise Refused("This benchmark needs NNgen, which is not installed; run pip install 'foldenite[nngen]'")


def operands(size: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Image ``(1, size, size, channels)`` of 0 to 3 and weights ``(channels, 3, 3, channels)`` of -1, 0, 1; int64."""
    random = np.random.default_rng(1)
    return random.integers(0, 4, (1, size, size, channels)), random.integers(-1, 2, (channels, 3, 3, channels))


def convolved(image: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """``max(0, sum over ky, kx, n of image[0, y+ky-1, x+kx-1, n] * weights[m, ky, kx, n])``, zero outside."""
    size = image.shape[1]
    padded = np.pad(image[0], ((1, 1), (1, 1), (0, 0)))
    sums = sum(
        padded[y:y + size, x:x + size] @ weights[:, y, x].T for y in range(3) for x in range(3)
    )
    return np.maximum(sums, 0)


def _aligned(address: int) -> int:
    return math.ceil(address / _CHUNK) * _CHUNK


def _write(out: Path, size: int, channels: int, parallel: int) -> None:
    """Write the three files."""
    import nngen as ng
    from veriloggen.types import axi

    image, weights = operands(size, channels)
    x = ng.placeholder(dtype=ng.int8, shape=image.shape, name="x")
    w = ng.variable(dtype=ng.int8, shape=weights.shape, name="w")
    w.set_value(weights)
    scale = ng.variable(dtype=ng.int8, shape=(channels,), name="scale")
    scale.set_value(np.ones(channels, np.int64))
    y = ng.conv2d(
        x, w, strides=(1, 1, 1, 1), scale=scale, act_func=ng.relu, dtype=ng.int8, sum_dtype=ng.int32,
        par_ich=parallel, par_och=parallel,
    )
    design = ng.to_veriloggen([y], TOP, silent=True, config={"maxi_datawidth": 32})
    write_text(out / DESIGN, design.to_verilog())
    parameters = ng.export_ndarray([y], _CHUNK)
    base = _aligned(max(x.addr + x.memory_size, y.addr + y.memory_size))
    memory = np.zeros(1 << 18, np.int64)
    for values, address in ((image, x.addr), (parameters, base)):
        axi.set_memory(memory, values, 32, 8, address)  # words of 32 bits, values of 8
    _testbench(design, memory, y.addr, image.size, out)
    write_text(out / EXPECTED, json.dumps(convolved(image, weights).ravel().tolist()) + "\n")


def _testbench(design, memory: np.ndarray, address: int, count: int, out: Path) -> None:
    """Write NNgen's testbench of ``design``, whose ``count`` results are at ``address``."""
    import nngen as ng
    import veriloggen.thread as vthread
    from veriloggen import Delay, Module, Not, Seq, Systask, simulation
    from veriloggen.types import axi

    test = Module("testbench")
    test.copy_params(design)
    ports = test.copy_sim_ports(design)
    clock, resetn = ports["CLK"], ports["RESETN"]
    reset = test.Wire("RST")
    reset.assign(Not(resetn))
    ram = axi.AxiMemoryModel(
        test, "memory", clock, reset, datawidth=32, memimg=memory, memimg_name=str(out.resolve() / "memory.hex"),
        memimg_datawidth=32,
    )
    ram.connect(ports, "maxi")
    registers = vthread.AXIMLite(test, "registers", clock, reset, noio=True)
    registers.connect(ports, "saxi")
    now = test.Reg("now", 32, initval=0)
    Seq(test, "count", clock, reset)(now.inc())

    def control():  # not run, but translated to Verilog: nothing but what NNgen translates
        for _ in range(100):
            pass
        begin = now.value
        ng.sim.start(registers)
        ng.sim.wait(registers)
        end = now.value
        print("cycles", end - begin)
        for i in range(count):
            value = ram.read_word(i, address, 8)
            print("value", value)
        vthread.finish()

    vthread.Thread(test, "control", clock, reset, control).start()
    test.Instance(design, "dut", params=test.connect_params(design), ports=test.connect_ports(design))
    simulation.setup_clock(test, clock, hperiod=5)
    begun = simulation.setup_reset(test, resetn, test.make_reset(), period=100, polarity="low")
    begun.add(Delay(10 * _CYCLES), Systask("finish"))
    write_text(out / TESTBENCH, test.to_verilog())


def written(argv: Sequence[str]) -> None:
    """Write :data:`DESIGN`, :data:`TESTBENCH` and :data:`EXPECTED` to a folder that is there.

    ``argv`` are rows (and columns) of the image, channels (in and out), those of each that the design takes at a time,
    and the folder.
    """
    *numbers, folder = argv
    _write(Path(folder), *map(int, numbers))


if __name__ == "__main__":
    written(sys.argv[1:])
