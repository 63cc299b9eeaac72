"""`python -m gen.check MODEL --pe N`: everything that keeps a model from running on a build, with remedies.

A model that passes compiles, and runs.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.table import Table

from console.command import CommandParser, add_json
from console.record import json_text
from console.screen import screen
from gen.loops import loops_of
from gen.options import add_build_options, config_from
from gen.plan import LayerPlan, Plan, command_count, plan
from spec.commands import FIELDS, RING_UNIT, RUNS_MAX
from spec.config import MEMORY_LIMITS, PSUM_DEPTHS, AcceleratorConfig
from spec.layer import Layer, Role
from spec.model import Model, load
from spec.refusal import run_command
from spec.supermask import GROUP

__all__ = ["Problem", "main", "parser", "problems"]

_LIMITS = {field.name: (1 << field.width) - 1 for field in FIELDS}


@dataclass(frozen=True)
class Problem:
    """One reason why a model cannot run: where, why, and what to change."""

    layer: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.reason}; {self.remedy}"


def problems(model: Model, config: AcceleratorConfig, *, commands: int) -> list[Problem]:
    """All problems of ``model`` on ``config``, in network order, then those of the whole network.

    ``commands`` is the length of its program.
    """
    network = model.network
    planned = plan(network, config)
    found: list[Problem] = []
    for layer in (step.layer for step in network.once):
        found += (_pool_problems if layer.role is Role.POOL else _layer_problems)(planned.of(layer), config)
        found += _sum_problems(model, layer, config)
    needs = (
        ("X memory", planned.x_words * config.word_bytes, config.x_bytes, "bytes", "--x-bytes", config.word_bytes),
        ("T memory", planned.t_words * config.word_bytes, config.t_bytes, "bytes", "--t-bytes", config.word_bytes),
        ("mask memory", planned.mask_units * config.mask_unit_bits, config.mask_bits, "bits", "--mask-bits",
         config.mask_word_bits),
        ("entry memory", planned.entry_rows * config.rows, config.entries, "entries", "--entries", config.rows),
        ("program memory", commands, config.commands, "commands", "--commands", 1),
    )
    for memory, need, have, unit, option, multiple in needs:
        if memory == "mask memory" and planned.slot_units:
            continue
        if need > have:
            enough, most = -(-need // multiple) * multiple, MEMORY_LIMITS[option.strip("-").replace("-", "_")][2]
            larger = f"build with {option} {enough} or use a smaller network"
            if memory == "mask memory" and not config.streams:
                larger = f"build with {option} {enough}, or without --lean and --no-streams"
            found.append(Problem(
                "network", f"needs {need} {unit} of {memory}, {need - have} more than the {have} there are",
                larger if enough <= most else f"use a smaller network: a build has at most {most}",
            ))
    found += _stream_problems(planned, config) + _ring_problems(planned, config)
    for turns in loops_of(network):
        if len(turns) > RUNS_MAX:
            block = turns[0][0].block
            found.append(Problem(
                block.name, f"runs {block.iterations} iterations, but a loop counts to {RUNS_MAX}",
                f"train it with at most {RUNS_MAX} iterations, or as {-(-block.iterations // RUNS_MAX)} blocks",
            ))
    return found


def _pool_problems(pool: LayerPlan, config: AcceleratorConfig) -> list[Problem]:
    missing = [] if config.max_pool else [Problem(
        pool.layer.name, "is a max pool, but the build has none", "build without --lean and --no-max-pool",
    )]
    return missing + _map_problems(pool)


def _stream_problems(planned: Plan, config: AcceleratorConfig) -> list[Problem]:
    """Masks that do not stay need two slots, each for the masks of an m-tile."""
    need, have = planned.mask_units * config.mask_unit_bits, config.mask_bits
    if not planned.slot_units or need <= have:
        return []
    largest = max((placed for placed in planned.layers if placed.streamed), key=lambda placed: placed.chunk_units)
    enough = -(-need // config.mask_word_bits) * config.mask_word_bits
    return [Problem(
        largest.layer.name,
        f"is streamed in chunks of {planned.slot_units * config.mask_unit_bits} bits, and with room for two the "
        f"network needs {need} bits of mask memory, {need - have} more than the {have} there are",
        f"build with --mask-bits {enough}, with fewer --rows (a chunk is the mask of that many output channels), or "
        "give the layer fewer input channels",
    )]


def _ring_problems(planned: Plan, config: AcceleratorConfig) -> list[Problem]:
    """Rings stay on the chip, every plane of them."""
    need, have = planned.ring_words, config.ring_words
    if need <= have:
        return []
    enough, most = -(-need // RING_UNIT) * RING_UNIT, MEMORY_LIMITS["ring_words"][2]
    if enough > most:
        return [Problem(
            "network", f"needs {need} words of ring memory, but a build has at most {most}",
            "give its rings fewer words or planes",
        )]
    if not have:
        return [Problem(
            name, "is a ring that layers draw their weights from, but the build knows no rings",
            f"build with --features masks,ring --ring-words {enough}, or train its layers with masks",
        ) for name in planned.rings]
    return [Problem(
        "network", f"needs {need} words of ring memory, {need - have} more than the {have} there are",
        f"build with --ring-words {enough}, or give its rings fewer words or planes",
    )]


def _layer_problems(placed: LayerPlan, config: AcceleratorConfig) -> list[Problem]:
    layer = placed.layer
    found = _map_problems(placed)
    if layer.ring is None and layer.mode not in config.modes:
        found.append(Problem(
            layer.name, f"is {layer.mode}, but the build supports only {', '.join(config.modes)}",
            f"build with --modes including {layer.mode} or train the layer in another mode",
        ))
    if placed.residual_half and not config.upsample:
        found.append(Problem(
            layer.name, "adds a residual of half its size, but the build knows none", "build with --upsample",
        ))
    if layer.role is Role.CLASSIFIER:
        if layer.outputs > config.classes_max:
            found.append(Problem(
                layer.name, f"has {layer.outputs} classes, but psums for {config.classes_max}",
                _psum_remedy(layer.outputs, config),
            ))
        if layer.positions > _LIMITS["run"]:
            found.append(Problem(
                layer.name, f"sums {layer.positions} positions, but a run has at most {_LIMITS['run']} pixels",
                "use more stages with stride 2",
            ))
    return found


def _sum_problems(model: Model, layer: Layer, config: AcceleratorConfig) -> list[Problem]:
    """The model's own limits are those of a build that gives its sums as many bits as any."""
    have = config.widths.acc
    if layer.role is Role.POOL or have >= layer.widths.acc:
        return []
    need = model.psum_bits(layer)
    return [] if need <= have else [Problem(
        layer.name, f"can reach sums of {need} bits, but the build's have {have}",
        f"build with --psum-bits {need}, train the layer at a lower density or give it fewer input channels",
    )]


def _psum_remedy(classes: int, config: AcceleratorConfig) -> str:
    """The options of the least change that gives every one of ``classes`` a psum."""
    depth, most = -(-classes // config.rows), PSUM_DEPTHS[1]
    if depth <= most:
        return f"build with --psum-depth {depth}"
    rows = 1 << (-(-classes // most) - 1).bit_length()
    groups = max(config.groups, rows // GROUP)
    return (
        f"build with --pe {groups * rows * config.lanes} --groups {groups} --rows {rows} --lanes {config.lanes} "
        f"--psum-depth {max(config.psum_depth, -(-classes // rows))}"
    )


def _map_problems(placed: LayerPlan) -> list[Problem]:
    layer = placed.layer
    smaller, words = "use a smaller one", "use fewer channels, or a build with more --groups"
    return [
        Problem(layer.name, f"has {what} {value}, but a command holds at most {_LIMITS[field]}", remedy)
        for what, value, field, remedy in (
            ("kernel", layer.kernel, "kernel", smaller), ("stride", layer.stride, "stride", smaller),
            ("padding", layer.pad, "pad", smaller), ("input height", layer.height, "height", "use smaller images"),
            ("input width", layer.width, "width", "use smaller images"),
            ("words per input pixel", placed.blocks, "blocks", words),
            ("tiles of output channels", placed.tiles, "tiles", "use fewer channels, or a build with more --rows"),
            ("pixel tiles", placed.pixel_tiles, "pixel_tiles", "use smaller images, or a larger --psum-depth"),
            ("output pixels", layer.positions, "out_pixels", "use smaller images"),
        )
        if value > _LIMITS[field]
    ]


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m gen.check", description=__doc__.splitlines()[0])
    made.add_argument("model", help="model file (.safetensors)")
    add_json(made, "the problems")
    add_build_options(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Check a model against a build; exit 0 if it fits, 2 if it does not."""
    arguments = parser().parse_args(argv)
    model = load(arguments.model)
    config = config_from(arguments, model.network)
    found = problems(model, config, commands=command_count(model.network, config.lanes))
    if arguments.json:
        print(json_text({"problems": [asdict(problem) for problem in found]}), end="")
    elif found:
        table = Table("layer", "problem", "remedy", title=f"{model.network.name} on {config.pe} PEs")
        for problem in found:
            table.add_row(problem.layer, problem.reason, problem.remedy)
        screen().print(table)
    else:
        print(f"{model.network.name} fits {config.pe} PEs")
    return 2 if found else 0


if __name__ == "__main__":
    run_command(main)
