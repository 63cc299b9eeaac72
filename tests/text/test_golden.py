"""docs/design/numbers.md is executable: a golden model written from it alone gives every value that ours gives.

``golden.py`` beside this is that model. Where a sentence of the page could be read in two ways, the wrong reading is one of
``MISREADINGS``, and is found.
"""

import ast
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType

import numpy as np
import pytest

import spec.golden
from sim.fuzz import rounds
from sim.random_models import FEATURES, draw, features_of
from spec.model import save
from spec.supermask import Mode, keep_count, select
from tests.text import golden

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "design" / "numbers.md").read_text()
SOURCE = Path(golden.__file__).read_text()
NETWORKS = 300

pytestmark = pytest.mark.xdist_group("text")  # lest two processes draw the networks


@dataclass(frozen=True)
class Case:
    """A model file, images, and by name what the golden model of ``spec`` gives."""

    path: Path
    images: np.ndarray
    expected: dict[str, np.ndarray]

    def is_met_by(self, model: ModuleType) -> bool:
        """Whether ``model`` (``golden`` or a mutant of it) gives the same values of the same types, in the same order."""
        got = model.run(model.load(self.path), self.images)
        return list(got) == list(self.expected) and all(
            got[name].dtype == values.dtype and np.array_equal(got[name], values)
            for name, values in self.expected.items()
        )


@pytest.fixture(scope="module")
def draws():
    """As many draws of ``sim.fuzz`` as give 300 networks, with their builds."""
    found, networks = [], 0
    for this in rounds(NETWORKS, seed=1):
        rng = Random(this.seed)
        for _ in range(this.networks):
            if networks < NETWORKS:
                found.append((draw(this.config, rng), this.config))
                networks += len(found[-1][0].models)
    return found


@pytest.fixture(scope="module")
def cases(draws, tmp_path_factory):
    """Their models in files, each with one or two images."""
    folder, found = tmp_path_factory.mktemp("models"), []
    pairs = [pair for made, _ in draws for pair in zip(made.models, made.images(), strict=True)][:NETWORKS]
    for number, (model, images) in enumerate(pairs):
        images = images[:2]
        trace = spec.golden.run(model, images)
        expected = {f"{one.layer.name}@{one.iteration}": one.values for one in trace.stored}
        path = save(model, folder / f"{number}.safetensors")
        found.append(Case(path, images, expected | {"logits": trace.logits}))
    return found


@pytest.fixture(scope="module")
def scored():
    """Scores with many ties and both signs, a mode, a density, and the mask that ``spec`` selects."""
    rng = np.random.default_rng(1)
    line = rng.integers(-6, 7, (1, 1, 1, 100)) / 4
    found = [(line, Mode.ANY, percent / 100, select(line, Mode.ANY, percent / 100)) for percent in range(1, 101)]
    for number in range(400):
        mode, kernel = list(Mode)[number % len(Mode)], (1, 3)[number % 2]
        inputs = 4 * int(rng.integers(1, 5)) + (0 if mode is Mode.ONE_OF_FOUR else int(rng.integers(4)))
        scores = rng.integers(-6, 7, (int(rng.integers(1, 6)), kernel, kernel, inputs)) / 4
        density = float(rng.choice([rng.uniform(0.05, 1.0), rng.integers(1, 101) / 100]))
        found.append((scores, mode, density, select(scores, mode, density)))
    return found


def test_all_values_of_300_networks_are_those_of_the_text(cases):
    assert len(cases) == NETWORKS
    assert [case.path.stem for case in cases if not case.is_met_by(golden)] == []


def test_these_networks_have_every_feature(draws):
    assert set(FEATURES) == set().union(*(features_of(made, config) for made, config in draws))


def selections_are_those_of(model, scored):
    return all(
        np.array_equal(model.select(scores, str(mode), density), mask) for scores, mode, density, mask in scored
    )


def test_masks_are_selected_as_the_text_says(scored):
    assert selections_are_those_of(golden, scored)


#: What the text could be mistaken for, the line of ``golden.py`` that would be another, and what it would be.
MISREADINGS = (
    ("D1: a ring's start advances by how far the step led", "inputs], count\n", "inputs], count * stride\n"),
    ("D2: masks rank signed scores", "np.abs(scores)", "scores"),
    ("D3: keep_count in floating point", "Fraction(str(density))", "density"),
    ("D3: keep_count of the binary value", "Fraction(str(density))", "Fraction(density)"),
    ("D4: layers are mixed from 0", "(number + 1)", "number"),
    ("D4: the mixer shifts by 16 twice", "(z ^ (z >> 15)) *", "(z ^ (z >> 16)) *"),
    ("D4: M above B", "signed(entry & 0xFFF, 12), signed(entry >> 12, 20)",
     "signed(entry >> 20, 12), signed(entry & 0xFFFFF, 20)"),
    ("D4: the max pool is 2x2", "taps(source, 3, 2, 1)", "taps(source, 2, 2, 0)"),
    ("D4: the max pool has no pad", "taps(source, 3, 2, 1)", "taps(source, 3, 2, 0)"),
    ("D4: a bottleneck strides in its first layer",
     'inner, 1, 1, 0), ("conv2", inner, inner, 3, stride, 1)]', 'inner, 1, stride, 0), ("conv2", inner, inner, 3, 1, 1)]'),
    ("a ring's start is its layer's number of words", "starts.get(name, 0), seed", "0, seed"),
    ("all rings share one start", "starts[name] =", 'starts |= dict.fromkeys((ring["name"] for ring in network["rings"]), '
     "(starts.get(name, 0) + count) % words); _ ="),
    ("a ring's values are not flipped", "* signs(seed, layer)", '* (signs(seed, layer) if layer.name in network["modes"] else 1)'),
    ("a ring's step need not be coprime", "next((s for s in range(seed % words, 2 * words) if math.gcd(s, words) == 1), 1)",
     "seed % words"),
    ("the max pool is numbered", "enumerate(layers(network)):\n",
     'enumerate(layers(network)):\n        number += bool(number and network["stem"]["pool"])\n'),
    ("the shortcut comes after the convolutions", "found += block_layers(block, channels)",
     "found += sorted(block_layers(block, channels))"),
    ("rows of signs are not padded to 16", "np.concatenate(words, axis=1)",
     "np.concatenate(words, axis=1)[:, : layer.kernel**2 * layer.inputs]"),
    ("the first output comes after a step", "states, words = np.stack(starts)", "states, words = step(np.stack(starts))"),
    ("a sign of 1 is a weight of +1", "1 - 2 * outputs[", "-1 + 2 * outputs["),
    ("rows are 65536 apart", "columns(65521)", "columns(65536)"),
    ("bits from the highest on", 'bitorder="little"', 'bitorder="big"'),
    ("an index has its higher bit first", "bits @ [1, 2]", "bits @ [2, 1]"),
    ("prepared channels run along columns", "for ky in range(kernel):\n        for kx in range(kernel)",
     "for kx in range(kernel):\n        for ky in range(kernel)"),
    ("iterations share entries", '.entries"][t]', '.entries"][0]'),
    ("the residual is not shifted by rsh", 'shift + numbers["residual_shift"]', "shift"),
    ("halves are rounded to even", "(z + (1 << (shift - 1))) >> shift", "np.rint(z / 2**shift).astype(int)"),
    ("fewer bits clamp the shortcut alone", "low + 2**bits - 1", 'low + 2**(bits if numbers["signed"] else 8) - 1'),
    ("logits are averaged", ".sum(axis=(1, 2))", ".mean(axis=(1, 2))"),
    ("1of4 keeps as many as the density says", 'kept_ones if mode == "1of4" else kept_ones[:count]', "kept_ones[:count]"),
    ("ties go to the higher index", 'np.argsort(-ranks, axis=None, kind="stable")',
     '(scores.size - 1 - np.argsort(-ranks.ravel()[::-1], kind="stable"))'),
    ("2of4 takes a density of its candidates", "scores.size - math.floor", "len(scores.ravel()) // 2 - math.floor"),
)


def misread(old: str, new: str) -> ModuleType:
    assert SOURCE.count(old) == 1
    module = ModuleType("misread")
    exec(compile(SOURCE.replace(old, new), "misread", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(("old", "new"), [line[1:] for line in MISREADINGS], ids=[line[0] for line in MISREADINGS])
def test_a_misreading_is_found(old, new, cases, scored):
    module = misread(old, new)
    assert not (selections_are_those_of(module, scored) and all(case.is_met_by(module) for case in cases))
