"""Weight sharing of Deep Compression: every weight of a layer is one of the layer's few values, found by k-means.

Ref: Han, Mao, Dally, Deep Compression (ICLR 2016, arXiv:1510.00149), section 3, "Trained quantization and weight
sharing": centroids start evenly between the least and the largest weight, and their gradients are sums over their uses.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from spec.refusal import Refused

__all__ = ["Codebook", "kmeans"]


def kmeans(values: np.ndarray, count: int, rounds: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """``count`` centroids, float64 ascending, and the nearest one of each value: int64 array, shape of ``values``.

    Lloyd's algorithm on a line; a centroid that no value is nearest to stays where it is. Of two equally near, the
    upper one counts.

    Raises
    ------
    Refused
        If there are no values, or no centroids.
    """
    if not values.size or count < 1:
        raise Refused(f"Values share from 1 centroid on; asked for {count} of {values.size} values")
    flat = values.astype(np.float64).ravel()
    centroids = np.linspace(flat.min(), flat.max(), count)
    nearest = np.searchsorted((centroids[1:] + centroids[:-1]) / 2, flat, side="right")
    for _ in range(rounds):
        sums, uses = np.bincount(nearest, flat, count), np.bincount(nearest, minlength=count)
        # The moved ones are means of adjoining intervals, the others lie in theirs: the order stays.
        centroids = np.sort(np.where(uses > 0, sums / np.maximum(uses, 1), centroids))
        found = np.searchsorted((centroids[1:] + centroids[:-1]) / 2, flat, side="right")
        if np.array_equal(found, nearest):
            break
        nearest = found
    return centroids, nearest.reshape(values.shape)


class Codebook(nn.Module):
    """A codebook for every weight tensor: ``K_i = C_i[index_i]`` with trainable ``C_i`` and fixed indices.

    Parameters
    ----------
    weights : tensors by name
        Trained ones, of any shape.
    sizes : int by name
        Values of each tensor's codebook; more than it has weights are no use, and not made.

    Members
    -------
    dof : int
    index_bits : int
        Bits of all indices, ``ceil(log2(size))`` for every weight: they are stored beside the degrees of freedom.
    """

    def __init__(self, weights: Mapping[str, Tensor], sizes: Mapping[str, int]):
        super().__init__()
        self.names = tuple(weights)
        self.books, self.dof, self.index_bits = nn.ParameterList(), 0, 0
        for number, (name, weight) in enumerate(weights.items()):
            count = min(sizes[name], weight.numel())
            centroids, nearest = kmeans(weight.detach().cpu().numpy(), count)
            # Two dimensions, so that optimizers know it for weights.
            self.books.append(nn.Parameter(torch.from_numpy(centroids).float().view(1, -1)))
            self.register_buffer(f"index{number}", torch.from_numpy(nearest))
            self.dof += count
            self.index_bits += weight.numel() * (count - 1).bit_length()

    def draw(self) -> dict[str, Tensor]:
        """Weights by name, in the shapes they had. Differentiable by the codebooks."""
        return {
            name: book.flatten()[getattr(self, f"index{number}")]
            for number, (name, book) in enumerate(zip(self.names, self.books, strict=True))
        }
