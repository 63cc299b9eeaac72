"""The host registers, described once: RTL, C header, SVD, Markdown map and Python driver all come from here."""

import enum
from dataclasses import dataclass

from spec.config import AcceleratorConfig

__all__ = [
    "COUNTERS", "MAGIC", "OFFSET_BITS", "REGISTERS", "VERSION", "Access", "ErrorCode", "Field", "Register",
    "counter_names", "identity", "offset_of", "registers_of",
]

MAGIC = 0x464F_4C44  #: "FOLD".
VERSION = 0x0002_0001  #: Major in the upper, minor in the lower half; a driver needs the same major.
OFFSET_BITS = 8  #: Byte address on the register bus.


class Access(enum.Enum):
    """How software sees a field."""

    RO = "read-only"  #: Writes are ignored.
    RW = "read-write"  #: Keeps what is written.
    WO = "write-only"  #: Writing 1 acts; reads as 0.
    RC = "read-clear"  #: Reading clears it.
    W1C = "write-1-clear"  #: Writing 1 clears it.
    WC = "write-clear"  #: Writing anything clears it.


class ErrorCode(enum.IntEnum):
    """Why the accelerator refused something. The first error stays until ERROR is written; it stays usable."""

    NONE = 0  #: No error.
    PACKET_MAGIC = 1  #: First word of a packet is no packet header.
    PACKET_TARGET = 2  #: Packet for an unknown memory.
    PACKET_RANGE = 3  #: Packet reaches beyond its memory, or is empty.
    PACKET_SHORT = 4  #: tlast came before the announced length.
    PACKET_LONG = 5  #: tlast did not come with the announced length; the rest was dropped.
    START_BUSY = 6  #: Start or clear while an inference, a packet, a clear or an aborted frame was; ignored.
    REGISTER = 7  #: Access to an unknown register, or a partial write; answered SLVERR.
    COMMAND = 8  #: Unknown command in the program; the inference was stopped.
    STREAM_ORDER = 9  #: Chunk out of turn, or another packet when a chunk was needed; the inference was stopped.
    STREAM_LENGTH = 10  #: Chunk not as long as the masks of its m-tile; the inference was stopped.
    MEMORY = 11  #: A word read was not the one that was written; the inference was stopped.
    WATCHDOG = 12  #: An inference took longer than WATCHDOG allows; it was stopped.


@dataclass(frozen=True)
class Field:
    """``width`` bits from bit ``lsb`` of a register."""

    name: str
    lsb: int
    width: int
    access: Access
    doc: str


@dataclass(frozen=True)
class Register:
    """A 32-bit register at byte ``offset``; ``counter`` if it shows half a counter."""

    name: str
    offset: int
    doc: str
    fields: tuple[Field, ...]
    counter: bool = False


#: Counted cycles of an inference: the total, then the causes that add up to it exactly.
COUNTERS = (
    ("TOTAL", "Cycles from start to done."),
    ("ARRAY", "Cycles with a pixel word in the PE array."),
    ("WEIGHT_LOAD", "Array waiting for the weights of the next tile, which were arriving."),
    ("MASK_WAIT", "Array waiting for weights while supermask memory, or the host that streams, had delivered none."),
    ("DRAIN", "Sums on their way through the emptied array, or a short run kept apart from its predecessor."),
    ("REQUANTIZE", "Array empty, the last results on their way through the requantizers to memory."),
    ("POOL", "Max pool at work."),
    ("HOST", "Output frame being read out, or waiting for the host to take it."),
    ("SEQUENCER", "Everything else: fetching commands, filling the pipeline."),
)


def _whole(access: Access, doc: str) -> tuple[Field, ...]:
    return (Field("value", 0, 32, access, doc),)


_INTERRUPTS = (("done", 0, "an inference ended"), ("error", 1, "ERROR became non-zero"))

REGISTERS = (
    Register("CONTROL", 0x00, "Start and status, in ap_ctrl bit order.", (
        Field("start", 0, 1, Access.WO, "Start at PROGRAM_START."),
        Field("done", 1, 1, Access.RC, "An inference ended since the last read."),
        Field("idle", 2, 1, Access.RO, "No inference is running."),
        Field("ready", 3, 1, Access.RO, "A start would be taken: idle, no packet half received, no clear going on, no "
              "error pending, and of an aborted frame nothing left to take."),
        Field("abort", 8, 1, Access.WO, "Stop at once and drop what was in flight, but for the word offered on m_axis; "
              "end its frame with a word of zeros. Memories keep their content."),
        Field("clear", 9, 1, Access.WO, "Zero the X, T and psum memories of all lanes; taken when a start would be, "
              "and instead of one. Ready again when done."),
    )),
    Register("INTERRUPT_GLOBAL", 0x04, "Interrupt output.", (Field("enable", 0, 1, Access.RW, "Drive irq."),)),
    Register("INTERRUPT_ENABLE", 0x08, "Interrupt sources let through.",
             tuple(Field(n, b, 1, Access.RW, f"Interrupt when {d}.") for n, b, d in _INTERRUPTS)),
    Register("INTERRUPT_STATUS", 0x0C, "Pending interrupts.",
             tuple(Field(n, b, 1, Access.W1C, f"Pending: {d}.") for n, b, d in _INTERRUPTS)),
    Register("MAGIC", 0x10, "Identity.", _whole(Access.RO, "0x464F4C44, 'FOLD'.")),
    Register("VERSION", 0x14, "Version of this interface.", _whole(Access.RO, "Major << 16 | minor.")),
    Register("CONFIG_HASH", 0x18, "Which build this is.", _whole(Access.RO, "Hash of its configuration.")),
    Register("MODEL_HASH", 0x1C, "Which model is loaded.",
             _whole(Access.RW, "Written by the driver after loading; 0 is none.")),
    Register("ERROR", 0x20, "First error since it was last written.", (
        Field("code", 0, 8, Access.WC, "ErrorCode; any write clears it."),
    )),
    Register("ERROR_INFO", 0x24, "What the error was about.",
             _whole(Access.RO, "Offending word, address or command index; of MEMORY, target << 24 | 32-bit address.")),
    Register("PROGRAM_START", 0x28, "Selects the resident model.", (
        Field("command", 0, 16, Access.RW, "Index of the first command."),
    )),
    Register("SNAPSHOT", 0x2C, "Counter snapshot.", (
        Field("take", 0, 1, Access.WO, "Copy all counters to their registers at once; may take 30 cycles."),
    )),
    Register("POSITION", 0x30, "Where the sequencer is.", (
        Field("command", 0, 16, Access.RO, "Index of the command last fetched."),
        Field("iteration", 16, 16, Access.RO, "Turn of the loop it is in, from 0."),
    )),
    Register("FEATURES", 0x34, "Where weights may come from.", (
        Field("masks", 0, 1, Access.RO, "Supermasks and frozen signs."),
        Field("ring", 1, 1, Access.RO, "Rings."),
        Field("protect", 2, 1, Access.RO, "Program, masks, entries and rings are checked as they are read."),
        Field("total", 3, 1, Access.RO, "Of the counters there is only the total."),
        Field("no_pool", 4, 1, Access.RO, "MAXPOOL is an unknown command."),
        Field("no_streams", 5, 1, Access.RO, "MASK_STREAM is an unknown memory."),
        Field("upsample", 6, 1, Access.RO, "Residuals may be half as large as what they are added to."),
        Field("no_watchdog", 7, 1, Access.RO, "There is no register WATCHDOG."),
    )),
    Register("WATCHDOG", 0x38, "Longest inference.", (
        Field("cycles", 0, 32, Access.RW, "Cycles after which an inference is stopped with an error; 0 is never."),
    )),
    *(
        Register(f"{name}_{half}", 0x40 + 8 * i + 4 * (half == "HIGH"), f"{half.lower()} half: {doc}",
                 _whole(Access.RO, "Cycles at the last snapshot."), counter=True)
        for i, (name, doc) in enumerate(COUNTERS)
        for half in ("LOW", "HIGH")
    ),
)


def offset_of(name: str) -> int:
    """Byte offset of the register called ``name``; KeyError if there is none."""
    return {register.name: register.offset for register in REGISTERS}[name]


def counter_names(config: AcceleratorConfig) -> tuple[str, ...]:
    """Names of those of :data:`COUNTERS` that the build has."""
    return tuple(name for name, _ in COUNTERS[: len(COUNTERS) if config.counters == "all" else 1])


def registers_of(config: AcceleratorConfig) -> tuple[Register, ...]:
    """Those of :data:`REGISTERS` that the build has."""
    shown = {f"{name}_{half}" for name in counter_names(config) for half in ("LOW", "HIGH")}
    return tuple(
        register for register in REGISTERS
        if (not register.counter or register.name in shown) and (config.watchdog or register.name != "WATCHDOG")
    )


def identity(config: AcceleratorConfig) -> dict[str, int]:
    """Registers that are constants of a build, by name."""
    bits = (
        True, config.ring_words > 0, config.protect,
        config.counters == "total", not config.max_pool, not config.streams, config.upsample, not config.watchdog,
    )
    features = sum(bit << place for place, bit in enumerate(bits))
    return {"MAGIC": MAGIC, "VERSION": VERSION, "CONFIG_HASH": config.hash, "FEATURES": features}
