"""Memory contents, bit by bit, against slow loops over their definition."""

import numpy as np
import pytest

from gen.images import entry_image, image_words, mask_image, ring_image, tensor_from_words
from gen.plan import plan
from spec.hourglass import hourglass
from spec.model import Model
from spec.numerics import unpack_entries
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import rings_of_stages, rpg

SHAPES = {"4x4": (4, 4, 1), "4x16-by-4": (4, 16, 4), "8x8-by-2": (8, 8, 2)}


@pytest.fixture(params=SHAPES)
def shape(request):
    groups, rows, weight_rows = SHAPES[request.param]
    return {"pe": groups * rows, "groups": groups, "rows": rows, "weight_rows": weight_rows}


def bits_by_definition(model, placed, config):
    """Bits in fetch order: layer > m-tile > ky > kx > n-block > fetch > row > channel (or code bit of a group)."""
    bits = []
    for part in placed.layers:
        layer, mask = part.layer, model.masks[part.layer.name]
        bits += [0] * ((part.mask_unit - placed.layers[0].mask_unit) * config.mask_unit_bits - len(bits))

        def kept(m, ky, kx, n, mask=mask, layer=layer):
            return int(m < layer.outputs and n < layer.inputs and mask[m, ky, kx, n])

        for tile in range(part.tiles):
            fetches = part.last_rows if tile == part.tiles - 1 else config.load_cycles
            for ky in range(layer.kernel):
                for kx in range(layer.kernel):
                    for block in range(part.blocks):
                        for row in range(fetches * config.weight_rows):
                            m = tile * config.rows + row
                            for group in range(config.groups):
                                first = block * config.word_bytes + 4 * group
                                nibble = [kept(m, ky, kx, first + i) for i in range(4)]
                                if layer.mode is Mode.ONE_OF_FOUR:
                                    code = nibble.index(1) if 1 in nibble else 0
                                    bits += [code & 1, code >> 1]
                                else:
                                    bits += nibble
    return bits


@pytest.mark.parametrize("mode", Mode)
def test_masks(small_model, fitting, shape, mode):
    model = small_model(mode=mode, widths=(4, 20), iterations=(0, 0))
    config = fitting(model.network, **shape, mask_bits=1 << 18)
    for mask_unit in (0, 4):
        placed = plan(model.network, config, mask_unit=mask_unit)
        image = mask_image(model, placed, config)
        bits = bits_by_definition(model, placed, config)
        assert len(bits) == placed.mask_units * config.mask_unit_bits
        assert len(image) == 4 * -(-len(bits) // 32)
        stored = np.unpackbits(np.frombuffer(image, np.uint8), bitorder="little").tolist()
        assert stored == bits + [0] * (len(stored) - len(bits))


def test_rings(small_model, fitting):
    """Highest plane first, 16 bits of what is not 0, then 16 of what is negative; rings begin at whole units."""
    plain = small_model(widths=(4, 20), iterations=(0, 0)).network
    model = synthetic_model(rings_of_stages(plain, words=5, planes=3, parts=("stem",)), 1)
    placed = plan(model.network, fitting(model.network), ring_word=40)
    assert (placed.ring_word, placed.rings) == (40, {"ends": 48, "stage1": 64, "stage2": 80})
    words = np.frombuffer(ring_image(model, placed), "<u4").tolist()
    expected = [0] * len(words)
    for ring in model.network.rings:
        for word in range(ring.words):
            for i in range(16):
                rest = int(model.rings[ring.name][16 * word + i])
                for plane in range(ring.planes):  # lowest digit first
                    trit = (rest + 1) % 3 - 1
                    rest = (rest - trit) // 3
                    at = placed.rings[ring.name] - 40 + (ring.planes - 1 - plane) * ring.words + word
                    expected[at] |= (trit != 0) << i | (trit < 0) << 16 + i
                assert rest == 0
    assert words == expected
    assert len(words) == placed.ring_words == 80 + 15 - 40


def test_layers_that_draw_have_no_masks(small_model, fitting, shape):
    plain = small_model(mode=Mode.TWO_OF_FOUR, widths=(4, 20), iterations=(0, 0)).network
    model = synthetic_model(rpg(plain, words=5), 1)
    config = fitting(model.network, **shape)
    placed = plan(model.network, config)
    masked = [part for part in placed.layers if part.layer.ring is None]
    assert [part.layer.name for part in masked] == ["stem", "classifier"]
    assert placed.mask_units == sum(part.mask_units for part in masked)
    assert len(mask_image(model, placed, config)) == 4 * -(-placed.mask_units * config.mask_unit_bits // 32)


def test_a_mask_that_several_layers_use_is_in_memory_once(fitting, shape):
    """The image is that of one stack; the entries of all three are there."""
    models = [
        synthetic_model(hourglass("h", image=(6, 5, 1), joints=3, width=8, depth=1, stacks=stacks, shared=True), 1)
        for stacks in (1, 3)
    ]
    config = fitting(models[1].network, **shape)
    images = []
    for model in models:
        again = Model(model.network, models[0].masks, model.requantizations)
        placed = plan(model.network, config)
        images.append((mask_image(again, placed, config), entry_image(again, placed, config)))
    assert images[0][0] == images[1][0]
    assert len(images[1][1]) > len(images[0][1])


def test_entries(small_model, fitting, shape):
    model = small_model(widths=(4, 20), iterations=(2, 3))
    config = fitting(model.network, **shape)
    placed = plan(model.network, config, entry_row=5)
    rows = np.frombuffer(entry_image(model, placed, config), "<u4").reshape(-1, config.rows)
    assert len(rows) == placed.entry_rows
    seen = 0
    for name, numbers in model.requantizations.items():
        part = placed.of(model.network.layer(name))
        step = placed.entry_steps.get(part.layer.block, 0)
        for t in range(part.layer.iterations):
            for m in range(part.layer.outputs):
                row, lane = divmod(m, config.rows)
                entry = rows[part.entry_row - 5 + t * step + row, lane]
                multiplier, bias = unpack_entries(np.array(entry))
                assert (multiplier, bias) == (numbers.multiplier[t, m], numbers.bias[t, m])
                seen += 1
    assert seen == sum(numbers.bias.size for numbers in model.requantizations.values())


@pytest.mark.parametrize("image", [(4, 4, 1), (3, 5, 3), (1, 1, 1)])
def test_images(small_model, fitting, shape, image):
    """Pixel after pixel, each tap of the stem window in its channel, 0 outside the image and in unused channels."""
    model = small_model(image=image)
    config = fitting(model.network, **shape)
    height, width, channels = image
    raw = random_images(model.network, 1, 3)[0]
    payload = image_words(model, raw, config)
    pixel_bytes = -(-9 * channels // config.word_bytes) * config.word_bytes
    expected = np.zeros((height, width, pixel_bytes), np.uint8)
    for y in range(height):
        for x in range(width):
            for ky in range(3):
                for kx in range(3):
                    sy, sx = y + ky - 1, x + kx - 1
                    if 0 <= sy < height and 0 <= sx < width:
                        first = (3 * ky + kx) * channels
                        expected[y, x, first : first + channels] = raw[sy, sx]
    assert payload == expected.tobytes()


def test_tensors_come_back(small_model, fitting, shape):
    """A stored tensor is read from its words without the channels that fill them, signed for a projection."""
    model = small_model(widths=(4, 20))
    config = fitting(model.network, **shape)
    placed = plan(model.network, config)
    rng = np.random.default_rng(0)
    for name, kind in (("stem", np.uint8), ("stage2.entry.shortcut", np.int8), ("stage2.entry.conv2", np.uint8)):
        part = placed.of(model.network.layer(name))
        size = (part.layer.out_height, part.layer.out_width, part.destination.words * config.word_bytes)
        words = rng.integers(0, 256, (*size[:2], size[2] // part.layer.positions), np.uint8)
        tensor = tensor_from_words(words.tobytes(), part, config)
        assert tensor.dtype == kind
        assert np.array_equal(tensor, words.view(kind)[..., : part.layer.outputs])
