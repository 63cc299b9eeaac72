"""Model and vector files: their bytes, and what they say, with digests repaired."""

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.numpy

from flows.report.points import of_model
from gen.check import problems
from gen.plan import command_count
from spec import golden, vectors
from spec.config import config_for
from spec.model import Model, digest, load, save
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network, rpg
from spec.vectors import Vectors
from tests.fuzz.mutate import as_json, damaged_bytes, damaged_tree
from tests.fuzz.worker import Make

__all__ = ["model_bytes", "model_texts", "small_models"]

_ITEM = np.random.default_rng  # Tensors are damaged by numpy's generator, seeded by ours.


def small_models() -> list[Model]:
    """One with masks, one with folded blocks, one in which a ring is behind all weights."""
    shape = {"image": (4, 4, 1), "classes": 3, "widths": (4, 8)}
    networks = [
        residual_network("masks", iterations=(0, 0), **shape),
        residual_network("folds", iterations=(2, 3), mode=Mode.ONE_OF_FOUR, **shape),
        rpg(residual_network("rings", iterations=(0, 2), **shape), words=3, planes=3,
            parts=("stem", "shortcut", "classifier")),
    ]
    return [synthetic_model(network, 1) for network in networks]


def _use(path: Path) -> None:
    """Load the model in ``path`` as commands do, and look at it."""
    model = load(path)
    config = config_for(16)
    if len(model.network.steps) < 1000:
        problems(model, config, commands=command_count(model.network, config.lanes))
    len(model.class_names)
    of_model(path.stem, model)


def model_bytes(folder: Path) -> Make:
    """Files with damaged bytes: models, and vectors of one."""
    models = small_models()
    files = [save(model, folder / f"base{number}").read_bytes() for number, model in enumerate(models)]
    images = random_images(models[0].network, 2, seed=1)
    traced = Vectors(images, np.zeros(2, np.int64), golden.run(models[0], images))
    vector_file = vectors.save(folder / "base.vectors", models[0], traced).read_bytes()
    path = folder / "damaged.safetensors"

    def make(rng: random.Random) -> Callable[[], object]:
        if rng.random() < 0.25:
            path.write_bytes(damaged_bytes(vector_file, rng))
            return lambda: vectors.load(path, models[0])
        path.write_bytes(damaged_bytes(rng.choice(files), rng))
        return lambda: _use(path)

    return make


def model_texts(folder: Path) -> Make:
    """Models with damaged metadata and tensors, whose digest is right."""
    bases = []
    for number, model in enumerate(small_models()):
        path = save(model, folder / f"base{number}")
        with safetensors.safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
            bases.append((json.loads(file.metadata()["foldenite"]), tensors))
    path = folder / "forged.safetensors"

    def make(rng: random.Random) -> Callable[[], object]:
        metadata, tensors = copy.deepcopy(rng.choice(bases))
        del metadata["sha256"]
        metadata = damaged_tree(metadata, rng)
        if rng.random() < 0.2:
            _damage_tensor(tensors, rng)
        text = _forged(metadata, tensors, rng)
        if rng.random() < 0.05:
            text = damaged_bytes(text.encode(), rng).decode("latin-1")
        path.write_bytes(safetensors.numpy.save(tensors, {"foldenite": text}))
        return lambda: _use(path)

    return make


def _forged(metadata: object, tensors: dict[str, np.ndarray], rng: random.Random) -> str:
    """``metadata`` with the digest that it ought to have, as a model file has it."""
    if not isinstance(metadata, dict):
        return as_json(metadata, rng)
    plain = {str(key): value for key, value in metadata.items()}
    try:
        return as_json(plain | {"sha256": digest(plain, tensors)}, rng, sort_keys=True)
    except TypeError:  # Keys that cannot be sorted.
        return as_json(plain, rng)


def _damage_tensor(tensors: dict[str, np.ndarray], rng: random.Random) -> None:
    name = rng.choice(sorted(tensors))
    tensor = tensors[name]
    kinds = (np.uint8, np.int8, np.uint32, np.int64, np.float32, np.bool_, np.float16)
    match rng.randrange(6):
        case 0:
            del tensors[name]
        case 1:
            tensors[name] = tensor.astype(rng.choice(kinds))
        case 2:
            tensors[name] = np.ascontiguousarray(tensor[..., : rng.randrange(tensor.shape[-1] + 1)])
        case 3:
            tensors[name] = _ITEM(rng.getrandbits(32)).permutation(tensor.ravel())
        case 4:
            tensors["x" * rng.choice((1, 100))] = tensor
        case _:
            flat = np.frombuffer(damaged_bytes(tensor.tobytes(), rng), np.uint8)
            usable = len(flat) // tensor.itemsize * tensor.itemsize
            tensors[name] = flat[:usable].view(tensor.dtype).copy()
