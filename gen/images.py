"""Memory contents: supermasks in fetch order, planes of rings, batch-norm entries, prepared images."""

import numpy as np

from gen.plan import LayerPlan, Plan
from spec.config import AcceleratorConfig
from spec.layer import Role
from spec.model import Model
from spec.numerics import pack_entries, prepare
from spec.order import STORED
from spec.ring import RING_WORD, digits
from spec.supermask import Mode, code_bits

__all__ = ["entry_image", "image_words", "mask_chunks", "mask_image", "ring_image", "tensor_from_words"]


def mask_image(model: Model, plan: Plan, config: AcceleratorConfig) -> bytes:
    """Supermasks that stay, in the order the hardware fetches them, from the first unit of the plan, in 32-bit words.

    Order: layer > loops of :data:`spec.order.STORED` > fetch > row of the fetch > channel, lowest bit
    first. Rows and channels that are not there are 0.
    """
    first = plan.mask_unit
    units = np.zeros((plan.resident_units, config.mask_unit_bits), bool)
    for placed in plan.layers:
        if placed.streamed or placed.layer.ring or placed.layer.owner:
            continue
        bits = _layer_units(model.masks[placed.layer.name], placed, config)
        units[placed.mask_unit - first : placed.mask_unit - first + len(bits)] = bits
    return _packed(units, 32)


def mask_chunks(model: Model, placed: LayerPlan, config: AcceleratorConfig) -> tuple[bytes, ...]:
    """Supermask of a layer cut into its m-tiles, each filled up with zeros to whole words of the mask memory."""
    units = _layer_units(model.masks[placed.layer.tensor], placed, config)
    size = placed.chunk_units
    return tuple(
        _packed(units[tile * size : (tile + 1) * size], config.mask_word_bits) for tile in range(placed.tiles)
    )


def _packed(units: np.ndarray, multiple: int) -> bytes:
    """Bits of mask units, lowest first, filled up with zeros to a multiple of ``multiple`` bits."""
    return np.packbits(np.pad(units.ravel(), (0, -units.size % multiple)), bitorder="little").tobytes()


def _layer_units(mask: np.ndarray, placed: LayerPlan, config: AcceleratorConfig) -> np.ndarray:
    """Mask units of one layer: bool array (units, unit bits)."""
    outputs, kernel, _, inputs = mask.shape
    padded = np.zeros((placed.tiles * config.rows, kernel, kernel, placed.blocks * config.word_bytes), bool)
    padded[:outputs, :, :, :inputs] = mask
    if placed.layer.mode is Mode.ONE_OF_FOUR:
        padded = code_bits(padded)  # empty groups give code 0; the hardware leaves them out
    row_bits = padded.shape[-1] // placed.blocks
    axes = ("m_tile", "fetch", "row", "ky", "kx", "block", "bits")
    order = [*(loop.name for loop in STORED), "fetch", "row", "bits"]
    cut = padded.reshape(placed.tiles, config.load_cycles, config.weight_rows, kernel, kernel, placed.blocks, row_bits)
    ordered = cut.transpose([axes.index(name) for name in order])
    ordered = ordered.reshape(placed.tiles, placed.weight_tiles, config.load_cycles, -1)
    fetches = np.concatenate([
        ordered[:-1].reshape(-1, ordered.shape[-1]), ordered[-1, :, : placed.last_rows].reshape(-1, ordered.shape[-1])
    ])
    return fetches.reshape(-1, config.mask_unit_bits)


def ring_image(model: Model, plan: Plan) -> bytes:
    """Rings as planes of trits, from the first word of the plan, in 32-bit words; between rings 0.

    Order: ring > plane, the highest first > word. A word is 16 trits: bits 0 to 15 tell which are not 0, bits 16 to 31
    which are negative, lowest bit first.
    """
    words = np.zeros(plan.ring_words, "<u4")
    for ring in model.network.rings:
        trits = digits(model.rings[ring.name], ring.planes)[::-1].reshape(-1, RING_WORD)
        halves = [np.packbits(bits, axis=1, bitorder="little").view("<u2").ravel() for bits in (trits != 0, trits < 0)]
        first = plan.rings[ring.name] - plan.ring_word
        words[first : first + len(trits)] = halves[0] | halves[1].astype("<u4") << RING_WORD
    return words.tobytes()


def entry_image(model: Model, plan: Plan, config: AcceleratorConfig) -> bytes:
    """Batch-norm entries: one row per tile of output channels, iteration after iteration of every block."""
    first = plan.layers[0].entry_row
    rows = np.zeros((plan.entry_rows, config.rows), np.uint32)
    for placed in plan.layers:
        layer = placed.layer
        if layer.role is Role.CLASSIFIER:
            continue
        numbers = model.requantizations[layer.name]
        step = plan.entry_steps.get(layer.block, 0)
        entries = np.zeros((layer.iterations, placed.tiles * config.rows), np.uint32)
        entries[:, : layer.outputs] = pack_entries(numbers.multiplier, numbers.bias)
        for t in range(layer.iterations):
            base = placed.entry_row - first + t * step
            rows[base : base + placed.tiles] = entries[t].reshape(placed.tiles, config.rows)
    return rows.astype("<u4").tobytes()


def image_words(model: Model, image: np.ndarray, config: AcceleratorConfig) -> bytes:
    """Prepared channels of one (H, W, C) image, pixel after pixel, each in whole memory words."""
    stem = model.network.stem
    prepared = prepare(image[None], stem.kernel, stem.stride, stem.pad)[0]
    pixels = prepared.reshape(-1, prepared.shape[-1])
    words = np.zeros((len(pixels), -(-pixels.shape[1] // config.word_bytes) * config.word_bytes), np.uint8)
    words[:, : pixels.shape[1]] = pixels
    return words.tobytes()


def tensor_from_words(payload: bytes, placed: LayerPlan, config: AcceleratorConfig) -> np.ndarray:
    """Stored output of a layer, (OH, OW, M), from the memory words it lies in; inverse of the hardware's layout."""
    layer = placed.layer
    words = np.frombuffer(payload, np.int8 if layer.role.signed else np.uint8)
    return words.reshape(layer.out_height, layer.out_width, -1)[..., : layer.outputs]
