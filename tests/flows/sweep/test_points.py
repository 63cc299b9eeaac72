"""Points: what is tried, what it costs, which are best."""

import pytest

from flows.sweep import area, points
from gen.compile import compile_model
from gen.cycles import predict
from gen.sizing import fitted
from spec.config import AcceleratorConfig, config_for
from spec.supermask import Mode
from spec.synthetic import synthetic_model


def test_candidates_are_every_legal_shape():
    found = list(points.candidates((64,), (64, 128), (1, 2)))
    assert len(found) == len(set(found))
    assert {(c.groups, c.rows, c.lanes) for c in found} == {(4, 16, 1), (8, 8, 1), (16, 4, 1), (4, 8, 2), (8, 4, 2)}
    assert {c.psum_depth for c in found} == {64, 128}
    assert {c.weight_rows for c in found if c.rows == 16} == {1, 2, 4}


def test_a_point_is_exact_in_cycles_and_judged_by_the_limits(runs, network):
    model = synthetic_model(network, 0)
    estimate = area.AreaModel.fitted(area.read_runs(runs))
    config = AcceleratorConfig(groups=4, rows=8, lanes=2)
    limits = points.Limits({"lut": 10**6}, mhz=50.0)
    point = points.evaluated(model, "1of4", config, estimate, limits)
    assert point.config == fitted(config, network)
    assert point.cycles == predict(compile_model(model, point.config)).total / 2
    assert point.images_per_s == pytest.approx(50e6 / point.cycles)
    assert point.misses == ()
    few = points.Limits({"lut": point.resources["lut"] - 1}, 50.0, images_per_s=point.images_per_s * 2)
    assert len(points.evaluated(model, "1of4", config, estimate, few).misses) == 2


def test_the_front_is_what_no_other_point_beats():
    def point(lut, cycles, misses=()):
        return points.Point("any", config_for(16), cycles, 1.0, {"lut": lut}, misses)

    best = [point(1, 90), point(3, 50), point(9, 10)]
    others = [point(2, 90), point(3, 60), point(10, 10), point(9, 11), point(0, 1, ("too much",))]
    assert points.pareto([*others, *best]) == best


@pytest.mark.parametrize("mode", list(Mode))
def test_modes_change_blocks_only(network, mode):
    changed = points.in_mode(network, mode)
    assert {layer.mode for layer in changed.layers[1:-1]} == {mode}
    assert [changed.layers[i].mode for i in (0, -1)] == [network.layers[i].mode for i in (0, -1)]
