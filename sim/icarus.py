"""A second simulator, independent of Verilator and four-state: Icarus Verilog runs the accelerator on a plain bench.

It is optional: nothing but its own tests needs it.
"""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sim.errors import RegisterAccessFailed
from spec.files import write_text
from spec.refusal import Refused

__all__ = ["STANDARDS", "IcarusTransport", "compiled"]

BENCH = Path(__file__).with_name("plain.v")

#: Editions of the language by the compiler's option.
STANDARDS = {"Verilog-2005": "-g2005", "SystemVerilog-2012": "-g2012"}

_WORD_BYTES = 4


def compiled(verilog: str, folder: Path, standard: str) -> Path:
    """The accelerator ``verilog`` and its bench, compiled in ``folder`` as ``standard`` of :data:`STANDARDS`.

    Raises
    ------
    Refused
        If Icarus Verilog is not installed.
    RuntimeError
        If it has anything to say about the text.
    """
    if shutil.which("iverilog") is None:
        raise Refused(
            "This simulation needs Icarus Verilog, which is not on PATH; install it (Debian: apt-get install iverilog)"
        )
    design, program = write_text(folder / "foldenite.v", verilog), folder / "testbench.vvp"
    result = subprocess.run(
        ["iverilog", STANDARDS[standard], "-Wall", "-Wno-timescale", "-s", "testbench", "-o", str(program),
         str(BENCH), str(design)], capture_output=True, text=True, check=False,
    )
    if result.returncode or result.stderr:
        raise RuntimeError(f"Icarus Verilog objects to the Verilog: {result.stderr[:2000]}")
    return program


class IcarusTransport:
    """:class:`sim.driver.Transport` over the pipes of a simulation that :func:`compiled` made.

    Use it in a ``with`` statement: the simulation ends with it. Not for masks that are streamed.

    Parameters
    ----------
    program : Path
    limit : int
        Cycles that an inference may take.
    """

    def __init__(self, program: Path, limit: int = 10_000_000):
        self.limit = limit
        self.unknown_outputs: list[int] = []  #: Cycles in which an output was unknown.
        self.unknown_bits: list[bytes] = []  #: Of every frame received, 1 for bits that were unknown and read as 0.
        self._frames: list[tuple[bytes, bytes]] = []
        self._words: list[str] = []
        self._simulator = subprocess.Popen(
            ["vvp", "-n", str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "IcarusTransport":
        return self

    def __exit__(self, *_: object) -> None:
        self._simulator.stdin.close()
        self._simulator.wait()
        self._simulator.stdout.close()

    def read_register(self, offset: int) -> int:
        """Read a register."""
        response, value = self._ask("r", offset, 0)
        self._check(response, f"Reading register {offset:#04x}")
        return int(value, 2)

    def write_register(self, offset: int, value: int) -> None:
        """Write a register."""
        (response,) = self._ask("w", offset, value)
        self._check(response, f"Writing register {offset:#04x}")

    def send(self, frame: bytes) -> None:
        """Send a packet."""
        words = [int.from_bytes(frame[i : i + _WORD_BYTES], "little") for i in range(0, len(frame), _WORD_BYTES)]
        for number, word in enumerate(words, 1):
            self._tell("s", int(number == len(words)), word)

    def send_later(self, frames: Sequence[bytes]) -> None:
        """Refused: the bench does one thing at a time."""
        raise Refused("Masks cannot be streamed on the bench of Icarus Verilog; take a build whose memory holds them")

    def withdraw(self) -> None:
        """There is never anything to withdraw."""

    def receive(self) -> bytes:
        """The next frame."""
        if not self._frames:
            self._ask("e", 0, 0)
        payload, unknown = self._frames.pop(0)
        self.unknown_bits.append(unknown)
        return payload

    def discard(self) -> None:
        """Forget all frames that arrived."""
        self._ask("e", 0, 0)
        self._frames.clear()
        self._words.clear()

    def wait_irq(self) -> None:
        """Wait for the interrupt."""
        (irq,) = self._ask("i", 0, self.limit)
        if irq != "1":
            raise TimeoutError(f"Waiting for the interrupt did not end within {self.limit} cycles")

    def _check(self, response: str, what: str) -> None:
        if response != "00":
            raise RegisterAccessFailed(f"{what} was answered {response}")

    def _tell(self, command: str, first: int, second: int) -> None:
        self._simulator.stdin.write(f"{command} {first:x} {second:x}\n")

    def _ask(self, command: str, first: int, second: int) -> list[str]:
        """What the bench answers; what it says before is kept."""
        self._tell(command, first, second)
        self._simulator.stdin.flush()
        for line in self._simulator.stdout:
            kind, *values = line.split()
            if kind == command:
                return values
            self._keep(kind, values)
        raise RuntimeError("The simulation ended before it answered")

    def _keep(self, kind: str, values: list[str]) -> None:
        if kind == "x":
            self.unknown_outputs.append(int(values[0]))
        elif kind == "m":
            last, word = values
            self._words.append(word)
            if last == "1":
                known = "".join(reversed(self._words))  # the lowest bit is the last
                payload = int(known.replace("x", "0").replace("z", "0"), 2)
                unknown = int("".join("01"[bit in "xz"] for bit in known), 2)
                size = _WORD_BYTES * len(self._words)
                self._frames.append((payload.to_bytes(size, "little"), unknown.to_bytes(size, "little")))
                self._words.clear()
