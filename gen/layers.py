"""What every executed command cost and moved: the numbers of ``layers.json`` and of the page made from it."""

import math
from collections.abc import Mapping, Sequence

from gen.compile import Command, Program
from gen.cycles import CommandCycles, CycleModel
from gen.images import mask_chunks
from gen.plan import LayerPlan
from rtl.base.ports import Cause
from spec.commands import Op
from spec.config import AcceleratorConfig
from spec.layer import POOL, Layer
from spec.order import repetitions

__all__ = ["layers_json", "memory_use", "roofs"]

_RING_WORD_BITS = 32


def layers_json(program: Program, cycles: CycleModel, measured: Sequence[Mapping[str, int]]) -> dict:
    """One record per executed command, in order, then the totals of an inference; units are in the keys.

    MACs and bytes of activations are those of all lanes, cycles and masks are the same for one lane or several.

    Parameters
    ----------
    measured : sequence of counters by name
        What the hardware counted in each command of the last image; empty if nothing was measured.
    """
    config = program.config
    executed = [(c, t) for c, t in program.executed if c.op not in (Op.LOOP, Op.ENDLOOP)]
    known = measured or [None] * len(executed)
    records = [
        _record(command, timing, counters, program)
        for (command, _), timing, counters in zip(executed, cycles.commands, known, strict=True)
    ]
    return {
        "network": program.model.network.name,
        "model_sha256": program.model.hash,
        "pe": config.pe,
        "config": config.to_json() | {"hash": f"{config.hash:08x}"},
        "memory_use": memory_use(program),
        "roofs": roofs(program),
        "totals": _totals(records, program),
        "commands": records,
    }


def _record(command: Command, timing: CommandCycles, counters: Mapping[str, int] | None, program: Program) -> dict:
    config, placed = program.config, command.placed
    layer = placed.layer if placed else None
    took = timing.cycles if counters is None else counters["TOTAL"]
    moved = _moved(command, timing, config)
    mask_bits = _mask_bits(command, config)
    return {
        "label": timing.label,
        "op": command.op.name.lower(),
        "layer": timing.layer,
        "role": str(layer.role) if layer else None,
        "iteration": timing.iteration,
        "iterations": layer.iterations if layer else 1,
        "input_shape": [layer.height, layer.width, layer.inputs] if layer else None,
        "output_shape": [layer.out_height, layer.out_width, layer.outputs] if layer else None,
        "kernel": layer.kernel if layer else None,
        "stride": layer.stride if layer else None,
        "mode": _mode(layer) if timing.passes else None,
        "passes": timing.passes,
        "start_cycle_predicted": timing.start,
        "cycles_predicted": timing.cycles,
        "cycles_measured": None if counters is None else counters["TOTAL"],
        "causes_cycles_predicted": {cause.name.lower(): timing.causes[cause] for cause in Cause},
        "causes_cycles_measured": _causes(counters),
        "dense_equivalent_macs": timing.macs,
        "dense_equivalent_macs_per_pe_and_cycle": timing.macs / (config.pe * took),
        "utilization_percent_of_mode_peak": 100 * timing.macs * timing.passes / (4 * config.pe * took),
        **moved,
        "weight_tile_loads": _weight_tile_loads(command),
        "mask_bits_fetched": mask_bits,
        "mask_bytes_streamed": _streamed_bytes(command, program),
        "macs_per_mask_bit": timing.macs / mask_bits if mask_bits else None,
        "macs_per_activation_byte": timing.macs / sum(moved.values()) if timing.macs else None,
    }


def _computes(command: Command) -> bool:
    return command.op in (Op.CONV, Op.CLASSIFY)


def _moved(command: Command, timing: CommandCycles, config: AcceleratorConfig) -> dict[str, int]:
    """Bytes through the ports of the activation memories: whole words read (padding, too), tiles of rows written.

    Of all lanes; a STORE sends what is in one.
    """
    placed, read, written = command.placed, 0, 0
    if _computes(command):
        read = timing.causes[Cause.ARRAY] * config.word_bytes
        results = placed.layer.positions * placed.tiles
        read += results * config.word_bytes if placed.residual else 0
        written = results * config.rows if placed.destination else 0
    elif command.op is Op.MAXPOOL:
        words = placed.layer.positions * placed.blocks
        read, written = words * POOL.kernel**2 * config.word_bytes, words * config.word_bytes
    elif command.op is Op.STORE and placed.destination and command.fields["source_base"] == placed.destination.base:
        return {"activation_bytes_read": 4 * command.fields["count"], "activation_bytes_written": 0}
    return {"activation_bytes_read": config.lanes * read, "activation_bytes_written": config.lanes * written}


def _weight_tile_loads(command: Command) -> int:
    """Times that a tile of weights is loaded into the array."""
    return repetitions(command.placed.nest) if _computes(command) else 0


def _mask_bits(command: Command, config: AcceleratorConfig) -> int:
    """Bits read from the supermask or the ring memory: every pass and every pixel tile reads its tiles again."""
    if not _computes(command):
        return 0
    placed = command.placed
    fetches = placed.runs * sum(segment.fetches for segment in placed.segments(config))
    return fetches * _fetch_bits(placed, config)


def _fetch_bits(placed: LayerPlan, config: AcceleratorConfig) -> int:
    """Bits of a fetch of masks, or of ring words and their signs."""
    return _RING_WORD_BITS * config.ring_copies if placed.layer.ring else placed.unit * config.mask_unit_bits


def _mode(layer: Layer) -> str:
    """What decides how fast the array runs ``layer``: its mask mode, or ``ringP`` for a ring of P planes."""
    return f"ring{layer.planes}" if layer.ring else str(layer.mode)


def _streamed_bytes(command: Command, program: Program) -> int:
    if not _computes(command) or not command.placed.streamed:
        return 0
    return sum(map(len, mask_chunks(program.model, command.placed, program.config)))


def _causes(counters: Mapping[str, int] | None) -> dict[str, int] | None:
    """Cycles by cause, if the build counts them."""
    if counters is None or Cause.ARRAY.name not in counters:
        return None
    return {cause.name.lower(): counters[cause.name] for cause in Cause}


def _totals(records: Sequence[dict], program: Program) -> dict:
    """Sums over the commands of an inference."""
    pe = program.config.pe

    def total(key: str) -> int:
        return sum(record[key] for record in records)

    measured = None if records[0]["cycles_measured"] is None else total("cycles_measured")
    took = total("cycles_predicted") if measured is None else measured
    peak_cycles = sum(record["dense_equivalent_macs"] * record["passes"] / (4 * pe) for record in records)
    causes = {
        kind: {cause.name.lower(): sum(record[f"causes_cycles_{kind}"][cause.name.lower()] for record in records)
               for cause in Cause}
        for kind in ("predicted", *(() if records[0]["causes_cycles_measured"] is None else ("measured",)))
    }
    return {
        "cycles_predicted": total("cycles_predicted"),
        "cycles_measured": measured,
        "causes_cycles_predicted": causes["predicted"],
        "causes_cycles_measured": causes.get("measured"),
        "dense_equivalent_macs": total("dense_equivalent_macs"),
        "dense_equivalent_macs_per_pe_and_cycle": total("dense_equivalent_macs") / (pe * took),
        "utilization_percent_of_mode_peak": 100 * peak_cycles / took,
        **{key: total(key) for key in (
            "activation_bytes_read", "activation_bytes_written", "weight_tile_loads", "mask_bits_fetched",
            "mask_bytes_streamed",
        )},
    }


def memory_use(program: Program) -> dict[str, dict[str, int]]:
    """Bytes used and there, of every memory that the host or a layer fills; X and T of all lanes."""
    plan, config = program.plan, program.config
    used_bits = {
        "x": 8 * plan.x_words * config.word_bytes * config.lanes,
        "t": 8 * plan.t_words * config.word_bytes * config.lanes,
        "mask": plan.mask_units * config.mask_unit_bits,
        "entries": 32 * plan.entry_rows * config.rows,
        "program": sum(32 * len(command.words) for command in program.commands),
    }
    if config.ring_words:
        used_bits["ring"] = 32 * plan.ring_words
    return {
        name: {"used_bytes": math.ceil(bits / 8), "available_bytes": math.ceil(config.memory_bits[name] / 8)}
        for name, bits in used_bits.items()
    }


def roofs(program: Program) -> dict[str, dict[str, float]]:
    """Per mode that occurs: the most MAC that the array does in a cycle, the mask or ring bits that arrive in one."""
    config, found = program.config, {}
    for placed in program.plan.layers:
        found[_mode(placed.layer)] = {
            "peak_macs_per_cycle": 4 * config.pe / placed.layer.passes,
            "mask_port_bits_per_cycle": _fetch_bits(placed, config),
        }
    return found
