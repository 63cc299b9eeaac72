"""What would explain a wrong value: known ways to go wrong, tried on the numbers that were found."""

from collections.abc import Iterator

import numpy as np

from gen.compile import Program
from sim.visits import Site, Visit
from spec.golden import Execution
from spec.lfsr import signs
from spec.network import Role
from spec.numerics import Requantization, output_range
from spec.supermask import GROUP, passes_of

__all__ = ["of_values", "of_visit", "pattern"]


def pattern(expected: np.ndarray, found: np.ndarray, rows: int) -> str:
    """Which values of a tensor (..., M) are wrong, in a few words."""
    wrong = expected != found
    channels = np.flatnonzero(wrong.reshape(-1, wrong.shape[-1]).any(axis=0)).tolist()
    text = f"{wrong.sum():,} of {wrong.size:,} values, in {len(channels)} of {expected.shape[-1]} channels"
    if len(channels) <= 4:
        text += f" ({', '.join(map(str, channels))})"
    hit = sorted({channel % rows for channel in channels})
    return text + (f", all of row {hit[0]}" if len(hit) == 1 else "")


def of_visit(program: Program, site: Site, execution: Execution, visit: Visit, added: int, by_tap: int) -> list[str]:
    """Findings on a visit that left the partial sum of ``site`` wrong.

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
    in_pass = passes_of(model.masks[layer.name][site.channel : site.channel + 1])[0][at] == visit.index
    terms = model.trits(layer.name)[site.channel][at] * met
    right = int(terms @ in_pass)
    found = [f"this visit added {added}, and should have added {right}"]
    if not inside:
        found.append(f"it meets padding (y {y}, x {x} of a {layer.height}x{layer.width} map), which counts as 0")
    if added == right:
        return [*found, "so it was added to a wrong sum: look at the psum memory, and at where sums start from 0"]
    if layer.role is not Role.CLASSIFIER:
        sign = signs(model.network.seed_of(layer), layer.outputs, layer.kernel, layer.inputs)[site.channel][at]
        found += _of_one_weight(by_tap - int(terms.sum()), terms, (1 - 2 * sign.astype(np.int64)) * met, low)
    return found


def _of_one_weight(difference: int, terms: np.ndarray, unmasked: np.ndarray, low: int) -> Iterator[str]:
    """Single weights that make all passes of a tap and n-block add ``difference`` too much.

    ``terms`` are what the input channels from ``low`` on add, ``unmasked`` what they would add if they were kept.
    """
    for n in np.flatnonzero(unmasked):
        where = f"in input channel {low + n} would explain all passes of this tap and n-block"
        if difference == unmasked[n] - 2 * terms[n]:
            yield f"a mask bit flipped {where}"
        if terms[n] and difference == -2 * terms[n]:
            yield f"a sign turned round {where}"
        group = slice(n // GROUP * GROUP, (n // GROUP + 1) * GROUP)
        if not terms[n] and (terms[group] != 0).sum() == 1 and difference == unmasked[n] - terms[group].sum():
            yield f"another channel of its group selected {where}"


def of_values(numbers: Requantization, execution: Execution, found: np.ndarray) -> list[str]:
    """Findings on a stored tensor ``found`` (OH, OW, M) whose sums are right."""
    texts = []
    wrong = np.flatnonzero((execution.values[0] != found).any(axis=(0, 1)))
    if len(wrong) == 1:
        texts.append(f"every other channel is right: look at the batch-norm entry of channel {wrong[0]}")
    for text, values in _mistakes(numbers, execution):
        if np.array_equal(values, found):
            texts.append(f"all {found.size:,} values of this execution are as found if {text}")
    return texts or ["no known mistake of the requantizer explains all values of this execution"]


def _mistakes(numbers: Requantization, execution: Execution) -> Iterator[tuple[str, np.ndarray]]:
    """Known ways to requantize wrongly, and what each makes of the golden sums."""
    acc, iteration = execution.acc[0], execution.iteration
    residual = 0 if execution.residual is None else execution.residual[0].astype(np.int64)
    if execution.residual is not None:
        yield "the residual is left out", numbers.apply(acc, iteration, 0)
    for other in range(len(numbers.multiplier)):
        if other != iteration:
            yield f"the batch-norm entries are those of iteration {other}", numbers.apply(acc, other, residual)
    z = acc * numbers.multiplier[iteration] + (numbers.bias[iteration] << numbers.bias_shift)
    z = z + (residual << (numbers.shift + numbers.residual_shift))
    rounded = (z + (1 << numbers.shift - 1)) >> numbers.shift
    kept = np.int8 if numbers.signed else np.uint8
    yield "values are not saturated, but cut to 8 bits", rounded.astype(kept)
    low, high = output_range(numbers.signed)
    yield "values are not saturated from above, but cut to 8 bits", rounded.clip(low, None).astype(kept)
    yield "values are not saturated from below, but cut to 8 bits", rounded.clip(None, high).astype(kept)
    yield "values are not rounded", (z >> numbers.shift).clip(low, high)
