"""What the study of budgets compares, what each costs, which are on a front."""

from foldenite.budget.variants import costs, front, variants
from gen.compile import compile_model
from gen.cycles import predict
from spec.config import config_for
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network
from train.sizes import chip_bytes


def test_costs_are_those_of_the_chip_and_of_the_cycle_model():
    network = residual_network("t", image=(8, 8, 1), classes=10, widths=(8, 16), iterations=(0, 2), seed=1)
    program = compile_model(synthetic_model(network, 9), config_for(256))
    assert costs(network) == {"bytes": chip_bytes(network), "cycles": predict(program).total}


def test_modes_cost_what_they_are_said_to():
    """A mask that keeps one of four takes half the bytes of its weights and about half the cycles."""
    found = {}
    for variant in variants([32], [2]):
        found[variant.mode] = costs(residual_network(
            "t", image=(14, 14, 1), classes=10, widths=variant.changes["widths"], iterations=(0, 2, 2),
            mode=variant.mode,
        ))
    assert found[Mode.ANY] == found[Mode.TWO_OF_FOUR]
    assert found[Mode.AT_MOST_ONE]["bytes"] == found[Mode.ANY]["bytes"]
    assert found[Mode.AT_MOST_ONE]["cycles"] == found[Mode.ONE_OF_FOUR]["cycles"] < 0.6 * found[Mode.ANY]["cycles"]
    assert found[Mode.ONE_OF_FOUR]["bytes"] < 0.6 * found[Mode.ANY]["bytes"]


def test_the_front_is_what_nothing_as_cheap_beats():
    rows = [{"accuracy": a, "bytes": b} for a, b in ((0.5, 10), (0.6, 10), (0.6, 20), (0.55, 15), (0.7, 30), (0.4, 40))]
    assert front(rows, "bytes") == [{"accuracy": 0.6, "bytes": 10}, {"accuracy": 0.7, "bytes": 30}]
