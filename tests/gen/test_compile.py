"""Programs: what runs in which order, what is sent back, where packets go, and what is refused."""

import numpy as np
import pytest

from gen.compile import command_count, compile_model
from spec.block import Stem
from spec.commands import ADDRESS_BITS, Op, Source, decode
from spec.hourglass import hourglass
from spec.packets import LANE_LSB, PACKET_MAGIC, Target, memory_words
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import rings_of_stages


@pytest.fixture
def model(small_model):
    return small_model(iterations=(3, 2))


@pytest.fixture
def program(model, fitting):
    return compile_model(model, fitting(model.network))


@pytest.mark.parametrize("trace", [False, True])
def test_executed_order_is_the_networks(model, fitting, trace):
    """Loops unrolled, every step once, its STORE behind it if traced; logits and the end last."""
    program = compile_model(model, fitting(model.network), trace=trace)
    ran = [(c.placed.layer.name, t) for c, t in program.executed if c.op in (Op.CONV, Op.CLASSIFY)]
    steps = [(step.layer.name, step.iteration) for step in model.network.steps]
    assert ran == steps
    assert [(f.step.layer.name, f.step.iteration) for f in program.frames] == (steps if trace else steps[-1:])
    computed = [c for c, _ in program.executed if c.op not in (Op.LOOP, Op.ENDLOOP)]
    assert [c.op for c in computed[-3:]] == [Op.CLASSIFY, Op.STORE, Op.HALT]
    if trace:
        for layer, store in zip(computed[:-3:2], computed[1:-3:2], strict=True):
            assert (store.op, store.placed) == (Op.STORE, layer.placed)


@pytest.mark.parametrize("trace", [False, True])
def test_maps_of_an_hourglass_are_sent_once(fitting, trace):
    """Their STORE is that of any tensor; the one residual of half the size is said to be."""
    network = hourglass("h", image=(6, 5, 1), joints=3, width=8, depth=1, stem=Stem(3, 1, 1, 8))
    program = compile_model(synthetic_model(network, 1), fitting(network, 32, lanes=2), trace=trace)
    assert len(program.commands) == command_count(network, 2, traced=trace)
    steps = [(step.layer.name, step.iteration) for step in network.steps]
    assert [(f.step.layer.name, f.step.iteration) for f in program.frames_by_lane[1]] == (
        steps if trace else steps[-1:]
    )
    computed = [c for c in program.commands if c.op in (Op.CONV, Op.MAXPOOL)]
    assert [c.label for c in computed] == [name for name, _ in steps]
    assert [c.label for c in computed if decode(c.words)["residual_half"]] == ["stack1.skip1.conv2"]
    maps = np.random.default_rng(1).integers(-128, 128, (6, 5, 16), dtype=np.int8)
    assert np.array_equal(program.frames[-1].decode(maps.tobytes()), maps[..., :3])


@pytest.mark.parametrize("iterations", [(0, 0), (1, 1), (2, 0), (3, 255)])
@pytest.mark.parametrize("trace", [False, True])
def test_command_count_is_the_programs_length(small_model, fitting, iterations, trace):
    """A block of one iteration needs no loop."""
    model = small_model(iterations=iterations)
    program = compile_model(model, fitting(model.network), trace=trace)
    assert command_count(model.network, 1, traced=trace) == len(program.commands)
    loops = [c.fields["iterations"] for c in program.commands if c.op is Op.LOOP]
    assert loops == [n for n in iterations if n > 1]
    assert sum(c.op is Op.ENDLOOP for c in program.commands) == len(loops)


def test_commands_say_what_the_layer_is(program, model):
    """Every field of a strided convolution, of the one that adds its residual, and of the classifier, by definition."""
    fields = {c.label: decode(c.words) for c in program.commands}
    wrap = (1 << ADDRESS_BITS) - 1
    inner, last = fields["stage2.entry.conv1"], fields["stage2.entry.conv2"]
    numbers = model.requantizations["stage2.entry.conv2"]
    layer = model.network.layer("stage2.entry.conv1")
    assert {name: inner[name] for name in (
        "op", "source", "to_t", "residual", "output_signed", "coded", "passes", "kernel", "stride", "pad", "height",
        "width", "blocks", "tiles", "last_groups", "last_rows", "out_pixels", "out_width", "seed", "step_x", "out_step",
    )} == {
        "op": Op.CONV, "source": Source.X, "to_t": 1, "residual": 0, "output_signed": 0, "coded": 0, "passes": 2,
        "kernel": 3, "stride": 2, "pad": 1, "height": 4, "width": 4, "blocks": 1, "tiles": 2, "last_groups": 1,
        "last_rows": 4, "out_pixels": 4, "out_width": 2, "seed": model.network.seed_of(layer), "step_x": 2,
        "out_step": 1,
    }
    # Tap (0, 0) of pixel (0, 0) lies one row and one pixel before the map; from (0, 1) to (1, 0) are 2*4 - 2 words.
    assert inner["source_base"] == program.plan.of(layer).source.base - 5 & wrap
    assert inner["step_row"] == 2 * 4 - 2
    assert inner["step_tap"] == 4 - 2
    assert (last["source"], last["to_t"], last["residual"], last["residual_signed"]) == (Source.T, 0, 1, 1)
    assert (last["shift"], last["bias_shift"]) == (numbers.shift, numbers.bias_shift)
    assert last["residual_shift"] == numbers.residual_shift
    assert last["residual_base"] == last["out_base"] == fields["stage2.entry.shortcut"]["out_base"]
    assert fields["stage2.entry.shortcut"]["output_signed"] == 1
    assert fields["stage2.fold.conv2"]["residual_signed"] == 0
    assert fields["classifier"]["op"] == Op.CLASSIFY
    assert (fields["store logits"]["source"], fields["store logits"]["count"]) == (Source.PSUM, 3)


@pytest.mark.parametrize("mode", list(Mode))
def test_coded_masks_are_marked(small_model, fitting, mode):
    model = small_model(mode=mode)
    program = compile_model(model, fitting(model.network))
    for command in program.commands:
        if command.placed and command.op is not Op.STORE:
            fields = decode(command.words)
            coded = command.placed.layer.mode is Mode.ONE_OF_FOUR
            assert (fields["coded"], fields["passes"]) == (coded, command.placed.layer.mode.passes)


@pytest.mark.parametrize("bits", [4, 5, 8])
def test_commands_say_how_many_bits_are_unused(small_model, fitting, bits):
    model = small_model(bits=bits)
    program = compile_model(model, fitting(model.network))
    unused = {decode(c.words)["unused_bits"] for c in program.commands if c.op is Op.CONV}
    assert unused == {8 - bits}


def test_commands_say_where_a_layer_is_on_its_ring(small_model, fitting):
    """The second ring, at the next whole unit; 9 channels leave 3 of the last group unused."""
    plain = small_model(widths=(4, 9), iterations=(0, 0)).network
    network = rings_of_stages(plain, words=12, planes=3)
    program = compile_model(synthetic_model(network, 1), fitting(network, ring_words=112), ring_base=5)
    fields = {c.label: decode(c.words) for c in program.commands}
    draw, layer = network.draws["stage2.entry.conv2"], fields["stage2.entry.conv2"]
    names = ("ring", "top_plane", "spare_channels", "ring_base", "ring_words", "ring_start", "ring_step", "passes")
    assert {name: layer[name] for name in names} == {
        "ring": 1, "top_plane": 2, "spare_channels": 3, "ring_base": (16 + 48) // 16, "ring_words": 12,
        "ring_start": draw.start, "ring_step": draw.step, "passes": 2,
    }
    assert layer["ring_row_step"] == 9 * draw.step % 12
    assert {fields["stem"][name] for name in ("ring", "top_plane", "ring_base")} == {0}
    assert fields["classifier"]["mask_base"] == program.plan.layers[-1].mask_unit
    with pytest.raises(Refused, match=r"ends at \d+ in ring memory of 112; load fewer models or enlarge it"):
        compile_model(synthetic_model(network, 1), fitting(network, ring_words=112), ring_base=32)


def test_two_resident_models_fill_disjoint_words(small_model, fitting):
    """Every packet stays in its memory, and the second model's lie behind the first's."""
    models = [small_model(mode=Mode.ONE_OF_FOUR, classes=5), small_model(mode=Mode.ANY)]
    sizes = [fitting(model.network) for model in models]
    config = fitting(models[1].network, **{
        name: 2 * max(getattr(size, name) for size in sizes) for name in ("mask_bits", "entries", "commands")
    })
    first = compile_model(models[0], config)
    second = compile_model(models[1], config, **first.bases_after)
    assert (first.start, second.start) == (0, len(first.commands))
    for index, target in enumerate((Target.PROGRAM, Target.MASK, Target.ENTRIES)):
        end = 0
        for program in (first, second):
            header, address, length = np.frombuffer(program.packets[index][:12], "<u4").tolist()
            assert header == PACKET_MAGIC | target
            assert address >= end
            assert len(program.packets[index]) == 12 + 4 * length
            end = address + length
            assert end <= memory_words(config)[target]
    for program in (first, second):
        fields = [decode(c.words) for c in program.commands if c.op is Op.CONV]
        mask_address = np.frombuffer(program.packets[1][:12], "<u4")[1]
        assert fields[0]["mask_base"] * config.mask_unit_bits == 32 * mask_address
        assert fields[0]["entry_base"] * config.rows == np.frombuffer(program.packets[2][:12], "<u4")[1]


def test_image_goes_where_the_stem_reads(program, model):
    image, = random_images(model.network, 1, 0)
    header, address, length = np.frombuffer(program.image_packet(image)[:12], "<u4").tolist()
    source = program.plan.layers[0].source
    assert source.memory == "t"
    assert header == PACKET_MAGIC | Target.T
    assert (address, length) == (source.base * 4, source.words * 4)


def test_every_tensor_is_sent_lane_by_lane(model, fitting):
    """One STORE per lane behind each layer and for the logits; the layers themselves are there once."""
    lanes = 4
    program = compile_model(model, fitting(model.network, 16 * lanes, lanes=lanes), trace=True)
    assert command_count(model.network, lanes, traced=True) == len(program.commands)
    steps = [(step.layer.name, step.iteration) for step in model.network.steps]
    sent = [(f.step.layer.name, f.step.iteration, f.lane) for f in program.frames]
    assert sent == [(*step, lane) for step in steps for lane in range(lanes)]
    for lane, frames in enumerate(program.frames_by_lane):
        assert [(f.step.layer.name, f.step.iteration) for f in frames] == steps
        assert {f.lane for f in frames} == {lane}
    stores = [c for c in program.commands if c.op is Op.STORE]
    assert [decode(c.words)["lane"] for c in stores] == [lane for _ in model.network.layers for lane in range(lanes)]
    assert [c.label for c in stores[-lanes:]] == [f"store logits of lane {lane}" for lane in range(lanes)]
    plain = compile_model(model, program.config)
    assert command_count(model.network, lanes) == len(plain.commands)
    assert [f.lane for f in plain.frames] == list(range(lanes))


def test_an_image_names_its_lane(model, fitting):
    program = compile_model(model, fitting(model.network, 32, lanes=2))
    image, = random_images(model.network, 1, 0)
    first, second = (np.frombuffer(program.image_packet(image, lane), "<u4") for lane in (0, 1))
    assert second[1] - first[1] == 1 << LANE_LSB
    assert np.array_equal(np.delete(first, 1), np.delete(second, 1))
    for lane in (-1, 2):
        with pytest.raises(Refused, match=rf"^There is no lane {lane}: this build has 2, counted from 0$"):
            program.image_packet(image, lane)


def test_frames_decode(model, fitting):
    program = compile_model(model, fitting(model.network), trace=True)
    stem, logits = program.frames[0], program.frames[-1]
    words = np.arange(stem.byte_count, dtype=np.uint8)
    assert np.array_equal(stem.decode(words.tobytes()), words.reshape(4, 4, 16)[..., :4])
    values = np.array([-5, 7, -(1 << 23)], "<i4")
    assert np.array_equal(logits.decode(values.tobytes()), values)
    with pytest.raises(Refused, match=r"^Frame of layer stem has 8 bytes, not 256: the accelerator runs another"):
        stem.decode(bytes(8))


@pytest.mark.parametrize(("bases", "memory"), [
    ({"command_base": 1}, "program"), ({"mask_base": 1 << 16}, "mask"), ({"entry_base": 1}, "entry"),
])
def test_a_model_beyond_the_end_is_refused(model, fitting, bases, memory):
    config = fitting(model.network)
    exact = fitting(model.network, commands=command_count(model.network, 1), mask_bits=-(-config.mask_bits // 32) * 32)
    compile_model(model, exact)
    with pytest.raises(Refused, match=rf"ends at \d+ in {memory} memory of \d+; load fewer models or enlarge it$"):
        compile_model(model, exact, **bases)


def test_wrong_images_are_refused(program):
    for image in (np.zeros((4, 5, 1), np.uint8), np.zeros((4, 4, 1), np.float32)):
        with pytest.raises(Refused, match=r"^Images for network 'small' must be uint8"):
            program.image_packet(image)


def test_a_refusal_says_how_many_problems_there_are(model, fitting):
    config = fitting(model.network, x_bytes=256, commands=4, modes=(Mode.ONE_OF_FOUR,))
    with pytest.raises(Refused) as refusal:
        compile_model(model, config)
    more = len(model.network.layers) + 2 - 1
    assert str(refusal.value).startswith(
        f"Network small cannot run on this build ({more} more are listed by python -m gen.check): stem: is any, but "
    )
