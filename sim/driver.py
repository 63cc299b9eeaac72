"""The host's side of the accelerator, in plain Python: the same class drives cocotb and a board.

    driver = Driver(transport, config)
    driver.identify()
    driver.load(program)
    result = driver.infer(images)
    result.logits[0], result.counters["TOTAL"]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gen.check import problems
from gen.compile import Program
from gen.cycles import predict
from sim.errors import AcceleratorError
from spec.config import AcceleratorConfig
from spec.golden import check_images
from spec.packets import clear_words, cut
from spec.refusal import Refused
from spec.registers import MAGIC, REGISTERS, VERSION, counter_names, offset_of

__all__ = ["Driver", "Result", "Transport", "bit", "check_counters", "model_word"]

_READY_POLLS = 1000  #: Reads of CONTROL that a start waits for ready; each takes several cycles.


class Transport(Protocol):
    """How the driver reaches an accelerator: registers, streams, interrupt. Every method blocks.

    Frames that arrive on ``m_axis`` are kept until :meth:`receive` takes them.
    """

    def read_register(self, offset: int) -> int:
        """Read the 32-bit register at byte ``offset``."""

    def write_register(self, offset: int, value: int) -> None:
        """Write the 32-bit register at byte ``offset``."""

    def send(self, frame: bytes) -> None:
        """Send one frame (packet) to ``s_axis``; return when its last word was taken."""

    def send_later(self, frames: Sequence[bytes]) -> None:
        """Send frames to ``s_axis``, one after another, as they are taken; return at once."""

    def withdraw(self) -> None:
        """Do not begin any more frame of :meth:`send_later`; one that was begun is sent to its end."""

    def receive(self) -> bytes:
        """The next frame from ``m_axis``."""

    def discard(self) -> None:
        """Forget all frames that arrived and were not received."""

    def wait_irq(self) -> None:
        """Return when ``irq`` is high."""


@dataclass(frozen=True)
class Result:
    """What one inference gave of each image it was given.

    Parameters
    ----------
    frames : tuple of tuple of array
        For every image all tensors sent, in the order of ``Program.frames_by_lane``.
    logits : int32 array (B, classes)
        The last of them.
    counters : mapping of str to int
        Cycles by :func:`spec.registers.counter_names` of the build.
    """

    frames: tuple[tuple[np.ndarray, ...], ...]
    logits: np.ndarray
    counters: Mapping[str, int]


def bit(register: str, field: str) -> int:
    """Value of ``register`` with only ``field`` (a flag) set."""
    for candidate in REGISTERS:
        if candidate.name == register:
            return next(1 << f.lsb for f in candidate.fields if f.name == field)
    raise KeyError(register)


def model_word(program: Program) -> int:
    """What MODEL_HASH holds while ``program``'s model is the one selected: 32 bits of its hash, never 0."""
    return int(program.model.hash[:8], 16) or 1


def check_counters(counters: Mapping[str, int]) -> None:
    """Raise AssertionError unless the causes, where there are any, add up to the total."""
    causes = {name: cycles for name, cycles in counters.items() if name != "TOTAL"}
    total = sum(causes.values())
    if causes and total != counters["TOTAL"]:
        raise AssertionError(f"Causes add up to {total} cycles, not to the total of {counters['TOTAL']}: {causes}")


class Driver:
    """Loads programs and runs inferences, of as many images at a time as the build has lanes.

    Parameters
    ----------
    transport : Transport
    config : AcceleratorConfig
        The build that is expected at the other end.
    """

    def __init__(self, transport: Transport, config: AcceleratorConfig):
        self.transport = transport
        self.config = config
        self.program: Program | None = None
        self._images = 0  # how many were loaded last
        self._margin: int | None = None  # of the watchdog

    def read(self, register: str) -> int:
        """Value of the register called ``register``."""
        return self.transport.read_register(offset_of(register))

    def write(self, register: str, value: int) -> None:
        """Write the register called ``register``."""
        self.transport.write_register(offset_of(register), value)

    def identify(self) -> None:
        """Check that the accelerator is the one expected, and enable its interrupts.

        Raises
        ------
        Refused
            If it is no Foldenite accelerator, speaks another interface version, or is another build.
        """
        magic = self.read("MAGIC")
        if magic != MAGIC:
            raise Refused(
                f"Register MAGIC reads {magic:#010x}, not {MAGIC:#010x}: there is no Foldenite accelerator at this "
                "address"
            )
        version = self.read("VERSION")
        if version >> 16 != VERSION >> 16:
            raise Refused(
                f"Accelerator has interface version {version >> 16}.{version & 0xFFFF}, but this driver needs version "
                f"{VERSION >> 16}; use the driver that was generated with the build"
            )
        found = self.read("CONFIG_HASH")
        if found != self.config.hash:
            raise Refused(
                f"Accelerator is build {found:#010x}, not {self.config.hash:#010x} ({self.config.pe} PEs); "
                "give the config.json that its Verilog was generated with"
            )
        self.write("INTERRUPT_STATUS", bit("INTERRUPT_STATUS", "done") | bit("INTERRUPT_STATUS", "error"))
        self.write("INTERRUPT_ENABLE", bit("INTERRUPT_ENABLE", "done") | bit("INTERRUPT_ENABLE", "error"))
        self.write("INTERRUPT_GLOBAL", bit("INTERRUPT_GLOBAL", "enable"))

    def check(self, program: Program) -> None:
        """Refuse ``program`` unless it was compiled for this build, saying whether it can be (:mod:`gen.check`)."""
        if program.config.hash == self.config.hash:
            return
        found = problems(program.model, self.config, commands=len(program.commands))
        raise Refused(
            f"Program of network {program.model.network.name!r} was compiled for build {program.config.hash:#010x} "
            f"({program.config.pe} PEs), not for {self.config.hash:#010x} ({self.config.pe} PEs); "
            + (f"this one cannot run it: {found[0]}" if found else "compile it for this one")
        )

    def load(self, program: Program, *, commands_only: bool = False) -> None:
        """Send ``program`` with its supermasks and batch norms, and select it. Others at other bases stay resident.

        With ``commands_only`` the supermasks and batch norms are those that are there already.
        """
        self.check(program)
        self.write("MODEL_HASH", 0)
        for packet in program.packets[: 1 if commands_only else None]:
            self._send(packet)
        self.raise_error()
        self.select(program)

    def _send(self, packet: bytes) -> None:
        """Send ``packet``, in parts that every DMA can send."""
        for part in cut(packet):
            self.transport.send(part)

    def select(self, program: Program) -> None:
        """Make ``program``, loaded before, the one that :meth:`infer` runs."""
        self.check(program)
        self.write("PROGRAM_START", program.start)
        self.write("MODEL_HASH", model_word(program))
        self.program = program
        if self._margin is not None:
            self.watch(self._margin)

    def watch(self, margin: int | None) -> None:
        """From now on stop, with an error, inferences that take more than ``margin`` cycles longer than the cycle model
        says; None: let them take what they take.

        Cycles in which the accelerator waits for the host count: for its masks, and until a frame was taken.

        Raises
        ------
        Refused
            If the build has no watchdog.
        """
        if not self.config.watchdog:
            raise Refused("The build has no watchdog; build without --lean and --no-watchdog to limit an inference")
        self._margin = margin
        if margin is None:
            self.write("WATCHDOG", 0)
        elif self.program is not None:
            self.write("WATCHDOG", min(predict(self.program).total + margin, (1 << 32) - 1))

    def infer(self, images: np.ndarray) -> Result:
        """Run the selected program on ``images``, uint8 (B, H, W, C), at most one per lane.

        Cycles do not depend on B. Lanes without an image run on whatever their memories hold, the image before or
        nothing that makes sense; what they send is dropped.
        """
        self.load_images(images)
        self.start()
        return self.finish()

    def load_images(self, images: np.ndarray) -> None:
        """Send ``images``, the first to lane 0. The accelerator takes them when it is idle.

        Raises
        ------
        Refused
            If no program is selected (or a reset made the accelerator forget it), or the images have another size, or
            there are none or more than lanes. Nothing was sent then.
        AcceleratorError
            If the accelerator reports an error.
        """
        program = self._selected()
        check_images(program.model, images)
        if not 1 <= len(images) <= self.config.lanes:
            raise Refused(
                f"An inference of this build takes 1 to {self.config.lanes} images, one per lane, not {len(images)}; "
                "give them in several calls"
            )
        if self.read("MODEL_HASH") != model_word(program):
            raise Refused(
                f"Accelerator no longer has network {program.model.network.name!r} selected (a reset, or another "
                "driver); select or load it again"
            )
        for lane, image in enumerate(images):
            self._send(program.image_packet(image, lane))
        self.raise_error()
        self._images = len(images)

    def start(self) -> None:
        """Start an inference on the images that were sent; :meth:`finish` waits for its result.

        Masks that do not stay on the chip are sent while it runs.
        """
        self.wait_ready()
        if self.program is not None and self.program.stream_packets:
            self.transport.send_later(self.program.stream_packets)
        self.write("CONTROL", bit("CONTROL", "start"))

    def wait_ready(self, polls: int = _READY_POLLS) -> None:
        """Return when a start would be taken.

        Raises
        ------
        AcceleratorError
            If an error is pending.
        RuntimeError
            If it still would not after that many ``polls``.
        """
        for _ in range(polls):
            if self.read("CONTROL") & bit("CONTROL", "ready"):
                return
            self.raise_error()
        raise RuntimeError(
            "Accelerator does not become ready; abort it or reset it, and take what m_axis still offers of a frame"
        )

    def finish(self) -> Result:
        """Wait for the end of the inference that :meth:`start` began and return what it gave of the images that
        :meth:`load_images` sent last.

        Raises
        ------
        AcceleratorError
            If the accelerator stopped with an error; what it had sent is discarded.
        """
        program = self._selected()
        self.transport.wait_irq()
        self.write("INTERRUPT_STATUS", self.read("INTERRUPT_STATUS"))
        try:
            self.raise_error()
        except AcceleratorError:
            if program.stream_packets:
                self.abort()  # nothing runs any more, but chunks may be on their way
            else:
                self.transport.discard()
            raise
        tensors = self._receive(program)
        return Result(tensors, np.stack([image[-1] for image in tensors]), self.counters())

    def _receive(self, program: Program) -> tuple[tuple[np.ndarray, ...], ...]:
        """The frames of an inference, decoded, of every lane that has an image."""
        tensors = [[] for _ in range(self._images)]
        for frame in program.frames:
            payload = self.transport.receive()
            if len(payload) != frame.byte_count:
                self.transport.discard()
                raise RuntimeError(
                    f"Frame of layer {frame.step.layer.name} iteration {frame.step.iteration} has {len(payload)} "
                    f"bytes, not {frame.byte_count}; reset the accelerator"
                )
            if frame.lane < self._images:
                tensors[frame.lane].append(frame.decode(payload))
        return tuple(map(tuple, tensors))

    def _selected(self) -> Program:
        if self.program is None:
            raise Refused("No program is loaded; call load() first")
        return self.program

    def counters(self) -> dict[str, int]:
        """Cycles of the last inference: the total and its causes, by name; the total alone if the build has no more."""
        self.write("SNAPSHOT", bit("SNAPSHOT", "take"))
        return {
            name: self.read(f"{name}_HIGH") << 32 | self.read(f"{name}_LOW") for name in counter_names(self.config)
        }

    def position(self) -> tuple[int, int]:
        """Command last fetched and turn of the loop that it is in."""
        value = self.read("POSITION")
        return value & 0xFFFF, value >> 16

    def abort(self) -> None:
        """Stop whatever is running. The memories keep their content; the next :meth:`infer` is a normal one.

        Nothing of the inference remains: a frame that was being sent was closed, taken and forgotten.

        Raises
        ------
        TimeoutError, RuntimeError
            If what was being sent is not taken. Until it is, no start is taken either.
        """
        self.write("CONTROL", bit("CONTROL", "abort"))
        self.transport.withdraw()
        self.clear_error()
        self.transport.discard()
        self.wait_ready()

    def clear(self) -> None:
        """Zero the X, T and psum memories of every lane: nothing remains there of the images that ran before, or of
        what was made of them. Programs, supermasks, rings and batch norms stay, and so does the selection.

        Raises
        ------
        AcceleratorError, RuntimeError
            If it refuses to, or does not become ready again.
        """
        self.wait_ready()
        self.write("CONTROL", bit("CONTROL", "clear"))
        self.wait_ready(_READY_POLLS + clear_words(self.config))

    def raise_error(self) -> None:
        """Raise what ERROR says, if anything, and clear it."""
        code = self.read("ERROR") & 0xFF
        if code:
            info = self.read("ERROR_INFO")
            self.clear_error()
            raise AcceleratorError(code, info)

    def clear_error(self) -> None:
        """Clear ERROR and all pending interrupts."""
        self.write("ERROR", 0)
        self.write("INTERRUPT_STATUS", bit("INTERRUPT_STATUS", "done") | bit("INTERRUPT_STATUS", "error"))
