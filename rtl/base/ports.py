"""What crosses from one wing to another: every struct and signature, so that a wing is known by its ports alone."""

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import Out

from rtl.base.command import COMMAND
from spec.config import AcceleratorConfig
from spec.numerics import BIAS_BITS, MULTIPLIER_BITS
from spec.packets import Target

__all__ = [
    "AXI_BITS", "INDEX_BITS", "WRITE_ADDRESS_BITS", "Boundary", "Cause", "Chunk", "CommandError",
    "Entry", "FrameWord", "LaneControl", "MemoryFault", "MemoryWrite", "PoolStep", "Position", "ReadStep", "StoreStep",
    "SumStep", "TileFetch", "Weight", "WordFault", "WritePort", "weight_bits",
]

AXI_BITS = 32  #: Data width of the host's two buses, and of the words they carry.
INDEX_BITS = 16  #: Bits of the index of a command in the program.
WRITE_ADDRESS_BITS = 24  #: Bits of the address of a 32-bit word.


class Cause(enum.Enum, shape=3):
    """What a running cycle was spent on: the entries of ``COUNTERS`` after the total, in order."""

    ARRAY = 0  #: A pixel word is in the PE array.
    WEIGHT_LOAD = 1  #: The array waits for weights that are arriving.
    MASK_WAIT = 2  #: The array waits for weights and the supermask memory delivered none.
    DRAIN = 3  #: Sums leave the array, or a short run is kept apart from its predecessor.
    REQUANTIZE = 4  #: Results pass the requantizers, and the array is empty or would make more than may wait.
    POOL = 5  #: The max pool works.
    HOST = 6  #: An output frame is read out, or waits for the host.
    SEQUENCER = 7  #: Anything else.


class Boundary(wiring.Signature):
    """A signature that equals another of its class with the same members."""

    def __eq__(self, other):
        return type(other) is type(self) and other.members == self.members

    def __hash__(self):
        return hash((type(self), tuple(self.members)))


class MemoryWrite(Boundary):
    """Writes of 32-bit words, from the writer's side. There is no back-pressure: every memory takes a word a cycle.

    Parameters
    ----------
    lanes : int

    Members
    -------
    en : Out(1)
        Write in this cycle.
    target : Out(Target)
        Memory to write.
    lane : Out(range(lanes))
        Whose memory, for those of ``spec.packets.PER_LANE``.
    address : Out(24)
        Which 32-bit word of it; wider memory words are numbered lowest part first.
    data : Out(32)
        The word.
    clear : Out(1)
        Instead of ``en``: write ``data``, which is 0, to that word of X and of T in every lane.
    """

    def __init__(self, lanes: int):
        super().__init__({
            "en": Out(1), "target": Out(Target), "lane": Out(range(lanes)), "address": Out(WRITE_ADDRESS_BITS),
            "data": Out(AXI_BITS), "clear": Out(1),
        })


class WritePort(Boundary):
    """Writes to one memory, at most one a cycle, from the writer's side.

    Parameters
    ----------
    width, depth : int
        Bits of a word, and words.
    part : int
        Bits per enable; divides ``width``. The whole word by default.

    Members
    -------
    address : Out(range(depth))
    data : Out(width)
    enable : Out(width // part)
        One bit per part of the word that is written.
    """

    def __init__(self, *, width: int, depth: int, part: int | None = None):
        super().__init__({
            "address": Out(range(depth)), "data": Out(width), "enable": Out(width // (part or width)),
        })


class WordFault(Boundary):
    """A word of a memory was not the one that was written.

    Parameters
    ----------
    depth : int
        Words of the memory.

    Members
    -------
    valid : Out(1)
    address : Out(range(depth))
        Which word, while ``valid``.
    """

    def __init__(self, depth: int):
        super().__init__({"valid": Out(1), "address": Out(range(depth))})


class ReadStep(Boundary):
    """A read of an activation memory; the word comes two enabled cycles later.

    Parameters
    ----------
    address_bits : int
        Of a word address.

    Members
    -------
    address : Out(address_bits)
    enable : Out(1)
    """

    def __init__(self, address_bits: int):
        super().__init__({"address": Out(address_bits), "enable": Out(1)})


class StoreStep(Boundary):
    """A column of results is stored in an activation memory.

    Parameters
    ----------
    address_bits : int
        Of a word address.
    columns : int
        Parts of a word that the rows of the array write one by one.

    Members
    -------
    enable : Out(1)
    address : Out(address_bits)
    column : Out(range(columns))
    """

    def __init__(self, address_bits: int, columns: int):
        super().__init__({"enable": Out(1), "address": Out(address_bits), "column": Out(range(columns))})


class SumStep(Boundary):
    """What happens to the psums in one cycle: see :class:`rtl.lane.accumulator.Accumulator`.

    Parameters
    ----------
    depth : int
        Pixels of the psum memory.
    rings : bool
        There is a ``triple``.
    results_depth : int
        Pixels whose finished sums wait; 0 if they do not.

    Members
    -------
    read_address : Out(range(depth))
        Pixel of the sums of two cycles later.
    valid, add_psum : Out(1)
        Of the sums in this cycle.
    keep : Out(1)
        Until the next sums, which are added to it, the sum of this cycle, or, if it has none, what was kept before.
    complete : Out(1)
        Likewise: the last ones of their pixel. Only where finished sums do not wait.
    triple : Out(1)
        Likewise: what they are added to counts three times. Only with ``rings``.
    write : Out(1)
        Store the sum that was computed in the last cycle.
    write_address : Out(range(depth))
    finish : Out(1)
        Let the sum that was computed in the last cycle wait. Only where finished sums wait.
    finish_address, taken_address : Out(range(results_depth))
        Where it waits, and which finished sums are wanted two cycles later. Likewise.
    """

    def __init__(self, depth: int, *, rings: bool = False, results_depth: int = 0):
        leaves = "finish" if results_depth else "complete"
        flags = ("valid", "add_psum", "keep", leaves, "write", *(("triple",) if rings else ()))
        addresses = {name: Out(range(depth)) for name in ("read_address", "write_address")}
        if results_depth:
            addresses |= {name: Out(range(results_depth)) for name in ("finish_address", "taken_address")}
        super().__init__(addresses | {name: Out(1) for name in flags})


class Chunk(data.Struct):
    """A chunk of supermasks that lies in the mask memory, whole, in 32-bit words ``first`` to before ``end``."""

    valid: 1
    first: WRITE_ADDRESS_BITS
    end: WRITE_ADDRESS_BITS + 1


class MemoryFault(data.Struct):
    """A word of a memory was not the one that was written: which memory, and the first of its 32-bit words."""

    valid: 1
    address: WRITE_ADDRESS_BITS
    target: Target


class FrameWord(data.Struct):
    """One word of a frame."""

    data: AXI_BITS
    last: 1


class CommandError(data.Struct):
    """The sequencer met an unknown command; ``info`` is its index in the one cycle that ``valid`` is 1."""

    valid: 1
    info: AXI_BITS


class Position(data.Struct):
    """Where the sequencer is."""

    command: INDEX_BITS
    iteration: 16


class TileFetch(data.Struct):
    """One fetch: the weights of ``weight_rows`` rows of a tile in one pass."""

    valid: unsigned(1)
    unit: unsigned(32)  #: Address in the supermask memory, in units.
    index: unsigned(7)  #: Which fetch of the tile, so which rows.
    last: unsigned(1)  #: Last rows of the tile.
    start: unsigned(1)  #: First weights of new output channels: take the next streams.
    rewind: unsigned(1)  #: First weights of another pixel tile or plane: go back to the start of the streams.
    commit: unsigned(1)  #: Last pass: move the streams on.
    second: unsigned(1)  #: Second of two passes.
    partial: unsigned(1)  #: Last n-block: only ``groups`` groups and ``words`` sign words are there.
    groups: unsigned(7)
    words: unsigned(5)


class Weight(data.Struct):
    """What one PE adds in one pass."""

    select: unsigned(2)  #: Which of the group's :class:`rtl.lane.candidates.Candidates`.
    negate: unsigned(1)  #: Its negative.
    idle: unsigned(1)  #: Nothing instead: the pass keeps no channel of the group. A reset, as flip-flops have it.


def weight_bits(groups: int) -> int:
    """Bits of the weights of a row: of ``ArrayLayout(Weight, groups)``."""
    return Shape.cast(data.ArrayLayout(Weight, groups)).width


class Entry(data.Struct):
    """Batch-norm entry of one channel and iteration."""

    multiplier: signed(MULTIPLIER_BITS)
    bias: signed(BIAS_BITS)


class PoolStep(data.Struct):
    """What happens in one cycle of a max pool."""

    first: unsigned(1)  #: The word that arrives is the first of a window.
    inside: unsigned(1)  #: It lies in the map; otherwise it is padding (0).
    keep: unsigned(1)  #: The maximum of a window is complete.


class LaneControl(Boundary):
    """What all lanes are told alike, from the side that tells.

    Parameters
    ----------
    config : AcceleratorConfig

    Members
    -------
    command : Out(COMMAND)
        The command in execution.
    weights : Out(weight_bits(groups)).array(rows)
    x_read, t_read : Out(ReadStep(address_bits))
    inside : Out(1)
        The input word lies in the map; otherwise the PEs get padding (0).
    second : Out(1)
        It meets the second pair of every group.
    sum : Out(SumStep(psum_depth))
    entries : Out(ArrayLayout(Entry, requantizers))
    residual_column : Out(range(columns * rows_per_requantizer))
    sums_turn, result_turn : Out(range(rows_per_requantizer))
        Whose turn it is among the rows of a requantizer: of the finished sums that were read, and of the result that
        leaves. Only if rows take turns.
    pool_step : Out(PoolStep)
    store : Out(StoreStep(address_bits, columns))
        A result, to X.
    store_t : Out(1)
        To T instead.
    pooled : Out(1)
        It comes from the pool and not from the requantizers.
    host_address : Out(24)
        In 32-bit parts.
    host_data : Out(32)
    """

    def __init__(self, config: AcceleratorConfig):
        turns = config.rows_per_requantizer
        taking_turns = {name: Out(range(turns)) for name in ("sums_turn", "result_turn")} if turns > 1 else {}
        super().__init__(taking_turns | {
            "command": Out(COMMAND),
            "weights": Out(weight_bits(config.groups)).array(config.rows),
            "x_read": Out(ReadStep(config.address_bits)),
            "t_read": Out(ReadStep(config.address_bits)),
            "inside": Out(1),
            "second": Out(1),
            "sum": Out(SumStep(
                config.psum_depth, rings=config.ring_words > 0, results_depth=config.results_depth
            )),
            "entries": Out(data.ArrayLayout(Entry, config.requantizers)),
            "residual_column": Out(range(config.columns * turns)),
            "pool_step": Out(PoolStep),
            "store": Out(StoreStep(config.address_bits, config.columns)),
            "store_t": Out(1),
            "pooled": Out(1),
            "host_address": Out(WRITE_ADDRESS_BITS),
            "host_data": Out(AXI_BITS),
        })
