"""The ONNX graph in onnxruntime against the golden model: every stored activation and the logits, bit by bit."""

import numpy as np
import onnx
import onnxruntime
import pytest

from gen.onnx import main, onnx_graph
from spec import golden
from spec.block import Kind, Stem
from spec.hourglass import hourglass
from spec.model import save
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network, resnet

SMALL = {"image": (9, 7, 3), "classes": 5, "widths": (16, 24), "iterations": (2, 3)}
NETWORKS = {
    "basic": residual_network("t", mode=Mode.ANY, **SMALL),
    "bottleneck": residual_network("t", mode=Mode.TWO_OF_FOUR, kind=Kind.BOTTLENECK, **SMALL),
    "pooled": residual_network("t", mode=Mode.ONE_OF_FOUR, stem=Stem(5, 2, 2, 8, True), **SMALL),
    "hourglass": hourglass(
        "t", image=(11, 14, 3), joints=3, width=8, depth=2, stacks=2, iterations=2, mode=Mode.TWO_OF_FOUR
    ),
    "shared": hourglass(
        "t", image=(11, 14, 3), joints=3, width=8, depth=2, stacks=3, iterations=2, mode=Mode.ANY, shared=True
    ),
    "paper": resnet(18, width=4, classes=7, mode=Mode.ONE_OF_FOUR),
}


def run(graph, images):
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"images": images}), strict=True))


@pytest.mark.parametrize(("name", "bits"), [*((name, 8) for name in NETWORKS), ("basic", 6), ("pooled", 4)])
def test_every_stored_activation_is_the_golden_models(name, bits):
    model = synthetic_model(NETWORKS[name], seed=3, bits=bits)
    images = random_images(model.network, 3, seed=4)
    trace = golden.run(model, images)
    found = run(onnx_graph(model, trace=True), images)
    head = "maps" if name in ("hourglass", "shared") else "logits"
    assert list(found) == [head, *(f"{s.layer.name}/{s.iteration}/nhwc" for s in trace.stored)]
    for stored, values in zip(trace.stored, list(found.values())[1:], strict=True):
        assert values.dtype == stored.values.dtype
        assert np.array_equal(values, stored.values), (stored.layer.name, stored.iteration)
    assert found[head].dtype == trace.logits.dtype == (np.int32 if head == "logits" else np.int8)
    assert np.array_equal(found[head], trace.logits)


def test_the_networks_saturate_and_round_negative_sums():
    """What a missing clamp or a division that truncates would store otherwise does occur."""
    model = synthetic_model(NETWORKS["basic"], seed=3)
    trace = golden.run(model, random_images(model.network, 3, seed=4))
    unsigned = np.concatenate([s.values.ravel() for s in trace.stored if s.values.dtype == np.uint8])
    signed = np.concatenate([s.values.ravel() for s in trace.stored if s.values.dtype == np.int8])
    assert {0, 255} <= set(np.unique(unsigned))
    assert {-128, 127} <= set(np.unique(signed))


def test_weights_of_several_layers_are_in_the_graph_once():
    graph = onnx_graph(synthetic_model(NETWORKS["shared"], seed=3)).graph
    weights = [constant.name for constant in graph.initializer if constant.name.endswith("/weights")]
    assert sorted(weights) == sorted(f"{layer.name}/weights" for layer in NETWORKS["shared"].own_layers)
    assert sum(node.op_type == "ConvInteger" for node in graph.node) == sum(
        step.layer.index >= 0 for step in NETWORKS["shared"].steps
    )


def test_the_command_writes_one_file(tmp_path, capsys):
    model = synthetic_model(NETWORKS["basic"], seed=3)
    path = save(model, tmp_path / "t.safetensors")
    assert main([str(path)]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "t.onnx")
    graph = onnx.load(tmp_path / "t.onnx")
    assert [output.name for output in graph.graph.output] == ["logits"]
    assert {prop.key: prop.value for prop in graph.metadata_props} == {"model_sha256": model.hash}
    integers = {onnx.TensorProto.UINT8, onnx.TensorProto.INT64}
    assert {constant.data_type for constant in graph.graph.initializer} == integers
    folded = [c.name for c in graph.graph.initializer if c.name.startswith("stage2.fold.conv1/weights")]
    assert len(folded) == 1  # three iterations share it
    images = random_images(model.network, 2, seed=9)
    assert np.array_equal(run(graph, images)["logits"], golden.run(model, images).logits)
    with pytest.raises(Refused, match="does not exist"):
        main([str(tmp_path / "nowhere.safetensors")])
