"""The gradient of a fixed point, by a fixed point of its own: no step of the solver is remembered.

For ``z* = f(z*, theta)`` and a loss L: ``dL/dtheta = g^T df/dtheta`` with ``g = dL/dz* + (df/dz)^T g``, everything at
z*. Hence one evaluation of f with gradients, and a solution of the equation of g in the backward pass.

Ref: Bai et al., Deep Equilibrium Models, NeurIPS 2019, theorem 1; Bai et al., Multiscale Deep Equilibrium Models,
NeurIPS 2020, section 3.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from train.equilibrium.solver import Anderson, Convergence

__all__ = ["equilibrium"]


@dataclass(frozen=True)
class _Pull:
    """What the backward pass needs: f at the fixed point, with its graph, and how g is solved for."""

    point: Tensor
    value: Tensor
    solver: Anderson
    convergence: Convergence

    def solve(self, gradient: Tensor) -> Tensor:
        """``g = gradient + (df/dz)^T g``, from the gradient on."""
        def function(g: Tensor) -> Tensor:
            with torch.enable_grad():
                pulled, = torch.autograd.grad(self.value, self.point, g, retain_graph=True)
            return gradient + pulled

        if not gradient.any():
            return gradient
        solution = self.solver.solve(function, gradient)
        self.convergence.note(solution, self.solver.tolerance, training=True)
        return solution.value


class _Implicit(torch.autograd.Function):
    """The value of f at its fixed point; backward turns dL/dz* into g, which goes on through f."""

    @staticmethod
    def forward(ctx, value: Tensor, pull: _Pull) -> Tensor:
        ctx.pull = pull
        return value.clone()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.pull.solve(gradient), None


def equilibrium(
    function: Callable[[Tensor], Tensor], start: Tensor, solver: Anderson, convergence: Convergence, training: bool
) -> Tensor:
    """``function`` (B, N) at its fixed point, differentiable by all that it is made of.

    Raises
    ------
    Refused
        If too many solutions of a ``training`` failed, here or backward.
    """
    solution = solver.solve(function, start)
    convergence.note(solution, solver.tolerance, training)
    if not torch.is_grad_enabled():
        return function(solution.value)
    point = solution.value.detach().requires_grad_()
    value = function(point)
    return _Implicit.apply(value, _Pull(point, value, solver, convergence))
