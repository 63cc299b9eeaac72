"""Fast selection against spec's, and the gradient against its formula worked out by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spec.refusal import Refused
from spec.supermask import Mode, keep_count
from spec.supermask import select as spec_select
from train.nets import edge_popup
from train.nets.edge_popup import kth_largest, select, select_blindly
from train.nets.layers import EdgePopup

WAYS = [select, select_blindly]

SHAPES = [(1, 1, 1, 4), (3, 1, 1, 8), (2, 3, 3, 4), (5, 2, 2, 12)]
RAGGED = [(1, 1, 1, 1), (3, 1, 1, 6), (2, 3, 3, 5)]


def assert_selects_as_spec(scores, mode, density):
    """Both ways of selection, bit by bit."""
    expected = spec_select(scores, mode, density)
    for way in WAYS:
        found = way(torch.from_numpy(scores), mode, keep_count(scores.size, density))
        assert np.array_equal(found.numpy(), expected), way.__name__


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_selection_is_the_specs(data):
    mode = data.draw(st.sampled_from(list(Mode)))
    shape = data.draw(st.sampled_from(SHAPES if mode is Mode.ONE_OF_FOUR else SHAPES + RAGGED))
    density = data.draw(st.integers(1, 100)) / 100
    count = int(np.prod(shape))
    numbers = st.floats(-2, 2, width=32) | st.sampled_from([0.0, -0.0, 0.5, -0.5])
    scores = np.array(data.draw(st.lists(numbers, min_size=count, max_size=count)), np.float32).reshape(shape)
    assert_selects_as_spec(scores, mode, density)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_thousand_layers_with_ties_on_every_way(mode):
    """Of each mode 250 layers, up to 1,000 scores: many values or few, or but one."""
    rng = np.random.default_rng(list(Mode).index(mode))
    for levels in [1, 2, 5, 40, 10**6] * 50:
        channels = 4 * rng.integers(1, 7) if mode is Mode.ONE_OF_FOUR else rng.integers(1, 25)
        shape = (rng.integers(1, 13), *(rng.choice([1, 3]),) * 2, channels)
        scores = (rng.integers(-levels, levels + 1, shape) / 8).astype(np.float32)
        assert_selects_as_spec(scores if levels > 1 else np.full_like(scores, scores.flat[0]), mode, rng.random())


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("density", [0.001, 0.25, 0.3, 0.999, 1.0])
@pytest.mark.parametrize("levels", [1, 3, 50, 10**6])  # few levels: thousands of ties
def test_large_layers_take_the_sampled_way_to_the_same_mask(mode, density, levels):
    rng = np.random.default_rng([levels, round(1000 * density)])
    scores = (rng.integers(-levels, levels + 1, (48, 3, 3, 64)) / 8).astype(np.float32)
    assert scores.size > 4 * edge_popup._SAMPLE
    assert_selects_as_spec(scores, mode, density)


@pytest.mark.parametrize("mode", list(Mode))
def test_selection_is_one_graph_without_shapes_that_depend_on_values(mode):
    """Dynamo breaks a graph where Python must see a value, and refuses such shapes unless told otherwise."""
    scores = torch.randn(6, 3, 3, 8, generator=torch.Generator().manual_seed(2)).mul_(4).round_()
    counts = [keep_count(scores.numel(), density) for density in (0.1, 1.0)]
    graph = torch.compile(
        lambda values: [select(values, mode, count) for count in counts], backend="aot_eager", fullgraph=True
    )
    for found, count in zip(graph(scores), counts, strict=True):
        assert torch.equal(found, select(scores, mode, count))


@pytest.mark.parametrize("order", ["random", "rising", "falling", "misleading"])
@pytest.mark.parametrize("total", [1, 5, 16_384, 16_385, 100_003])
def test_kth_largest_whatever_the_sample_sees(order, total):
    values = np.random.default_rng(total).standard_normal(total).astype(np.float32)
    if order == "misleading":  # Every sampled value is tiny, so the guess is wrong.
        values = np.abs(values) + 1
        values[:: max(1, total // edge_popup._SAMPLE)] = 0
    elif order != "random":
        values = np.sort(values)[:: 1 if order == "rising" else -1].copy()
    ranked = np.sort(values)[::-1]
    for count in {1, 2, total // 3, total - 1, total} & set(range(1, total + 1)):
        assert kth_largest(torch.from_numpy(values), count) == ranked[count - 1]


def test_a_good_guess_saves_the_search(monkeypatch):
    """The linear search sees a few per cent of the scores."""
    searched = []

    def counted(array, index):
        searched.append(len(array))
        return partition(array, index)

    partition = edge_popup._sorted_at
    monkeypatch.setattr(edge_popup, "_sorted_at", counted)
    kth_largest(torch.rand(300_000, generator=torch.Generator().manual_seed(0)), 90_000)
    assert len(searched) == 1
    assert searched[0] < 0.08 * 300_000


def test_selection_leaves_scores_and_their_gradient_alone():
    scores = torch.randn(4, 3, 3, 8, generator=torch.Generator().manual_seed(6), requires_grad=True)
    before = scores.detach().clone()
    for mode in Mode:
        assert not any(way(scores, mode, 86).requires_grad for way in WAYS)
    assert torch.equal(scores, before)


def test_nan_scores_are_refused():
    with pytest.raises(Refused, match="Scores must be numbers, but some are NaN"):
        select(torch.tensor([1.0, float("nan"), 2.0, 3.0]).view(1, 1, 1, 4), Mode.ANY, 2)


@pytest.mark.parametrize("way", WAYS)
def test_ragged_groups_are_refused(way):
    with pytest.raises(Refused, match="Mode 1of4 needs whole groups of 4 input channels, not 6 channels"):
        way(torch.ones(1, 1, 1, 6), Mode.ONE_OF_FOUR, 2)


def test_gradient_worked_out_by_hand():
    """``y = sum(x * mask * w)``: dy/ds is ``sign(s) * w * x``, mask or no mask."""
    scores = torch.tensor([[-3.0, 1.0, 2.0, 0.0]], requires_grad=True)
    weight = torch.tensor([[0.5, -0.5, -0.5, 0.5]])
    x = torch.tensor([[2.0, 3.0, 4.0, 5.0]])
    mask = select(scores.view(1, 1, 1, 4), Mode.ANY, 2).view(1, 4)
    assert mask.tolist() == [[True, False, True, False]]
    y = (x * EdgePopup.apply(scores, weight, mask)).sum()
    y.backward()
    assert y.item() == 2 * 0.5 - 4 * 0.5
    assert scores.grad.tolist() == [[-1.0, -1.5, -2.0, 0.0]]


@pytest.mark.parametrize("mode", list(Mode))
def test_gradient_is_straight_through_for_kept_and_pruned(mode):
    generator = torch.Generator().manual_seed(1)
    scores = torch.randn(3, 2, 2, 8, generator=generator, requires_grad=True)
    weight = torch.randn(3, 2, 2, 8, generator=generator)
    upstream = torch.randn(3, 2, 2, 8, generator=generator)
    mask = select(scores, mode, keep_count(96, 0.3))
    effective = EdgePopup.apply(scores, weight, mask)
    effective.backward(upstream)
    assert torch.equal(effective, weight * mask)
    assert torch.equal(scores.grad, torch.sign(scores.detach()) * weight * upstream)
    assert (scores.grad[~mask] != 0).all()
    assert mask.sum() <= keep_count(96, 0.3)
