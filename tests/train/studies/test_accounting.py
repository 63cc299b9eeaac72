"""The paper's numbers of degrees of freedom, to the last digit."""

import json

import pytest

from spec.refusal import Refused
from train.nets.addressing import Addressing
from train.nets.config import Method, ModelConfig
from train.nets.ring_plan import Rings, Scope, planned
from train.studies import accounting
from train.studies.accounting import account

ONE_LAYER = 512 * 512 * 9  # "the equivalent of one convolutional layer": the 2M rows


def resnet(depth, image=(224, 224, 3), classes=1000):
    return ModelConfig.of(Method.DENSE, network=f"resnet{depth}").topology("r", image, classes)


def of(network, dof, **settings):
    return account(network, planned(network, Rings(dof, Addressing.ELEMENT, **settings)))


@pytest.mark.parametrize(("depth", "layers", "drawn", "batch_norm"), [
    (18, 19, 11_157_504, 9_600), (34, 35, 21_258_240, 17_024),
])
def test_resnets_of_the_paper(depth, layers, drawn, batch_norm):
    network = resnet(depth)
    plan, = planned(network, Rings(ONE_LAYER, Addressing.ELEMENT))
    found = account(network, (plan,))
    assert len(plan.layers) == layers
    assert (found.drawn, found.batch_norm) == (drawn, batch_norm)
    assert (found.stem, found.shortcuts, found.blocks, found.classifier) == (9_408, 0, 0, 513_000)


@pytest.mark.parametrize(("depth", "dof", "reduction"), [
    (18, ONE_LAYER, "4.729"), (18, 5_578_752, "2.000"), (18, 36_864, "302.667"), (34, 2422 * 4608, "1.905"),
])
def test_reductions(depth, dof, reduction):
    found = of(resnet(depth), dof)
    assert found.dof == dof
    assert f"{found.reduction:.3f}" == reduction


def test_the_45k_column_is_36k_and_batch_norms():
    found = of(resnet(18), 36_864)
    assert found.dof_with_batch_norm == 46_464
    r34 = of(resnet(34), 36_864)
    assert f"{r34.dof_with_batch_norm / (r34.drawn + r34.stem + r34.batch_norm):.2%}" == "0.25%"


def test_file_sizes():
    vanilla = account(resnet(18))
    assert vanilla.float_bytes == 4 * (11_157_504 + 9_408 + 9_600 + 513_000)  # 45 MB
    assert f"{vanilla.float_bytes / 2**20:.1f}" == "44.6"
    half = of(resnet(18), 5_578_752)
    assert f"{(half.dof * 4 + half.classifier * 4) / 2**20:.0f}" == "23"  # 23 MB
    assert half.float_bytes - half.int8_bytes == 3 * half.dof - 4


def test_stem_in_and_cifar_stem():
    assert of(resnet(18), ONE_LAYER, parts=("stem", "shortcut")).drawn == 11_157_504 + 9_408
    cifar = of(resnet(18, (32, 32, 3), 100), ONE_LAYER)
    assert (cifar.stem, cifar.drawn, cifar.classifier) == (1_728, 11_157_504, 51_300)
    outside = of(resnet(18), ONE_LAYER, parts=())
    assert outside.shortcuts == 64 * 128 + 128 * 256 + 256 * 512
    assert outside.drawn + outside.shortcuts == 11_157_504


def test_operations():
    assert account(resnet(18)).macs == 1_814_073_344  # "1.81e9"


def test_stages_have_rings_of_their_own():
    found = of(resnet(18), ONE_LAYER, scope=Scope.STAGE)
    assert len(found.rings) == 4
    assert found.dof == ONE_LAYER


@pytest.mark.parametrize("parts", [(), ("shortcut",), ("stem", "shortcut", "classifier")])
def test_it_is_what_a_model_learns(small_rpg, parts):
    model = small_rpg(parts=parts)
    found = of(model.network, 320, parts=parts)
    learned = sum(p.numel() for p in model.parameters())
    assert found.backbone_dof + found.classifier + found.batch_norm == learned


def test_command(capsys):
    assert accounting.main(["--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["dof"], facts["drawn"], facts["dof_with_batch_norm"]) == (ONE_LAYER, 11_157_504, 2_368_896)
    assert accounting.main(["--network", "resnet34", "--scope", "stage"]) == 0
    assert "21,258,240" in capsys.readouterr().out
    with pytest.raises(Refused, match="resnet19"):
        accounting.main(["--network", "resnet19"])
