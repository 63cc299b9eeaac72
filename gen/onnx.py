"""`python -m gen.onnx MODEL --out FILE`: the deployed network as one ONNX graph of integer operators.

For comparing with other tools, and for running the network where there is no accelerator: the logits, and with
``--trace`` every stored activation, are those of the golden model, bit by bit. Recurrent blocks are unrolled but share
their weights, as blocks with the weights of others do; weights are unpacked to a byte each, so the file is larger than
the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from console.command import CommandParser, add_out
from spec.files import output_file, write_bytes
from spec.layer import POOL, Layer, Role, Window
from spec.model import Model, load
from spec.numerics import output_range
from spec.refusal import run_command
from spec.steps import Outputs, Step

__all__ = ["main", "onnx_graph", "parser"]

#: Operators as of ONNX 1.8 (MaxPool on bytes, ReduceSum with axes as input), which every current runtime has.
_OPSET = 13
_IR_VERSION = 8

#: Zero point of stored weights: ConvInteger takes unsigned bytes everywhere, signed ones only in some runtimes.
_ZERO = 128


@dataclass
class _Graph:
    """Nodes and constants under construction; every method returns the name of what it adds."""

    nodes: list = field(default_factory=list)
    constants: dict = field(default_factory=dict)

    def constant(self, name: str, values: np.ndarray) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(values, name)
        return name

    def number(self, value: int) -> str:
        return self.constant(f"int64_{value}", np.array(value, np.int64))

    def add(self, operator: str, *inputs: str, name: str, **attributes) -> str:
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name


def onnx_graph(model: Model, *, trace: bool = False) -> onnx.ModelProto:
    """The deployed network as an ONNX model.

    Input ``images``: uint8 (batch, H, W, C), raw pixels. Output ``logits``: int32 (batch, classes), or ``maps``: int8
    (batch, OH, OW, M); with ``trace`` also every stored tensor, uint8 or int8 (batch, OH, OW, M), called
    ``LAYER/ITERATION``, in the order of :func:`spec.golden.run`.
    """
    graph = _Graph()
    network = model.network
    outputs: list[str] = []

    image = graph.add("Transpose", "images", name="images/nchw", perm=[0, 3, 1, 2])
    streams = Outputs(network.steps, image)
    for step in network.steps[:-1]:
        streams.put(_execute(graph, model, step, *streams.take()))
        outputs.append(f"{step.layer.name}/{step.iteration}")
    head = network.steps[-1]
    if network.head.stored:
        maps = _execute(graph, model, head, *streams.take())
        graph.add("Transpose", maps, name="maps", perm=[0, 2, 3, 1])
    else:
        sums = _convolve(graph, model, head.layer, streams.take()[0], head.layer.name)
        graph.add("ReduceSum", sums, graph.constant("hw", np.array([2, 3])), name="logits", keepdims=0)
    return _finish(graph, model, outputs if trace else [])


def _execute(graph: _Graph, model: Model, step: Step, source: str, residual: str | None) -> str:
    """Name of what ``step`` stores, (B, M, OH, OW), from the names of what it reads."""
    name = f"{step.layer.name}/{step.iteration}"
    if step.layer.role is Role.POOL:
        return graph.add(
            "MaxPool", source, name=name, kernel_shape=[POOL.kernel] * 2, strides=[POOL.stride] * 2,
            pads=[POOL.pad] * 4,
        )
    acc = _convolve(graph, model, step.layer, source, name)
    if step.upsampled:
        for axis, size in ((2, step.layer.out_height), (3, step.layer.out_width)):
            nearest = graph.constant(f"nearest_{size}", np.arange(size) >> 1)
            residual = graph.add("Gather", residual, nearest, name=f"{name}/upsampled{axis}", axis=axis)
    return _requantize(graph, model, step, acc, residual)


def _convolve(graph: _Graph, model: Model, layer: Layer, source: str, name: str) -> str:
    """``acc``, int32 (B, M, OH, OW), of a layer on a byte map (B, N, H, W)."""
    weights = model.weights(layer.name).transpose(0, 3, 1, 2)  # OHWI -> OIHW
    window = Window(layer.kernel, layer.stride, layer.pad)
    if layer.role is Role.STEM:
        # The prepared channels are (ky, kx, c) of the image: back to a convolution over it.
        stem, channels = model.network.stem, model.network.image[2]
        window = Window(stem.kernel, stem.stride, stem.pad)
        weights = weights.reshape(-1, stem.kernel, stem.kernel, channels).transpose(0, 3, 1, 2)
    stored = graph.constant(f"{layer.tensor}/weights", (weights.astype(np.int16) + _ZERO).astype(np.uint8))
    return graph.add(
        "ConvInteger", source, stored, graph.constant("byte_0", np.array(0, np.uint8)),
        graph.constant(f"byte_{_ZERO}", np.array(_ZERO, np.uint8)), name=f"{name}/acc",
        kernel_shape=[window.kernel] * 2, strides=[window.stride] * 2, pads=[window.pad] * 4,
    )


def _requantize(graph: _Graph, model: Model, step: Step, acc: str, residual: str | None) -> str:
    """Stored bytes by :func:`spec.numerics.requantize`, (B, M, OH, OW)."""
    iteration, name = step.iteration, f"{step.layer.name}/{step.iteration}"
    numbers = model.requantizations[step.layer.name]

    def channels(what: str, values: np.ndarray) -> str:
        return graph.constant(f"{name}/{what}", values.astype(np.int64)[:, None, None])

    wide = graph.add("Cast", acc, name=f"{name}/wide", to=TensorProto.INT64)
    z = graph.add("Mul", wide, channels("multiplier", numbers.multiplier[iteration]), name=f"{name}/scaled")
    # One rounding: half a unit joins the bias.
    offset = (numbers.bias[iteration] << numbers.bias_shift) + (1 << numbers.shift - 1)
    z = graph.add("Add", z, channels("offset", offset), name=f"{name}/shifted")
    if residual is not None:
        added = graph.add("Cast", residual, name=f"{name}/residual", to=TensorProto.INT64)
        factor = graph.number(1 << numbers.shift + numbers.residual_shift)
        added = graph.add("Mul", added, factor, name=f"{name}/residual_scaled")
        z = graph.add("Add", z, added, name=f"{name}/sum")
    # Floor of z / 2**shift: Mod takes the sign of the divisor, so what is left divides exactly.
    unit = graph.number(1 << numbers.shift)
    rest = graph.add("Mod", z, unit, name=f"{name}/rest")
    exact = graph.add("Sub", z, rest, name=f"{name}/exact")
    floor = graph.add("Div", exact, unit, name=f"{name}/floor")
    low, high = output_range(numbers.signed, numbers.bits)
    clipped = graph.add("Clip", floor, graph.number(low), graph.number(high), name=f"{name}/clipped")
    kind = TensorProto.INT8 if numbers.signed else TensorProto.UINT8
    return graph.add("Cast", clipped, name=name, to=kind)


def _finish(graph: _Graph, model: Model, traced: list[str]) -> onnx.ModelProto:
    """The graph with its inputs and outputs described, checked."""
    network = model.network
    steps = {f"{step.layer.name}/{step.iteration}": step.layer for step in network.steps}
    head = network.layers[-1]
    described = [
        helper.make_tensor_value_info(
            "maps", TensorProto.INT8, ["batch", head.out_height, head.out_width, head.outputs]
        ) if network.head.stored
        else helper.make_tensor_value_info("logits", TensorProto.INT32, ["batch", network.classes])
    ]
    for name in traced:
        layer = steps[name]
        kind = TensorProto.INT8 if layer.role.signed else TensorProto.UINT8
        channels_last = graph.add("Transpose", name, name=f"{name}/nhwc", perm=[0, 2, 3, 1])
        shape = ["batch", layer.out_height, layer.out_width, layer.outputs]
        described.append(helper.make_tensor_value_info(channels_last, kind, shape))
    images = helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", *network.image])
    made = helper.make_model(
        helper.make_graph(graph.nodes, network.name, [images], described, list(graph.constants.values())),
        opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION, producer_name="foldenite",
    )
    helper.set_model_props(made, {"model_sha256": model.hash})
    onnx.checker.check_model(made)
    return made


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m gen.onnx", description=__doc__.splitlines()[0])
    made.add_argument("model", type=Path, help="model file (.safetensors)")
    made.add_argument("--trace", action="store_true", help="every stored activation is an output, too")
    add_out(made, "file to write (default: the model's name with .onnx)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Write the graph; exit 0, or 2 if the model is refused."""
    arguments = parser().parse_args(argv)
    out = output_file(arguments.out or arguments.model.with_suffix(".onnx"))
    print(write_bytes(out, onnx_graph(load(arguments.model), trace=arguments.trace).SerializeToString()))
    return 0


if __name__ == "__main__":
    run_command(main)
