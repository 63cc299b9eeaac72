"""A golden model that follows docs/design/numbers.md, in its order, and nothing else; it imports nothing of ours.

Maps are (image, row, column, channel), weights (output channel, row, column, input channel).
"""

import hashlib
import json
import math
from collections import Counter, namedtuple
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import safetensors

Model = namedtuple("Model", "metadata tensors")  #: What a model file says; its tensors by name.
Layer = namedtuple("Layer", "name inputs outputs kernel stride pad")  #: One row of the page's table of layers.


def _read(path: Path, key: str) -> tuple[str, dict[str, np.ndarray]]:
    with safetensors.safe_open(path, framework="numpy") as file:
        return file.metadata()[key], {name: file.get_tensor(name) for name in sorted(file.keys())}


def load(path: Path) -> Model:
    """The model in the file ``path``, if it is whole."""
    text, tensors = _read(path, "foldenite")
    metadata = json.loads(text)
    if (metadata["format"], metadata["version"]) != ("foldenite-model", 4):
        raise ValueError("this is no model of version 4")
    said = metadata["sha256"]
    if digest(text.replace(f'"sha256": "{said}", ', ""), tensors) != said:
        raise ValueError("the file is damaged")
    return Model(metadata, tensors)


def load_vectors(path: Path) -> tuple[str, dict[str, np.ndarray]]:
    """``sha256`` of the model that the vectors in the file ``path`` are of, and their tensors by name."""
    text, tensors = _read(path, "model")
    owner, said = text.split(" ")
    if digest(f'{{"model": "{owner}"}}', tensors) != said:
        raise ValueError("the file is damaged")
    return owner, tensors


def digest(text: str, tensors: dict[str, np.ndarray]) -> str:
    """SHA-256 of a text and of tensors."""
    sha256 = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        sha256.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode() + tensor.tobytes())
    return sha256.hexdigest()


def block_layers(block: dict, channels: int) -> list[Layer]:
    """The layers of a block that reads so many channels."""
    width, stride, basic = block["width"], block["stride"], block["kind"] == "basic"
    inner = int(width * block["wider"] / (1 if basic else 4))
    found = [("shortcut", channels, width, 1, stride, 0)] if stride != 1 or width != channels else []
    if basic:
        found += [("conv1", channels, inner, 3, stride, 1), ("conv2", inner, width, 3, 1, 1)]
    else:
        found += [("conv1", channels, inner, 1, 1, 0), ("conv2", inner, inner, 3, stride, 1)]
        found += [("conv3", inner, width, 1, 1, 0)]
    return [Layer(f"{block['name']}.{name}", *rest) for name, *rest in found]


def layers(network: dict) -> list[Layer]:
    """All layers in network order: the number of each is its place."""
    stem, channels = network["stem"], network["stem"]["width"]
    found = [Layer("stem", stem["kernel"] ** 2 * network["image"][2], channels, 1, 1, 0)]
    for block in network["blocks"]:
        found += block_layers(block, channels)
        channels = block["width"]
    head = "maps" if network.get("head") == "maps" else "classifier"
    return [*found, Layer(head, channels, network["classes"], 1, 1, 0)]


def run(model: Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """Every stored tensor as ``LAYER@t``, and the ``logits``, in the order they are made."""
    network, weight, stored, held = model.metadata["network"], weights(model), {}, []

    def convolve(layer: Layer, t: int, source: np.ndarray, residual: np.ndarray | int = 0) -> np.ndarray:
        acc = accumulate(source, weight[layer.name], layer.stride, layer.pad)
        made = stored[f"{layer.name}@{t}"] = requantize(model, layer.name, t, acc, residual)
        return made

    stem, channels = network["stem"], network["stem"]["width"]
    x = convolve(layers(network)[0], 0, prepare(images, stem["kernel"], stem["stride"], stem["pad"]))
    if stem["pool"]:
        x = stored["pool@0"] = max_pool(x)
    for block in network["blocks"]:
        *others, last = block_layers(block, channels)
        scale, name = block.get("scale", "same"), block["name"]
        held += [x] if scale in ("keep", "down") else []
        if scale == "down":
            x = stored[f"{name}.pool@0"] = max_pool(x)
        for t in range(block["iterations"]):
            branch = residual = x
            branch = held.pop() if scale in ("join", "up") else branch
            if scale == "up":
                residual = x.repeat(2, axis=1).repeat(2, axis=2)[:, : branch.shape[1], : branch.shape[2]]
            for layer in others:
                if layer.name.endswith(".shortcut"):
                    residual = convolve(layer, t, x)
                else:
                    branch = convolve(layer, t, branch)
            x = convolve(last, t, branch, residual)
        channels = block["width"]
    if network.get("head") == "maps":
        convolve(layers(network)[-1], 0, x)
        return stored
    logits = accumulate(x, weight["classifier"], 1, 0).sum(axis=(1, 2))
    return stored | {"logits": logits.astype(np.int32)}


def taps(source: np.ndarray, kernel: int, stride: int, pad: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """For every tap of a window what it meets at all positions, 0 outside the map."""
    padded = np.pad(source.astype(np.int64), ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    height, width = ((size + 2 * pad - kernel) // stride + 1 for size in source.shape[1:3])
    for ky in range(kernel):
        for kx in range(kernel):
            yield ky, kx, padded[:, ky:, kx:][:, ::stride, ::stride][:, :height, :width]


def prepare(images: np.ndarray, kernel: int, stride: int, pad: int) -> np.ndarray:
    """Prepared channels."""
    return np.concatenate([seen for _, _, seen in taps(images, kernel, stride, pad)], axis=-1)


def accumulate(source: np.ndarray, weight: np.ndarray, stride: int, pad: int) -> np.ndarray:
    """Exact sums."""
    return sum(seen @ weight[:, ky, kx].T for ky, kx, seen in taps(source, weight.shape[1], stride, pad))


def max_pool(source: np.ndarray) -> np.ndarray:
    """The largest of every window of 3x3, stride 2, pad 1."""
    return np.max([seen for _, _, seen in taps(source, 3, 2, 1)], axis=0).astype(np.uint8)


def requantize(model: Model, name: str, t: int, acc: np.ndarray, residual: np.ndarray | int) -> np.ndarray:
    """What layer ``name`` stores in iteration ``t``."""
    numbers, entry = model.metadata["requantizations"][name], model.tensors[f"{name}.entries"][t].astype(np.int64)
    multiplier, bias = signed(entry & 0xFFF, 12), signed(entry >> 12, 20)
    shift, bits = numbers["shift"], numbers["bits"]
    added = np.asarray(residual, np.int64) << (shift + numbers["residual_shift"])
    z = acc * multiplier + (bias << numbers["bias_shift"]) + added
    low = -(2 ** (bits - 1)) if numbers["signed"] else 0
    y = np.clip((z + (1 << (shift - 1))) >> shift, low, low + 2**bits - 1)
    return y.astype(np.int8 if low else np.uint8)


def signed(values: np.ndarray, bits: int) -> np.ndarray:
    """Two's complement of so many bits."""
    return values - ((values >> (bits - 1)) << bits)


def step(state):
    """The state after ``state``."""
    return (state >> 1) ^ ((state & 1) * 0xA3000000)


@cache
def columns(steps: int) -> np.ndarray:
    """What so many steps make of each single bit of a state: the generator is linear."""
    found = np.int64(1) << np.arange(32)
    for bit in f"{steps:b}":
        found = step(advance(found, found)) if bit == "1" else advance(found, found)
    return found


def advance(states: np.ndarray, single: np.ndarray) -> np.ndarray:
    """States after the steps that make ``single`` of each single bit."""
    return np.bitwise_xor.reduce((states[..., None] >> np.arange(32) & 1) * single, axis=-1)


def layer_seed(network_seed: int, number: int) -> int:
    """Where row 0 of a layer starts."""
    z = (network_seed + (number + 1) * 0x9E3779B9) % 2**32
    z = (z ^ (z >> 16)) * 0x21F0AAAD % 2**32
    z = (z ^ (z >> 15)) * 0x735A2D97 % 2**32
    return z ^ (z >> 15) or 1


def signs(seed: int, layer: Layer) -> np.ndarray:
    """+1 or -1 for every weight of a layer."""
    starts = [np.array(seed, np.int64)]
    for _ in range(layer.outputs - 1):
        starts.append(advance(starts[-1], columns(65521)))
    states, words = np.stack(starts), []
    for _ in range(layer.kernel**2 * -(-layer.inputs // 16)):
        words.append(states[:, None] >> np.arange(16) & 1)
        states = advance(states, columns(16))
    outputs = np.concatenate(words, axis=1).reshape(layer.outputs, layer.kernel, layer.kernel, -1)
    return 1 - 2 * outputs[..., : layer.inputs]


def weights(model: Model) -> dict[str, np.ndarray]:
    """Weights of every layer by name."""
    network, starts, found = model.metadata["network"], {}, {}
    rings = {name: ring for ring in network["rings"] for name in ring["layers"]}
    others = {block["name"]: block["weights_of"] for block in network["blocks"] if "weights_of" in block}
    for number, layer in enumerate(layers(network)):
        seed, (block, _, part) = layer_seed(network["seed"], number), layer.name.rpartition(".")
        if block in others:
            found[layer.name] = found[f"{others[block]}.{part}"]
            continue
        if layer.name in network["modes"]:
            values = kept(model.tensors[f"{layer.name}.mask"], layer, network["modes"][layer.name])
        else:
            name, words = rings[layer.name]["name"], rings[layer.name]["words"]
            values, count = drawn(model.tensors[f"{name}.ring"], words, starts.get(name, 0), seed, layer)
            starts[name] = (starts.get(name, 0) + count) % words
        found[layer.name] = values.astype(np.int64) * signs(seed, layer)
    return found


def kept(packed: np.ndarray, layer: Layer, mode: str) -> np.ndarray:
    """A mask from its bytes."""
    groups, per_group = -(-layer.inputs // 4), 2 if mode == "1of4" else 4
    shape = (layer.outputs, layer.kernel, layer.kernel, groups, per_group)
    bits = np.unpackbits(packed, bitorder="little")[: math.prod(shape)].reshape(shape)
    if mode == "1of4":
        bits = (bits @ [1, 2])[..., None] == np.arange(4)
    return bits.reshape(*shape[:3], -1)[..., : layer.inputs]


def drawn(ring: np.ndarray, words: int, start: int, seed: int, layer: Layer) -> tuple[np.ndarray, int]:
    """What a layer reads from its ring, before signs, and how many words these are."""
    stride = next((s for s in range(seed % words, 2 * words) if math.gcd(s, words) == 1), 1)
    count = layer.outputs * layer.kernel**2 * -(-layer.inputs // 16)
    read = ring.reshape(words, 16)[(start + stride * np.arange(count)) % words]
    return read.reshape(layer.outputs, layer.kernel, layer.kernel, -1)[..., : layer.inputs], count


def select(scores: np.ndarray, mode: str, density: float) -> np.ndarray:
    """The mask that training makes of scores."""
    ranks, count = np.abs(scores), scores.size - math.floor((1 - Fraction(str(density))) * scores.size)
    order = np.argsort(-ranks, axis=None, kind="stable").tolist()  # by rank, ties to the lower index
    most, inputs, taken, able = {"any": 4, "2of4": 2}.get(mode, 1), scores.shape[-1], Counter(), []
    for index in order:
        group = (index // inputs, index % inputs // 4)
        able += [index] if taken[group] < most else []
        taken[group] += 1
    mask = np.zeros(scores.size, bool)
    mask[able if mode == "1of4" else able[:count]] = True
    return mask.reshape(scores.shape)
