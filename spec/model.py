"""The model file: packed supermasks, rings, batch-norm entries and the network, in one safetensors file, no pickle.

Tensors: ``LAYER.mask`` (uint8, :func:`spec.supermask.pack`) for every layer that has its own weights and draws from no
ring, ``RING.ring`` (int8, (16*words,)) for every ring, ``LAYER.entries`` (uint32, shape (iterations, M),
:func:`spec.numerics.pack_entries`) for every layer but the classifier. Everything else is JSON in the metadata, and a
SHA-256 over both makes a damaged file known.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import safetensors.numpy

from spec import ring as ring_weights
from spec.budgets import Budget
from spec.documents import check_document, parse_json
from spec.files import read_tensors, write_bytes
from spec.layer import Layer, Role
from spec.lfsr import sign_factors
from spec.names import check_class_names
from spec.network import Network
from spec.numerics import (
    PIXEL_MAX,
    Requantization,
    accumulator_bounds,
    output_range,
    pack_entries,
    unpack_entries,
    z_bounds,
)
from spec.refusal import Refused
from spec.supermask import check_mask, pack, packed_bytes, unpack

__all__ = ["CLASS_NAMES", "FORMAT", "VERSION", "Model", "digest", "load", "save", "with_provenance"]

FORMAT = "foldenite-model"
VERSION = 4  #: 2: kinds of blocks and the max pool; 3: rings; 4: bits of activations.

#: Where the provenance holds the names of the classes, if it does.
CLASS_NAMES = "class_names"

_NUMBER_KEYS = ("shift", "bias_shift", "residual_shift", "signed", "bits")


@dataclass(frozen=True)
class Model:
    """A deployable network: masks, rings and integer batch norms.

    Parameters
    ----------
    network : Network
    masks : mapping of layer name to bool array (M, K, K, N)
        For every layer that has its own weights and draws from no ring.
    requantizations : mapping of layer name to Requantization
        For every layer but the classifier.
    provenance : dict
        How it was trained, calibrated and measured; plain JSON, shown but never interpreted.
    rings : mapping of ring name to int8 array (16*words,)

    Raises
    ------
    Refused
        If a layer or ring is missing or unknown, a shape is wrong, a mask breaks its mode, a ring has values beyond its
        planes, layers store activations of different bits, layers with the same weights have other shifts, or an
        accumulator or sum could wrap.
    """

    network: Network
    masks: Mapping[str, np.ndarray]
    requantizations: Mapping[str, Requantization]
    provenance: dict = field(default_factory=dict)
    rings: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        layers = {layer.name: layer for layer in self.network.layers}
        stored = {name for name, layer in layers.items() if layer.role is not Role.CLASSIFIER}
        masked = {layer.name for layer in self._masked}
        rings = {ring.name: ring for ring in self.network.rings}
        for kind, what, given, expected in (
            ("layer", "mask", set(self.masks), masked),
            ("ring", "values", set(self.rings), set(rings)),
            ("layer", "batch-norm entries", set(self.requantizations), stored),
        ):
            if given - expected:
                raise Refused(
                    f"Unknown {kind} {min(given - expected)!r} has {what}; the {kind}s are {sorted(expected)}"
                )
            if expected - given:
                raise Refused(f"{kind.capitalize()} {min(expected - given)!r} has no {what}")
        if not isinstance(self.provenance, dict):
            raise Refused(f"Provenance must be an object, not {self.provenance!r}")
        check_document(self.provenance, f"Provenance of model {self.network.name}", "export it again without that")
        for name, ring in rings.items():
            ring_weights.check_values(ring, self.rings[name])
        for name in masked:
            mask, layer = self.masks[name], layers[name]
            if mask.dtype != bool or mask.shape != layer.shape:
                raise Refused(f"Mask of layer {name} must be bool {layer.shape}, not {mask.dtype} {mask.shape}")
            check_mask(mask, layer.mode, name)
        for name, numbers in self.requantizations.items():
            if numbers.bits != self.bits:
                raise Refused(
                    f"Layer {name} stores activations of {numbers.bits} bits, but the stem of {self.bits}; all layers "
                    "of a network store as many"
                )
        for layer in layers.values():
            self._prove(layer)
            self._compare(layer)

    def _prove(self, layer: Layer) -> None:
        """Refuse the layer if its accumulator or its requantizer sum could leave its width."""
        bits = layer.widths
        low, high = self.accumulator_range(layer)
        if _signed_bits(low, high) > bits.acc:
            remedy = "give its ring fewer planes" if layer.ring else "lower its density"
            raise Refused(
                f"Layer {layer.name} can reach accumulators of {low.min()}..{high.max()}, beyond {bits.acc} bits; "
                f"{remedy} or give it fewer input channels"
            )
        if layer.role is Role.CLASSIFIER:
            return
        numbers = self.requantizations[layer.name]
        expected = (layer.iterations, layer.outputs)
        for what, values in (("multipliers", numbers.multiplier), ("biases", numbers.bias)):
            if values.shape != expected or values.dtype.kind != "i":
                raise Refused(
                    f"Batch-norm {what} of layer {layer.name} must be integers of shape {expected} "
                    f"(iterations, channels), not {values.dtype} {values.shape}"
                )
        problems = numbers.problems()
        if numbers.signed != layer.role.signed:
            problems.append(f"signed must be {layer.role.signed} for a layer of role {layer.role}")
        if problems:
            raise Refused(f"Layer {layer.name}: {'; '.join(problems)}")
        z_low, z_high = z_bounds(numbers, low, high, self.residual_range(layer))
        if z_low < -(1 << (bits.z - 1)) or z_high >= 1 << (bits.z - 1):
            raise Refused(
                f"Layer {layer.name} can reach sums of {z_low}..{z_high}, beyond {bits.z} bits; export it again"
            )

    def _compare(self, layer: Layer) -> None:
        """Refuse the layer if it has another's weights, but not its shifts: a loop runs both with the same command."""
        if layer.owner is None:
            return
        for key in _NUMBER_KEYS:
            own, there = (getattr(self.requantizations[name], key) for name in (layer.name, layer.owner))
            if own != there:
                raise Refused(
                    f"Layer {layer.name} uses the weights of {layer.owner}, so its {key.replace('_', ' ')} must be "
                    f"{there}, as there, not {own}; export both together"
                )

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the classes are called: by whom it was trained on, or their numbers.

        Raises
        ------
        Refused
            If there are none, for maps leave the network, or the provenance names them, but not as many, or by what
            cannot be printed.
        """
        if self.network.head.stored:
            raise Refused(
                f"Model {self.network.name} gives {self.network.classes} maps, not classes; give one that does"
            )
        if CLASS_NAMES not in self.provenance:
            return tuple(map(str, range(self.network.classes)))
        names = check_class_names(self.provenance[CLASS_NAMES], f"model {self.network.name}")
        if len(names) != self.network.classes:
            raise Refused(
                f"Model {self.network.name} names {len(names)} classes, but has {self.network.classes}; export it again"
            )
        return names

    @property
    def bits(self) -> int:
        """Bits of every stored activation; an image has bytes in any case."""
        return self.requantizations[self.network.layers[0].name].bits

    def largest_input(self, layer: Layer) -> int:
        """Largest value that ``layer`` can read."""
        return PIXEL_MAX if layer.role is Role.STEM else output_range(signed=False, bits=self.bits)[1]

    def accumulator_range(self, layer: Layer) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest accumulator of ``layer``, whatever the image: two int64 arrays of shape (outputs,)."""
        positions = layer.positions if layer.role is Role.CLASSIFIER else 1
        return accumulator_bounds(self.weights(layer.name), positions, self.largest_input(layer))

    def psum_bits(self, layer: Layer) -> int:
        """Signed bits that hold every accumulator of ``layer``, whatever the image."""
        return _signed_bits(*self.accumulator_range(layer))

    def residual_range(self, layer: Layer) -> tuple[int, int]:
        """Least and greatest residual that ``layer`` adds; (0, 0) if it adds none."""
        if layer.name not in self.network.added:
            return (0, 0)
        return output_range(signed=self.network.adds_projection(layer), bits=self.bits)

    def weights(self, name: str) -> np.ndarray:
        """Weights of a layer, int8 (M, K, K, N): ``mask x sign`` in {-1, 0, +1}, or what it draws from its ring."""
        return self._weights[name]

    @cached_property
    def _weights(self) -> dict[str, np.ndarray]:
        weights = {}
        for users in self.network.users.values():
            layer = users[0]
            seed = self.network.seed_of(layer)
            if layer.ring is not None:
                draw = self.network.draws[layer.name]
                found = ring_weights.unpack(self.rings[layer.ring.name], layer.shape, draw, seed)
            else:
                sign = sign_factors(seed, layer.outputs, layer.kernel, layer.inputs)
                found = sign * self.masks[layer.name]
            weights |= {user.name: found for user in users}
        return weights

    @property
    def _masked(self) -> list[Layer]:
        """The layers that have a mask in the file."""
        return [layer for layer in self.network.own_layers if layer.ring is None]

    @property
    def mask_bits(self) -> int:
        """Bits of all packed masks: 1 per weight (0.5 in mode ``1of4``), rows padded to whole groups."""
        return sum(8 * packed_bytes(layer.shape, layer.mode) for layer in self._masked)

    @property
    def ring_bits(self) -> int:
        """Bits of all rings in the file."""
        return sum(8 * ring.size for ring in self.network.rings)

    @property
    def entry_count(self) -> int:
        """32-bit batch-norm entries of all layers and iterations."""
        return sum(numbers.multiplier.size for numbers in self.requantizations.values())

    @property
    def stored_bytes(self) -> int:
        """Bytes that an accelerator must store of the model: masks, rings as int8, entries."""
        return (self.mask_bits + self.ring_bits) // 8 + 4 * self.entry_count

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of everything the file says."""
        return digest(*_content(self))


def _signed_bits(low: np.ndarray, high: np.ndarray) -> int:
    """Signed bits that hold every number from the least of ``low`` to the greatest of ``high``; 0 is among them."""
    return 1 + max(int(high.max()), -1 - int(low.min())).bit_length()


def _content(model: Model) -> tuple[dict, dict[str, np.ndarray]]:
    """Metadata (without the hash) and tensors of ``model``."""
    tensors = {}
    numbers = {}
    for ring in model.network.rings:
        tensors[f"{ring.name}.ring"] = np.ascontiguousarray(model.rings[ring.name])
    for layer in model.network.layers:
        if layer.ring is None and layer.owner is None:
            tensors[f"{layer.name}.mask"] = pack(model.masks[layer.name], layer.mode)
        if layer.role is not Role.CLASSIFIER:
            requantization = model.requantizations[layer.name]
            entries = pack_entries(requantization.multiplier, requantization.bias)
            tensors[f"{layer.name}.entries"] = np.ascontiguousarray(entries)
            numbers[layer.name] = {key: getattr(requantization, key) for key in _NUMBER_KEYS}
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "network": model.network.to_json(),
        "requantizations": numbers,
        "provenance": json.loads(json.dumps(model.provenance)),  # as a reader sees it: keys are text
    }
    return metadata, tensors


def digest(metadata: dict, tensors: dict[str, np.ndarray]) -> str:
    """SHA-256 (hex) over JSON ``metadata`` and the names, types, shapes and bytes of ``tensors``."""
    sha256 = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        sha256.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode())
        sha256.update(tensor.tobytes())
    return sha256.hexdigest()


def save(model: Model, path: Path) -> Path:
    """Write ``model`` to ``path`` atomically and return the path. Same model, same bytes."""
    metadata, tensors = _content(model)
    text = json.dumps(metadata | {"sha256": model.hash}, sort_keys=True)
    return write_bytes(path, safetensors.numpy.save(tensors, {"foldenite": text}))


def load(path: Path) -> Model:
    """Read and verify a model file.

    Raises
    ------
    Refused
        If it is absent, truncated, altered, of another version, or says anything unknown or inconsistent.
    """
    remedy = "copy it again or write one with python -m train.export"
    texts, tensors = read_tensors(path, Budget.MODEL_FILE, "Model file", remedy)
    if set(texts) != {"foldenite"}:
        raise Refused(
            f"File {path} is a safetensors file but not a Foldenite model; export one with python -m train.export"
        )
    metadata = parse_json(texts["foldenite"], f"Metadata of model file {path}", "copy or export it again")
    if not isinstance(metadata, dict):
        raise Refused(f"Model file {path} has metadata that is no JSON object; copy or export it again")
    model = _decode(metadata, tensors, path)
    if json.dumps(metadata, sort_keys=True) != texts["foldenite"]:
        raise Refused(f"Model file {path} has altered metadata (not as it was written); copy or export it again")
    return model


def _decode(metadata: dict, tensors: dict[str, np.ndarray], path: Path) -> Model:
    if metadata.get("format") != FORMAT:
        raise Refused(f"File {path} declares format {metadata.get('format')!r}, not {FORMAT!r}")
    if type(metadata.get("version")) is not int or metadata["version"] != VERSION:
        raise Refused(
            f"Model file {path} has version {metadata.get('version')!r}, but this Foldenite reads version {VERSION}; "
            "export it again"
        )
    expected = {"format", "version", "network", "requantizations", "provenance", "sha256"}
    if set(metadata) != expected:
        odd = sorted(set(metadata) ^ expected)[0]
        kind = "unknown" if odd in metadata else "missing"
        raise Refused(f"Model file {path} has {kind} key {odd!r}; the keys are {sorted(expected)}")
    found = digest({key: value for key, value in metadata.items() if key != "sha256"}, tensors)
    if found != metadata["sha256"]:
        raise Refused(
            f"Model file {path} does not match its SHA-256 (says {str(metadata['sha256'])[:12]}, is {found[:12]}): "
            "it was altered or damaged; copy or export it again"
        )
    if not isinstance(metadata["requantizations"], dict):
        raise Refused(f"Key requantizations must map layer names to numbers, not {metadata['requantizations']!r}")
    network = Network.from_json(metadata["network"])
    masks, requantizations = {}, {}
    rings = {ring.name: _take(tensors, f"{ring.name}.ring", path) for ring in network.rings}
    for layer in network.layers:
        if layer.ring is None and layer.owner is None:
            masks[layer.name] = unpack(_take(tensors, f"{layer.name}.mask", path), layer.shape, layer.mode, layer.name)
        if layer.role is not Role.CLASSIFIER:
            entries = _take(tensors, f"{layer.name}.entries", path)
            requantizations[layer.name] = _requantization(metadata["requantizations"], layer, entries, path)
    if tensors:
        raise Refused(f"Model file {path} has unknown tensor {min(tensors)!r}; the network has no such layer or ring")
    unknown = sorted(set(metadata["requantizations"]) - set(requantizations))
    if unknown:
        raise Refused(f"Model file {path} has numbers for unknown layer {unknown[0]!r}")
    return Model(network, masks, requantizations, metadata["provenance"], rings)


def _take(tensors: dict[str, np.ndarray], name: str, path: Path) -> np.ndarray:
    if name not in tensors:
        raise Refused(f"Model file {path} lacks tensor {name!r}")
    return tensors.pop(name)


def _requantization(table: dict, layer: Layer, entries: np.ndarray, path: Path) -> Requantization:
    numbers = table.get(layer.name)
    if not isinstance(numbers, dict) or set(numbers) != set(_NUMBER_KEYS):
        raise Refused(f"Model file {path} must give {list(_NUMBER_KEYS)} for layer {layer.name}, not {numbers!r}")
    expected = (layer.iterations, layer.outputs)
    if entries.dtype != np.uint32 or entries.shape != expected:
        raise Refused(
            f"Tensor {layer.name}.entries must be uint32 of shape {expected} (iterations, channels), not "
            f"{entries.dtype} {entries.shape}"
        )
    for key, value in numbers.items():
        if type(value) is not (bool if key == "signed" else int):
            raise Refused(f"Key requantizations.{layer.name}.{key} has a wrong type: {value!r}")
    multiplier, bias = unpack_entries(entries)
    return Requantization(multiplier, bias, **numbers)


def with_provenance(model: Model, **more) -> Model:
    """``model`` with further provenance."""
    return dataclasses.replace(model, provenance=model.provenance | more)
