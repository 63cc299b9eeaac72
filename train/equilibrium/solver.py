"""Fixed points of a function of a batch, by Anderson's acceleration.

``z = f(z)`` is solved for each row of the batch on its own: the next point is the combination of the last ``memory``
values of f whose weights, of sum 1, make the same combination of the differences ``f(z) - z`` shortest.

Ref: Walker and Ni, Anderson Acceleration for Fixed-Point Iterations, SIAM J. Numer. Anal. 49 (2011), 1715-1735.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from spec.refusal import Refused

__all__ = ["Anderson", "Convergence", "Solution"]

#: Added to the diagonal of the equations, a share of their mean: differences become nearly parallel near the end.
_RIDGE = 1e-6


@dataclass(frozen=True)
class Solution:
    """What was found: ``value`` (B, N), where ``|f(z) - z| / |f(z)|`` of the worst row is ``residual``."""

    value: Tensor
    residual: float
    evaluations: int
    converged: bool


@dataclass(frozen=True)
class Anderson:
    """A solver.

    Parameters
    ----------
    tolerance : float
        Residual of the worst row that is small enough.
    limit : int
        Evaluations of f, after which it gives up.
    memory : int
        Points that are combined; 1 is plain iteration.
    """

    tolerance: float = 0.03
    limit: int = 40
    memory: int = 5

    def __post_init__(self):
        if not 0 < self.tolerance < 1 or self.limit < 1 or self.memory < 1:
            raise Refused(
                f"A solver needs a tolerance between 0 and 1 and at least one evaluation and one point, not {self}"
            )

    @torch.no_grad()
    def solve(self, function: Callable[[Tensor], Tensor], start: Tensor) -> Solution:
        """Where ``function`` of (B, N) tensors gives back its argument, beginning at ``start``.

        Every row of the value is the best that was seen, converged or not.
        """
        points, values = [], []
        point, best = start, start
        lowest = torch.full((len(start),), math.inf, dtype=start.dtype, device=start.device)
        worst, evaluations = math.inf, 0
        while evaluations < self.limit:
            evaluations += 1
            value = function(point)
            residuals = (value - point).norm(dim=1) / value.norm(dim=1).clamp(min=1e-12)
            better = residuals < lowest  # Never where it is no number.
            best, lowest = torch.where(better[:, None], point, best), torch.where(better, residuals, lowest)
            worst = float(lowest.max())
            if worst <= self.tolerance or not residuals.isfinite().all():
                break
            points, values = [*points, point][-self.memory :], [*values, value][-self.memory :]
            point = _combined(torch.stack(points, 1), torch.stack(values, 1))
        return Solution(best, worst, evaluations, worst <= self.tolerance)


def _combined(points: Tensor, values: Tensor) -> Tensor:
    """``sum_i a_i f(z_i)``, where a minimizes ``|sum_i a_i (f(z_i) - z_i)|``: (B, N) of (B, m, N)."""
    differences = values - points
    products = differences @ differences.mT  # (B, m, m)
    scale = products.diagonal(dim1=1, dim2=2).mean(1).clamp(min=torch.finfo(products.dtype).tiny)
    count = products.shape[1]
    equations = products / scale[:, None, None] + _RIDGE * torch.eye(count, dtype=products.dtype, device=points.device)
    weights = torch.linalg.solve(equations, torch.ones_like(equations[:, :, :1]))  # (B, m, 1)
    weights = weights / weights.sum(1, keepdim=True)
    return (weights * values).sum(1)


class Convergence:
    """Remembers how solutions went, and stops a training in which too many did not converge.

    Parameters
    ----------
    most : int
        Solutions of a training that may fail, forward or backward; with one more it ends.
    """

    def __init__(self, most: int):
        self.most = most
        self.clear()

    def clear(self) -> None:
        """Forget all."""
        self.solutions = self.failures = self.evaluations = 0
        self.worst = 0.0

    def note(self, solution: Solution, tolerance: float, training: bool) -> None:
        """Count ``solution``.

        Raises
        ------
        Refused
            If one too many failed in ``training``.
        """
        self.solutions += 1
        self.evaluations += solution.evaluations
        self.worst = max(self.worst, solution.residual)
        self.failures += not solution.converged
        if training and self.failures > self.most:
            raise Refused(
                f"The equilibrium was not found in {self.failures} of {self.solutions} solutions, more than the "
                f"{self.most} allowed: residual {solution.residual:.2g} after {solution.evaluations} evaluations, "
                f"above {tolerance:g}; lower --lr, or raise --limit, --tolerance or --failures"
            )
