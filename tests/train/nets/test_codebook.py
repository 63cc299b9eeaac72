"""k-means on a line, and weights that are a codebook's values."""

import numpy as np
import pytest
import torch

from spec.refusal import Refused
from train.nets.codebook import Codebook, kmeans


def test_clusters_are_found_and_each_value_is_nearest_to_its_own():
    values = np.array([[-1.0, -0.9, 4.0], [5.0, 4.5, 9.9]])
    centroids, nearest = kmeans(values, 3)
    assert np.allclose(centroids, [-0.95, 4.5, 9.9])
    assert nearest.tolist() == [[0, 0, 1], [1, 1, 2]]


def test_lloyd_ends_where_centroids_are_means():
    values = np.random.default_rng(0).normal(size=500)
    centroids, nearest = kmeans(values, 7)
    assert np.array_equal(nearest, np.abs(values[:, None] - centroids).argmin(1))
    assert np.allclose(centroids, [values[nearest == one].mean() for one in range(7)])


def test_weights_share_and_gradients_add_up():
    weights = {"a": torch.tensor([[0.0, 0.1], [1.0, 1.1]]), "b": torch.tensor([3.0, 3.0, 5.0])}
    book = Codebook(weights, {"a": 2, "b": 9})
    drawn = book.draw()
    assert torch.allclose(drawn["a"], torch.tensor([[0.05, 0.05], [1.05, 1.05]]))
    assert torch.allclose(drawn["b"], weights["b"], atol=1e-6)
    (drawn["a"] * torch.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    assert book.books[0].grad.tolist() == [[3.0, 7.0]]
    assert (book.dof, book.index_bits) == (2 + 3, 4 * 1 + 3 * 2)


def test_no_centroids_are_refused():
    with pytest.raises(Refused, match="from 1 centroid on"):
        kmeans(np.zeros(3), 0)
