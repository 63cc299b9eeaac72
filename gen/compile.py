"""A model and a build become a program: commands, memory contents, and the frames it will send."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from gen.check import problems
from gen.images import entry_image, image_words, mask_chunks, mask_image, ring_image, tensor_from_words
from gen.loops import Run, loops_of
from gen.plan import LayerPlan, Plan, command_count, plan
from spec.commands import ADDRESS_BITS, RING_UNIT, Op, Source, encode, halves
from spec.config import AcceleratorConfig
from spec.golden import check_images
from spec.layer import Layer, Role
from spec.model import Model
from spec.network import Network
from spec.numerics import ACTIVATION_BITS
from spec.packets import Target, chunk_packet, packet
from spec.refusal import Refused
from spec.ring import row_words
from spec.steps import Step
from spec.supermask import GROUP, Mode

__all__ = ["Command", "Frame", "Program", "compile_model"]


@dataclass(frozen=True)
class Command:
    """One command of a program and what it is for.

    ``placed`` is the layer it runs or stores, in ``iteration``, None for loops, the logits and the end. Within a loop,
    ``later`` is what it is in the turns after the first one: the same but for its entries, perhaps of other layers.
    """

    op: Op
    label: str
    fields: dict[str, int] = field(default_factory=dict)
    placed: LayerPlan | None = None
    iteration: int = 0
    later: tuple["Command", ...] = ()

    @property
    def words(self) -> np.ndarray:
        """Its 32-bit words."""
        return encode(self.op, **self.fields)


@dataclass(frozen=True)
class Frame:
    """One frame the accelerator sends: what ``step`` stored in ``lane``, or the logits if it is a classifier."""

    step: Step
    lane: int
    byte_count: int
    placed: LayerPlan
    config: AcceleratorConfig

    def decode(self, payload: bytes) -> np.ndarray:
        """Its tensor: (OH, OW, M) uint8 or int8, or int32 logits (classes,).

        Raises
        ------
        Refused
            If the payload has another length.
        """
        if len(payload) != self.byte_count:
            raise Refused(
                f"Frame of layer {self.step.layer.name} has {len(payload)} bytes, not {self.byte_count}: "
                "the accelerator runs another program"
            )
        if self.step.layer.role is Role.CLASSIFIER:
            return np.frombuffer(payload, "<i4")
        return tensor_from_words(payload, self.placed, self.config)


@dataclass(frozen=True)
class Program:
    """A model compiled for a build.

    Parameters
    ----------
    model : Model
    config : AcceleratorConfig
    plan : Plan
    commands : tuple of Command
    traced : bool
        Whether every stored tensor is sent, for debugging, or just the logits.
    start : int
        Index of the first command.
    """

    model: Model
    config: AcceleratorConfig
    plan: Plan
    commands: tuple[Command, ...]
    traced: bool
    start: int

    @cached_property
    def packets(self) -> tuple[bytes, ...]:
        """Packets that load program, the masks that stay, rings and entries."""
        first = self.plan.layers[0]
        program = np.concatenate([command.words for command in self.commands]).astype("<u4").tobytes()
        mask_address = self.plan.mask_unit * self.config.mask_unit_bits // 32
        masks = mask_image(self.model, self.plan, self.config)
        rings = ring_image(self.model, self.plan)
        return (
            packet(Target.PROGRAM, self.start * len(self.commands[0].words), program),
            *([packet(Target.MASK, mask_address, masks)] if masks else []),
            *([packet(Target.RING, self.plan.ring_word, rings)] if rings else []),
            packet(Target.ENTRIES, first.entry_row * self.config.rows, entry_image(self.model, self.plan, self.config)),
        )

    @cached_property
    def stream_packets(self) -> tuple[bytes, ...]:
        """Packets to send, in this order, during every inference: masks that do not stay. None if all stay."""
        streamed = [c.placed for c, _ in self.executed if c.op in (Op.CONV, Op.CLASSIFY) and c.placed.streamed]
        chunks = {placed: mask_chunks(self.model, placed, self.config) for placed in dict.fromkeys(streamed)}
        return tuple(
            chunk_packet(number, self.plan.slot(number) * self.config.mask_unit_bits // 32, chunk)
            for number, chunk in enumerate(chunk for placed in streamed for chunk in chunks[placed])
        )

    def image_packet(self, image: np.ndarray, lane: int = 0) -> bytes:
        """Packet that loads one raw uint8 (H, W, C) image into ``lane``; refused if it has another size, or if there is
        no such lane.
        """
        if not 0 <= lane < self.config.lanes:
            raise Refused(f"There is no lane {lane}: this build has {self.config.lanes}, counted from 0")
        check_images(self.model, np.asarray(image)[None])
        source = self.plan.layers[0].source
        address = source.base * self.config.word_bytes // 4
        return packet(Target.T, address, image_words(self.model, np.asarray(image), self.config), lane)

    @cached_property
    def executed(self) -> tuple[tuple[Command, int], ...]:
        """Commands in the order they run, loops unrolled, each with its iteration; loop commands and end included."""
        order, index, body, turn = [], 0, 0, 0
        while True:
            command = self.commands[index]
            now = command.later[turn - 1] if turn and command.later else command
            order.append((now, now.iteration))
            index += 1
            if command.op is Op.HALT:
                return tuple(order)
            if command.op is Op.LOOP:
                body, left = index, command.fields["iterations"] - 1
            elif command.op is Op.ENDLOOP:
                turn = turn + 1 if left else 0
                if left:
                    index, left = body, left - 1

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """Frames of one inference in the order they are sent: one tensor after another, each lane by lane."""
        return tuple(
            Frame(
                self.model.network.step(c.placed.layer.name, iteration), c.fields["lane"], 4 * c.fields["count"],
                c.placed, self.config,
            )
            for c, iteration in self.executed
            if c.op is Op.STORE
        )

    @property
    def bases_after(self) -> dict[str, int]:
        """Where :func:`compile_model` is to put a program that stays resident behind this one."""
        return {
            "command_base": self.start + len(self.commands),
            "mask_base": self.plan.mask_unit + self.plan.mask_units,
            "entry_base": self.plan.layers[0].entry_row + self.plan.entry_rows,
            "ring_base": self.plan.ring_word + self.plan.ring_words,
        }

    @cached_property
    def frames_by_lane(self) -> tuple[tuple[Frame, ...], ...]:
        """For every lane the frames of its image, in the order they are sent."""
        return tuple(tuple(f for f in self.frames if f.lane == lane) for lane in range(self.config.lanes))


def compile_model(
    model: Model,
    config: AcceleratorConfig,
    *,
    trace: bool = False,
    command_base: int = 0,
    mask_base: int = 0,
    entry_base: int = 0,
    ring_base: int = 0,
) -> Program:
    """Compile ``model`` for ``config``, to be loaded from the given bases on (command index, mask unit, entry row, ring
    word).

    With ``trace`` every layer is followed by a STORE per lane of what it wrote.

    Raises
    ------
    Refused
        If it does not fit, with the first problem that :mod:`gen.check` finds, and how many there are.
    """
    network = model.network
    count = command_count(network, config.lanes, traced=trace)
    found = problems(model, config, commands=count)
    if found:
        more = f" ({len(found) - 1} more are listed by python -m gen.check)" if found[1:] else ""
        raise Refused(f"Network {network.name} cannot run on this build{more}: {found[0]}")
    aligned = max(2, 32 // config.mask_unit_bits)  # masks come in whole 32-bit words and in pairs of units
    planned = plan(
        network, config, mask_unit=-(-mask_base // aligned) * aligned, entry_row=entry_base, ring_word=ring_base
    )
    for what, end, have in (
        ("program memory", command_base + count, config.commands),
        ("mask memory", planned.mask_unit + planned.mask_units, config.mask_bits // config.mask_unit_bits),
        ("entry memory", entry_base + planned.entry_rows, config.entry_rows),
        ("ring memory", ring_base + planned.ring_words if planned.ring_words else 0, config.ring_words),
    ):
        if end > have:
            raise Refused(f"Network {network.name} ends at {end} in {what} of {have}; load fewer models or enlarge it")

    def made(layer: Layer, iteration: int = 0) -> list[Command]:
        placed = planned.of(layer)
        pools = layer.role is Role.POOL
        command = _pool_command(placed) if pools else _layer_command(model, placed, network, config)
        if iteration:
            command.fields["entry_base"] += iteration * planned.entry_steps[layer.block]
        stores = _store_commands(placed, config) if trace and layer.role is not Role.CLASSIFIER else []
        return [replace(each, iteration=iteration) for each in (command, *stores)]

    def body(turn: list[Run]) -> list[Command]:
        layers = [(layer, run.iteration) for run in turn for layer in network.block_layers(run.block)]
        return [command for layer, iteration in layers for command in made(layer, iteration)]

    commands: list[Command] = made(network.layers[0])
    if network.pool:
        commands += made(network.pool)
    for turns in loops_of(network):
        commands += _loop(turns, [body(turn) for turn in turns])
    commands += made(network.layers[-1])
    head = planned.layers[-1]
    if not network.head.stored:
        logits = {"source": Source.PSUM, "count": head.layer.outputs}
        commands += _in_every_lane("store logits", logits, head, config)
    elif not trace:
        commands += _store_commands(head, config)
    commands.append(Command(Op.HALT, "halt"))
    return Program(model, config, planned, tuple(commands), trace, command_base)


def _loop(turns: list[list[Run]], bodies: list[list[Command]]) -> list[Command]:
    """The first of ``bodies``, in a loop that makes the others of it if there are any."""
    if not bodies[1:]:
        return bodies[0]
    first, second = (next(c.fields["entry_base"] for c in body if c.op is Op.CONV) for body in bodies[:2])
    blocks = " to ".join(dict.fromkeys(run.block.name for run in (turns[0][0], turns[0][-1])))
    return [
        Command(Op.LOOP, f"loop {blocks}", {"iterations": len(turns), "entry_step": second - first}),
        *(replace(command, later=tuple(later)) for command, *later in zip(*bodies, strict=True)),
        Command(Op.ENDLOOP, f"end {blocks}"),
    ]


def _memory(name: str) -> Source:
    return Source.T if name == "t" else Source.X


def _map_fields(placed: LayerPlan) -> dict[str, int]:
    """How the windows of a layer slide over its input map."""
    layer = placed.layer
    wrap = (1 << ADDRESS_BITS) - 1
    corner = layer.pad * (layer.width + 1) * placed.blocks
    return {
        "source": _memory(placed.source.memory),
        "kernel": layer.kernel,
        "stride": layer.stride,
        "pad": layer.pad,
        "height": layer.height,
        "width": layer.width,
        "blocks": placed.blocks,
        "out_width": layer.out_width,
        "source_base": (placed.source.base - corner) & wrap,
        "step_x": layer.stride * placed.blocks,
        "step_row": layer.stride * (layer.width - layer.out_width + 1) * placed.blocks & wrap,
    }


def _pool_command(placed: LayerPlan) -> Command:
    layer = placed.layer
    fields = _map_fields(placed) | {
        "out_pixels": layer.positions,
        "to_t": placed.destination.memory == "t",
        "out_base": placed.destination.base,
        "step_tap": (layer.width - layer.kernel + 1) * placed.blocks & (1 << ADDRESS_BITS) - 1,
    }
    return Command(Op.MAXPOOL, layer.name, fields, placed)


def _ring_fields(placed: LayerPlan, network: Network) -> dict[str, int]:
    """Where the layer is on its ring."""
    layer = placed.layer
    draw = network.draws[layer.name]
    return {
        "ring": 1,
        "spare_channels": -layer.inputs % GROUP,
        "ring_base": placed.ring_word // RING_UNIT,
    } | halves(
        ring_words=draw.words, ring_start=draw.start, ring_step=draw.step,
        ring_row_step=draw.step * row_words(layer.shape) % draw.words,
    )


def _layer_command(model: Model, placed: LayerPlan, network: Network, config: AcceleratorConfig) -> Command:
    layer = placed.layer
    fields = _map_fields(placed) | placed.nest | {
        "coded": layer.mode is Mode.ONE_OF_FOUR,
        "last_groups": placed.last_groups,
        "last_rows": placed.last_rows,
        "run": placed.run,
        "last_run": placed.last_run,
        "seed": network.seed_of(layer),
        "streamed": placed.streamed,
        "step_tap": ((layer.width - layer.kernel) * placed.blocks + 1) & (1 << ADDRESS_BITS) - 1,
    }
    fields |= _ring_fields(placed, network) if layer.ring else {"mask_base": placed.mask_unit}
    if layer.role is Role.CLASSIFIER:
        return Command(Op.CLASSIFY, layer.name, fields, placed)
    numbers = model.requantizations[layer.name]
    fields |= {
        "out_pixels": layer.positions,
        "to_t": placed.destination.memory == "t",
        "out_base": placed.destination.base,
        "out_step": -(-layer.outputs // config.word_bytes),
        "output_signed": numbers.signed,
        "unused_bits": ACTIVATION_BITS - numbers.bits,
        "entry_base": placed.entry_row,
        "shift": numbers.shift,
        "bias_shift": numbers.bias_shift,
    }
    if placed.residual is not None:
        fields |= {
            "residual": 1,
            "residual_signed": placed.residual_signed,
            "residual_half": placed.residual_half,
            "residual_base": placed.residual.base,
            "residual_shift": numbers.residual_shift,
        }
    return Command(Op.CONV, layer.name, fields, placed)


def _store_commands(placed: LayerPlan, config: AcceleratorConfig) -> list[Command]:
    """Send what ``placed`` wrote."""
    region = placed.destination
    fields = {
        "source": _memory(region.memory),
        "source_base": region.base,
        "count": region.words * config.word_bytes // 4,
    }
    return _in_every_lane(f"store {placed.layer.name}", fields, placed, config)


def _in_every_lane(label: str, fields: dict[str, int], placed: LayerPlan, config: AcceleratorConfig) -> list[Command]:
    """A STORE per lane; where there are several, its label names the lane."""
    return [
        Command(Op.STORE, f"{label} of lane {lane}" if config.lanes > 1 else label, fields | {"lane": lane}, placed)
        for lane in range(config.lanes)
    ]
