"""docs/design/numbers.md is executable: a golden model that follows it alone gives every value that ours gives.

``golden.py`` beside this is that model: what it needs to know and the page does not say belongs on the page. Wherever
the page once could be read in two ways, and at many other places, the wrong reading is in ``misreadings.toml``, and is
found.
"""

import ast
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType

import numpy as np
import pytest

import spec.golden
from sim.fuzz import rounds
from sim.random_models import FEATURES, draw, features_of
from spec import lfsr, ring
from spec import numerics as n
from spec.config import config_for
from spec.layer import POOL
from spec.model import FORMAT, VERSION, save
from spec.network import Head
from spec.supermask import Mode, select
from tests.text import golden

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "design" / "numbers.md").read_text()
SOURCE = Path(golden.__file__).read_text()
MISREADINGS = tomllib.loads((Path(__file__).parent / "misreadings.toml").read_text())
NETWORKS = 300

pytestmark = pytest.mark.xdist_group("text")  # lest two processes draw the networks


@dataclass(frozen=True)
class Case:
    """A model file, images, and by name what the golden model of ``spec`` gives."""

    path: Path
    images: np.ndarray
    expected: dict[str, np.ndarray]

    def is_met_by(self, model: ModuleType) -> bool:
        """Whether ``model``, which is ``golden`` or a misreading, gives the same values and types in the same order."""
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
        head = "maps@0" if model.network.head is Head.MAPS else "logits"
        found.append(Case(path, images, expected | {head: trace.logits}))
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


def misread(old: str, new: str) -> ModuleType:
    assert SOURCE.count(old) == 1
    module = ModuleType("misread", "The text, read in another way.")
    exec(compile(SOURCE.replace(old, new), "misread", "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("name", MISREADINGS)
def test_a_misreading_is_found(name, cases, scored):
    module = misread(**MISREADINGS[name])
    assert not (selections_are_those_of(module, scored) and all(case.is_met_by(module) for case in cases))


def test_the_golden_model_of_the_text_stands_alone():
    nodes = list(ast.walk(ast.parse(SOURCE)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    assert {name.partition(".")[0] for name in names} <= {"numpy", "safetensors", *sys.stdlib_module_names}
    assert not {"importlib", "runpy", "subprocess", "sys"} & set(names)
    assert len(SOURCE.splitlines()) <= 250


@pytest.mark.parametrize("path", sorted((ROOT / "zoo").glob("*.vectors.safetensors")), ids=lambda path: path.name)
def test_vectors_of_the_zoo_are_those_of_the_text(path):
    """What PyTorch gave for the first two images, read by nothing but the text."""
    model = golden.load(path.with_name(path.name.replace(".vectors", "")))
    owner, vectors = golden.load_vectors(path)
    assert owner == model.metadata["sha256"]
    got = golden.run(model, vectors["images"][:2])
    assert set(vectors) == {"images", "labels", *got}
    assert [name for name, values in got.items() if not np.array_equal(values, vectors[name][:2])] == []


def test_a_damaged_file_is_seen_by_the_digest_of_the_text(cases, tmp_path):
    whole = cases[0].path.read_bytes()
    for place in (len(whole) - 1, whole.index(b"iterations")):
        (tmp_path / "damaged").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ValueError, match="damaged"):
            golden.load(tmp_path / "damaged")


def keys(value) -> set[str]:
    """Every key of a JSON value."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set(value if isinstance(value, dict) else ()).union(*map(keys, inside))


def test_every_key_of_a_file_is_on_the_page(cases):
    models = [golden.load(case.path) for case in cases]
    found = set()
    for model in models:
        named = {layer.name for layer in golden.layers(model.metadata["network"])}
        found |= keys({key: value for key, value in model.metadata.items() if key != "provenance"}) - named
    assert {"format", "wider", "planes", "residual_shift"} <= found
    assert {key for key in found if f"`{key}`" not in PAGE} == set()


@pytest.mark.parametrize("sentence", [
    f'`"{FORMAT}"`, {VERSION};',
    f"`R` is at most {ring.WORDS_MAX}.",
    f"`sh` is 1 to {n.SHIFT_MAX}, `bsh` 0 to {n.BIAS_SHIFT_MAX}, `rsh` 0 to {n.RESIDUAL_SHIFT_MAX}.",
    f"fit {n.MASK_WIDTHS.acc} bits signed, {n.RING_WIDTHS.acc} if the layer draws from a ring",
    f"fits {n.MASK_WIDTHS.z} bits, {n.RING_WIDTHS.z} if the layer draws from a ring",
    f"`M` ({n.MULTIPLIER_BITS} bits) and `B` ({n.BIAS_BITS} bits)",
    f"of {n.ACTIVATION_BITS_MIN} to {n.ACTIVATION_BITS} `bits` instead",
    f"beyond 2^{n.BIAS_BITS - 1 + n.BIAS_SHIFT_MAX} takes a smaller `sh`",
    f"taps `0x{lfsr.SIGNS.taps:08X}`",
    f"A row has at most {lfsr.ROW_STRIDE} outputs",
    f"A ring has 1 to {ring.PLANES_MAX} *planes*",
    f"5 planes -{ring.limit(5)}..{ring.limit(5)}",
    f"{config_for(64).ring_copies} up to 64 PEs, {config_for(256).ring_copies} for 256, "
    f"{config_for(1024).ring_copies} for 1024.",
    f"a window of {POOL.kernel}x{POOL.kernel}, stride {POOL.stride}, pad {POOL.pad}.",
])
def test_figures_of_the_page_are_those_of_the_code(sentence):
    assert sentence in " ".join(PAGE.split())


def test_check_values_of_the_page():
    seeds = re.findall(r"network seed\s+`?(\w+)`? gives\s+layer (\d+)(?: the seed)?\s+`(\w+)`", PAGE)
    assert [golden.layer_seed(int(seed, 0), int(number)) for seed, number, _ in seeds] == [
        int(expected, 0) for *_, expected in seeds
    ]
    assert len(seeds) == 2
    places = re.search(r"^\| `m, ky, kx` \| (.*) \|$", PAGE, re.MULTILINE)[1].split(" | ")
    words = re.search(r"^\| signs \| (.*) \|$", PAGE, re.MULTILINE)[1].split(" | ")
    found = golden.signs(0x64625032, golden.Layer("x", 20, 3, 3, 1, 1)) < 0
    for place, word in zip(places, words, strict=True):
        sixteen = found[tuple(map(int, place.split(", ")))][:16]
        assert sum(int(bit) << n for n, bit in enumerate(sixteen)) == int(word.strip("`"), 0)
    assert len(words) == 5
    assert golden.select(np.arange(10).reshape(1, 1, 1, 10), "any", 0.9).sum() == 9
    assert 10 - int((1 - 0.9) * 10) == 10
