"""What would explain a wrong value: known ways to go wrong, tried on the numbers that were found."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from gen.compile import Program
from gen.images import entry_image
from sim.visits import Site, Visit, partial_sums, trits_of
from spec.golden import Execution
from spec.layer import Role
from spec.lfsr import sign_factors
from spec.numerics import ACTIVATION_BITS, Requantization, output_range, unpack_entries
from spec.supermask import GROUP, passes_of

__all__ = ["of_values", "of_visit", "pattern"]


_FEW = 3  #: More candidates than this tell nothing.

#: Entry rows before and after the right one that are tried.
_NEAR = 16


def pattern(expected: np.ndarray, found: np.ndarray, rows: int) -> str:
    """Which values of a tensor (..., M) are wrong, in a few words."""
    wrong = expected != found
    channels = np.flatnonzero(wrong.reshape(-1, wrong.shape[-1]).any(axis=0)).tolist()
    text = f"{wrong.sum():,} of {wrong.size:,} values, in {len(channels)} of {expected.shape[-1]} channels"
    if len(channels) <= 4:
        text += f" ({', '.join(map(str, channels))})"
    hit = sorted({channel % rows for channel in channels})
    return text + (f", all of row {hit[0]}" if len(hit) == 1 else "")


def of_visit(
    program: Program, site: Site, execution: Execution, visit: Visit, total: int, added: int, by_tap: int
) -> list[str]:
    """Findings on a visit that left the partial sum of ``site`` wrong, ``total``.

    It added ``added``; all passes of its tap and n-block together (at its pixel, for the classifier: it alone) added
    ``by_tap``.
    """
    layer, model, size = execution.layer, program.model, program.config.word_bytes
    low, high = visit.block * size, min((visit.block + 1) * size, layer.inputs)
    y, x, inside = 0, 0, True
    if layer.role is Role.CLASSIFIER:
        y, x = divmod(visit.pixel, layer.width)
    else:
        y, x = (layer.stride * i - layer.pad for i in divmod(site.pixel, layer.out_width))
        y, x = y + visit.ky, x + visit.kx
        inside = 0 <= y < layer.height and 0 <= x < layer.width
    met = execution.inputs[0, y, x, low:high].astype(np.int64) if inside else np.zeros(high - low, np.int64)
    at = (visit.ky, visit.kx, slice(low, high))
    trits = trits_of(model, layer, site.channel, visit.plane)
    in_pass = passes_of(layer.inputs, layer.mode)[low:high] == visit.index
    terms = trits[at] * met
    right = int(terms @ in_pass)
    found = [f"this visit added {added}, and should have added {right}"]
    if not inside:
        found.append(f"it meets padding (y {y}, x {x} of a {layer.height}x{layer.width} map), which counts as 0")
    if total == right != added:
        return [*found, "it is right but for its start: the partial sum before it was lost"]
    if layer.role is not Role.CLASSIFIER:
        first = Visit(0, 0, 0, 0, None, layer.planes - 1 if layer.ring else None)
        if visit == first and added - right == _left_behind(program, site, execution):
            return [*found, "the difference is what was left in the psum memory: the sum did not start at 0"]
        others = _words_that_add(by_tap, execution, trits[at], size) - {(y, x, visit.block)}
        if 0 < len(others) <= _FEW:
            places = " or ".join(f"(y {there[0]}, x {there[1]}, n-block {there[2]})" for there in sorted(others))
            here = f"(y {y}, x {x}, n-block {visit.block})"
            found.append(f"the word {places} in place of {here} would explain all passes")
        factors = sign_factors(model.network.seed_of(layer), *layer.shape[:2], layer.inputs)[site.channel][at]
        # The trits of a ring have signs of their own, unknown where they are 0.
        unmasked = terms if layer.ring else factors.astype(np.int64) * met
        found += _of_one_weight(by_tap - int(terms.sum()), terms, unmasked, low, "trit" if layer.ring else "mask bit")
    return found


def _words_that_add(wanted: int, execution: Execution, weights: np.ndarray, size: int) -> set[tuple[int, int, int]]:
    """Words (y, x, n-block), of ``size`` bytes, of the input map that add ``wanted`` when they meet ``weights``."""
    inputs = execution.inputs[0].astype(np.int64)
    whole = np.pad(inputs, ((0, 0), (0, 0), (0, -inputs.shape[-1] % size)))
    words = whole.reshape(*inputs.shape[:2], -1, size)[..., : len(weights)]
    return {tuple(place) for place in np.argwhere(words @ weights == wanted).tolist()}


def _left_behind(program: Program, site: Site, execution: Execution) -> int | None:
    """What the psum address of ``site`` holds when its sum starts: the last partial sum that was written there.

    The last visit's sum is not written but requantized. None if nothing was there before.
    """
    placed = program.plan.of(execution.layer)
    pixel, channel = site.pixel - placed.run, site.channel
    if pixel < 0:
        last = placed.pixel_tiles - 1 - (site.psum >= placed.last_run)
        pixel, channel = last * placed.run + site.psum, channel - program.config.rows
    if channel < 0 or placed.weight_tiles * execution.layer.passes < 2:
        return None
    before = dataclasses.replace(site, pixel=pixel, channel=channel)
    return int(partial_sums(program, before, execution, 0)[-2])


def _of_one_weight(difference: int, terms: np.ndarray, unmasked: np.ndarray, low: int, bit: str) -> Iterator[str]:
    """Single weights that make all passes of a tap and n-block add ``difference`` too much.

    ``terms`` are what the input channels from ``low`` on add, ``unmasked`` what they would add if they were kept,
    ``bit`` is what keeps them.
    """
    for n in np.flatnonzero(unmasked):
        where = f"in input channel {low + n} would explain all passes of this tap and n-block"
        if difference == unmasked[n] - 2 * terms[n]:
            yield f"a {bit} flipped {where}"
        if terms[n] and difference == -2 * terms[n]:
            yield f"a sign turned round {where}"
        group = slice(n // GROUP * GROUP, (n // GROUP + 1) * GROUP)
        if not terms[n] and (terms[group] != 0).sum() == 1 and difference == unmasked[n] - terms[group].sum():
            yield f"another channel of its group selected {where}"


def of_values(program: Program, execution: Execution, found: np.ndarray) -> list[str]:
    """Findings on a stored tensor ``found`` (OH, OW, M) whose sums are right."""
    texts = []
    wrong = np.flatnonzero((execution.values[0] != found).any(axis=(0, 1)))
    if len(wrong) == 1:
        texts.append(f"every other channel is right: look at the batch-norm entry of channel {wrong[0]}")
    numbers = program.model.requantizations[execution.layer.name]
    mistakes = itertools.chain(_mistakes(numbers, execution), _other_entries(program, numbers, execution))
    for text, values in mistakes:
        if np.array_equal(values, found):
            texts.append(f"all {found.size:,} values of this execution are as found if {text}")
    return texts or ["no known mistake of the requantizer explains all values of this execution"]


def _mistakes(numbers: Requantization, execution: Execution) -> Iterator[tuple[str, np.ndarray]]:
    """Known ways to requantize wrongly, and what each makes of the golden sums."""
    acc, iteration = execution.acc[0], execution.iteration
    residual = 0 if execution.residual is None else execution.residual[0].astype(np.int64)
    if execution.residual is not None:
        yield "the residual is left out", numbers.apply(acc, iteration, 0)
    z = acc * numbers.multiplier[iteration] + (numbers.bias[iteration] << numbers.bias_shift)
    z = z + (residual << (numbers.shift + numbers.residual_shift))
    rounded = (z + (1 << numbers.shift - 1)) >> numbers.shift
    kept = np.int8 if numbers.signed else np.uint8
    yield "values are not saturated, but cut to 8 bits", rounded.astype(kept)
    if numbers.bits < ACTIVATION_BITS:
        wide = dataclasses.replace(numbers, bits=ACTIVATION_BITS)
        text = f"values are saturated to {ACTIVATION_BITS} bits, not to {numbers.bits}"
        yield text, wide.apply(acc, iteration, residual)
    low, high = output_range(numbers.signed, numbers.bits)
    yield "values are not saturated from above, but cut to 8 bits", rounded.clip(low, None).astype(kept)
    yield "values are not saturated from below, but cut to 8 bits", rounded.clip(None, high).astype(kept)
    yield "values are not rounded", (z >> numbers.shift).clip(low, high)


def _other_entries(
    program: Program, numbers: Requantization, execution: Execution
) -> Iterator[tuple[str, np.ndarray]]:
    """What the rows of the entry memory nearby, of other iterations, or of other layers with the same weights, make of
    the golden sums.
    """
    plan, layer, acc = program.plan, execution.layer, execution.acc[0]
    placed = plan.of(layer)
    residual = 0 if execution.residual is None else execution.residual[0].astype(np.int64)
    memory = np.frombuffer(entry_image(program.model, plan, program.config), "<u4").reshape(-1, program.config.rows)
    first = plan.layers[0].entry_row
    known = {}
    for user in program.model.network.users[layer.tensor]:
        start, step = plan.of(user).entry_row - first, plan.entry_steps.get(user.block, 0)
        whose = "" if user == layer else f"layer {user.name}, "
        known |= {start + t * step: f" ({whose}iteration {t})" for t in range(user.iterations)}
    right = placed.entry_row - first + execution.iteration * plan.entry_steps.get(layer.block, 0)
    rows = {*range(right - _NEAR, right + _NEAR + 1), *known} - {right}
    for row in sorted(rows, key=lambda row: abs(row - right)):
        if 0 <= row <= len(memory) - placed.tiles:
            entries = unpack_entries(memory[row : row + placed.tiles].reshape(1, -1)[:, : layer.outputs])
            taken = dataclasses.replace(numbers, multiplier=entries[0], bias=entries[1])
            text = f"its batch-norm entries are read from row {first + row}{known.get(row, '')}"
            yield f"{text} of the entry memory, not {first + right}", taken.apply(acc, 0, residual)
