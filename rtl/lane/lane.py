"""A lane: everything that an image has for itself, and nothing that decides."""

from typing import Protocol

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.choice import CHOICE_MODULES, ByteChoice
from rtl.base.command import in_pairs
from rtl.base.mapped import Mapped, instance_of
from rtl.base.ports import LaneControl
from rtl.lane.accumulator import Accumulator
from rtl.lane.activation_memory import ActivationMemory
from rtl.lane.pair_sums import PAIR_MODULE, PairSums
from rtl.lane.pe_array import PeArray, array_latency, row_sum_bits
from rtl.lane.pool_maximum import PoolMaximum
from rtl.lane.product import PRODUCT_MODULE, Product
from rtl.lane.requantizer import BIAS_SHIFT, RESIDUAL_SHIFT, WINDOW_SHIFT, new_shifters
from rtl.lane.requantizer_row import RequantizerRow
from rtl.lane.total import TOTAL_MODULE, Total
from spec.commands import Source
from spec.config import AcceleratorConfig
from spec.numerics import MASK_WIDTHS, Widths

__all__ = ["MAPPED_MODULES", "WORD_TRAVEL", "Lane", "LanePlatform", "new_mapped", "sums_latency"]

#: Cycles that a word takes from its memory to those who calculate with it: block RAMs lie all over the chip.
WORD_TRAVEL = 1


def sums_latency(groups: int) -> int:
    """Cycles from a word that its memory has read to its sums."""
    return WORD_TRAVEL + array_latency(groups)


class LanePlatform(Protocol):
    """A platform that describes the lane once, as a module that all lanes are instances of."""

    lane_module: str


#: Names of the modules that small parts of a design are; a build may do without some.
MAPPED_MODULES = (
    BIAS_SHIFT, RESIDUAL_SHIFT, WINDOW_SHIFT, PRODUCT_MODULE, PAIR_MODULE, TOTAL_MODULE, *CHOICE_MODULES.values(),
)


def new_mapped(widths: Widths) -> list[Mapped]:
    """One part of each of :data:`MAPPED_MODULES`, in that order, as a build of these ``widths`` may have them."""
    usual = widths if widths.z <= MASK_WIDTHS.z else MASK_WIDTHS
    return [*new_shifters(usual), Product(), PairSums(), Total(usual.acc), *map(ByteChoice, CHOICE_MODULES)]


class Lane(wiring.Component):
    """X and T memory, PE array, psums, requantizers and pool maxima, if the build has them, of one image.

    All lanes get the same ``control``, so all do the same in the same cycle. None has state that a reset would have to
    clear.

    Timing: sums come :func:`sums_latency` cycles after their word was read, and with it ``control.inside`` and
    ``control.second``; what the max pool does with it comes a cycle later, the weights that it meets two. The
    result can be stored ``1 +`` :data:`rtl.lane.requantizer.Requantizer.LATENCY` cycles later, or, where rows take
    turns, when :class:`rtl.control.results.Results` says so.

    Parameters
    ----------
    config : AcceleratorConfig

    Members
    -------
    control : In(LaneControl(config))
    host_x, host_t : In(1)
        The host writes to this lane's memory.
    word : Out(8 * word_bytes)
        The input word.
    psum : Out(ArrayLayout(signed(config.widths.acc), rows))
        Two cycles after ``control.sum.read_address``.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        super().__init__({
            "control": In(LaneControl(config)),
            "host_x": In(1),
            "host_t": In(1),
            "word": Out(8 * config.word_bytes),
            "psum": Out(data.ArrayLayout(signed(config.widths.acc), config.rows)),
        })

    def elaborate(self, platform: LanePlatform | None):
        if hasattr(platform, "lane_module"):
            return instance_of(self, platform.lane_module)

        m = Module()
        config, control = self.config, self.control
        shape, address_bits = {"word_bytes": config.word_bytes, "rows": config.rows}, config.address_bits
        m.submodules.x = x = ActivationMemory(**shape, words=config.x_words, address_bits=address_bits)
        m.submodules.t = t = ActivationMemory(**shape, words=config.t_words, address_bits=address_bits)
        m.submodules.array = array = PeArray(
            groups=config.groups, rows=config.rows, all_pairs=config.pairs
        )
        m.submodules.accumulator = accumulator = Accumulator(
            rows=config.rows, depth=config.psum_depth, sum_bits=row_sum_bits(config.groups), acc_bits=config.widths.acc,
            rings=config.ring_words > 0, results_depth=config.results_depth,
        )
        turns = config.rows_per_requantizer
        m.submodules.requantizers = requantizers = RequantizerRow(**shape, turns=turns, widths=config.widths)

        word, inside, second = Signal.like(self.word, reset_less=True), Signal(reset_less=True), Signal(reset_less=True)
        m.d.sync += [word.eq(self.word), inside.eq(control.inside), second.eq(control.second)]
        from_t = Signal(reset_less=True)  # a cycle after the command, and a word comes two after its address
        m.d.sync += from_t.eq(control.command.source == Source.T)
        m.d.comb += [
            self.word.eq(Mux(from_t, t.word, x.word)),
            array.word.eq(word),
            array.inside.eq(inside),
            array.pairs.eq(in_pairs(control.command, config.pairs)),
            array.second.eq(second),
            *(port.eq(weights) for port, weights in zip(array.weights, control.weights, strict=True)),
            accumulator.sums.eq(array.sums),
            accumulator.carries.eq(array.carries),
            self.psum.eq(accumulator.psum),
            requantizers.command.eq(control.command),
            requantizers.acc.eq(accumulator.latest),
            requantizers.entries.eq(control.entries),
            requantizers.residual_word.eq(x.word),
            requantizers.residual_column.eq(control.residual_column),
        ]
        if turns > 1:
            m.d.comb += [
                requantizers.sums_turn.eq(control.sums_turn), requantizers.result_turn.eq(control.result_turn)
            ]
        wiring.connect(m, wiring.flipped(control.sum), accumulator.step)
        result = Signal(8 * config.rows)
        m.d.comb += result.eq(requantizers.y)
        if config.max_pool:
            m.submodules.pool = pool = PoolMaximum(**shape)
            m.d.comb += [
                pool.step.eq(control.pool_step), pool.column.eq(control.store.column), pool.word.eq(word)
            ]
            with m.If(control.pooled):
                m.d.comb += result.eq(pool.y)
        self._connect_memories(m, x, t, result)
        return m

    def _connect_memories(self, m: Module, x: ActivationMemory, t: ActivationMemory, result: Signal) -> None:
        """Both memories take the same result and the same word of the host, where they are told to write it."""
        control = self.control
        for memory, read, meant, host_write in (
            (x, control.x_read, ~control.store_t, self.host_x), (t, control.t_read, control.store_t, self.host_t),
        ):
            wiring.connect(m, wiring.flipped(read), memory.read)
            wiring.connect(m, wiring.flipped(control.store), memory.store)
            m.d.comb += [
                memory.meant.eq(meant),
                memory.result.eq(result),
                memory.host.enable.eq(host_write),
                memory.host.address.eq(control.host_address),
                memory.host.data.eq(control.host_data),
            ]
