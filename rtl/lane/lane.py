"""A lane: everything that an image has for itself, and nothing that decides."""

from typing import Protocol

from amaranth.hdl import ClockSignal, Instance, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import COMMAND
from rtl.base.ports import Entry, PoolStep, weight_bits
from rtl.lane.accumulator import Accumulator
from rtl.lane.activation_memory import ActivationMemory
from rtl.lane.pe_array import PeArray, row_sum_bits
from rtl.lane.pool_maximum import PoolMaximum
from rtl.lane.requantizer_row import RequantizerRow
from spec.commands import ADDRESS_BITS, Source
from spec.config import AcceleratorConfig

__all__ = ["Lane", "LaneControl", "LanePlatform"]


class LaneControl(wiring.Signature):
    """What all lanes are told alike, from the side that tells.

    Parameters
    ----------
    config : AcceleratorConfig

    Members
    -------
    command : Out(COMMAND)
        The command in execution.
    weights : Out(weight_bits(groups)).array(rows)
    x_address, t_address : Out(address_bits)
    x_enable, t_enable : Out(1)
        Reads; the word comes two enabled cycles later.
    inside : Out(1)
        The input word lies in the map; otherwise the PEs get padding (0).
    psum_address : Out(range(psum_depth))
        Psums of the sums of two cycles later.
    sum_valid, add_psum, add_acc, sum_complete, psum_write, psum_write_address
        ``valid``, ``add_psum``, ``add_acc``, ``complete``, ``write`` and ``write_address`` of
        :class:`rtl.lane.accumulator.Accumulator`.
    sum_triple : Out(1)
        Its ``triple``. Only with rings.
    entries : Out(ArrayLayout(Entry, rows))
    residual_column : Out(range(columns))
    pool_step : Out(PoolStep)
    x_write, t_write : Out(1)
        Store a result.
    result_pooled : Out(1)
        It comes from the pool and not from the requantizers.
    result_address : Out(address_bits)
    result_column : Out(range(columns))
    host_address : Out(24)
        In 32-bit parts.
    host_data : Out(32)
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        rows, pixels, columns = config.rows, range(config.psum_depth), range(config.columns)
        super().__init__(({"sum_triple": Out(1)} if config.ring_words else {}) | {
            "command": Out(COMMAND),
            "weights": Out(weight_bits(config.groups)).array(rows),
            "x_address": Out(config.address_bits),
            "t_address": Out(config.address_bits),
            "x_enable": Out(1),
            "t_enable": Out(1),
            "inside": Out(1),
            "psum_address": Out(pixels),
            "sum_valid": Out(1),
            "add_psum": Out(1),
            "add_acc": Out(1),
            "sum_complete": Out(1),
            "psum_write": Out(1),
            "psum_write_address": Out(pixels),
            "entries": Out(data.ArrayLayout(Entry, rows)),
            "residual_column": Out(columns),
            "pool_step": Out(PoolStep),
            "x_write": Out(1),
            "t_write": Out(1),
            "result_pooled": Out(1),
            "result_address": Out(config.address_bits),
            "result_column": Out(columns),
            "host_address": Out(ADDRESS_BITS),
            "host_data": Out(32),
        })

    def __eq__(self, other):
        return type(other) is LaneControl and other.config == self.config

    def __hash__(self):
        return hash((LaneControl, self.config))

    def __repr__(self):
        return f"LaneControl({self.config})"


class LanePlatform(Protocol):
    """A platform that describes the lane once, as a module that all lanes are instances of."""

    lane_module: str


class Lane(wiring.Component):
    """X and T memory, PE array, psums, requantizers and pool maxima of one image.

    All lanes get the same ``control``, so all do the same in the same cycle. None has state that a reset would have to
    clear.

    Timing: sums come :func:`rtl.lane.pe_array.array_latency` cycles after the word they are of stands at the PEs; their
    result can be stored ``1 +`` :data:`rtl.lane.requantizer.Requantizer.LATENCY` cycles later.

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
        Two cycles after ``control.psum_address``.
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
            return self._instance(platform.lane_module)

        m = Module()
        config, control = self.config, self.control
        shape = {"word_bytes": config.word_bytes, "rows": config.rows}
        m.submodules.x = x = ActivationMemory(**shape, words=config.x_words)
        m.submodules.t = t = ActivationMemory(**shape, words=config.t_words)
        m.submodules.array = array = PeArray(groups=config.groups, rows=config.rows)
        m.submodules.accumulator = accumulator = Accumulator(
            rows=config.rows, depth=config.psum_depth, sum_bits=row_sum_bits(config.groups), acc_bits=config.widths.acc,
            rings=config.ring_words > 0,
        )
        m.submodules.requantizers = requantizers = RequantizerRow(**shape, widths=config.widths)
        m.submodules.pool = pool = PoolMaximum(**shape)

        from_t = Signal(reset_less=True)  # a cycle after the command, and a word comes two after its address
        m.d.sync += from_t.eq(control.command.source == Source.T)
        m.d.comb += [
            self.word.eq(Mux(from_t, t.word, x.word)),
            array.word.eq(self.word & control.inside.replicate(len(self.word))),
            *(port.eq(weights) for port, weights in zip(array.weights, control.weights, strict=True)),
            accumulator.read_address.eq(control.psum_address),
            accumulator.valid.eq(control.sum_valid),
            accumulator.add_psum.eq(control.add_psum),
            accumulator.add_acc.eq(control.add_acc),
            accumulator.complete.eq(control.sum_complete),
            accumulator.sums.eq(array.sums),
            accumulator.carries.eq(array.carries),
            accumulator.write.eq(control.psum_write),
            accumulator.write_address.eq(control.psum_write_address),
            self.psum.eq(accumulator.psum),
            requantizers.command.eq(control.command),
            requantizers.acc.eq(accumulator.latest),
            requantizers.entries.eq(control.entries),
            requantizers.residual_word.eq(x.word),
            requantizers.residual_column.eq(control.residual_column),
            pool.step.eq(control.pool_step),
            pool.word.eq(self.word),
        ]
        if config.ring_words:
            m.d.comb += accumulator.triple.eq(control.sum_triple)
        result = Signal(8 * config.rows)
        m.d.comb += result.eq(Mux(control.result_pooled, pool.y, requantizers.y))
        self._connect_memories(m, x, t, result)
        return m

    def _connect_memories(self, m: Module, x: ActivationMemory, t: ActivationMemory, result: Signal) -> None:
        """Both memories take the same result and the same word of the host, where they are told to write it."""
        control = self.control
        for memory, address, enable, write, host_write in (
            (x, control.x_address, control.x_enable, control.x_write, self.host_x),
            (t, control.t_address, control.t_enable, control.t_write, self.host_t),
        ):
            m.d.comb += [
                memory.read_address.eq(address),
                memory.read_enable.eq(enable),
                memory.result_write.eq(write),
                memory.result_address.eq(control.result_address),
                memory.result_column.eq(control.result_column),
                memory.result.eq(result),
                memory.host_write.eq(host_write),
                memory.host_address.eq(control.host_address),
                memory.host_data.eq(control.host_data),
            ]

    def _instance(self, module: str) -> Instance:
        """This lane as an instance of ``module``, whose ports have the names of our members."""
        ports = {
            f"{'i' if member.flow == In else 'o'}_{'__'.join(map(str, path))}": value
            for path, member, value in self.signature.flatten(self)
        }
        return Instance(module, i_clk=ClockSignal(), **ports)
