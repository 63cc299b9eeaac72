"""The implicit gradient is that of the unrolled iteration, to the solver's tolerance."""

import pytest
import torch

from spec.refusal import Refused
from train.equilibrium.implicit import equilibrium
from train.equilibrium.multiscale import MultiscaleNet, MultiscaleShape
from train.equilibrium.solver import Anderson, Convergence


class Map:
    """``tanh(W z + x)``, a contraction."""

    def __init__(self):
        generator = torch.Generator().manual_seed(1)
        weight = torch.randn(12, 12, generator=generator, dtype=torch.float64)
        self.weight = (0.8 * weight / torch.linalg.matrix_norm(weight, 2)).requires_grad_()
        self.x = torch.randn(4, 12, generator=generator, dtype=torch.float64).requires_grad_()
        self.goal = torch.randn(4, 12, generator=generator, dtype=torch.float64)

    def __call__(self, z):
        return torch.tanh(z @ self.weight.T + self.x)

    def gradients(self, z):
        return torch.autograd.grad((z * self.goal).sum(), (self.weight, self.x))


def off(found, wanted):
    return max(float((a - b).norm() / b.norm()) for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-8])
def test_it_is_the_unrolled_gradient(tolerance):
    function = Map()
    z = torch.zeros(4, 12, dtype=torch.float64)
    for _ in range(200):
        z = function(z)
    wanted = function.gradients(z)
    solver, start = Anderson(tolerance, 100), torch.zeros_like(z)
    found = function.gradients(equilibrium(function, start, solver, Convergence(0), training=True))
    assert off(found, wanted) < 10 * tolerance
    without = function.gradients(function(solver.solve(function, start).value))  # g = dL/dz*: no inverse.
    assert off(without, wanted) > 0.1


@pytest.fixture
def double():
    """Double precision, of pixels too."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("double")
def test_it_is_the_unrolled_gradient_of_a_whole_network():
    """By every parameter: stem, block, norms and classifier."""
    shape = MultiscaleShape((4, 4, 1), 3, (4, 8))
    net = MultiscaleNet(
        shape, 0, solver=Anderson(1e-9, 300), convergence=Convergence(0), generator=torch.Generator().manual_seed(2)
    )
    images = torch.randint(0, 256, (3, 4, 4, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    wanted = torch.randn(3, 3, generator=torch.Generator().manual_seed(4))
    implicit = torch.autograd.grad((net(images) * wanted).sum(), list(net.parameters()))
    net.repeats = 150  # The same block again and again, its graph kept.
    net.norms.extend([net.norms[0]] * 149)
    unrolled = torch.autograd.grad((net(images) * wanted).sum(), list(net.parameters()))
    for one, other in zip(implicit, unrolled, strict=True):
        assert (one - other).norm() <= 1e-6 * max(1.0, float(other.norm()))
    assert sum(float(g.abs().sum() > 0) for g in unrolled) == len(unrolled)


def test_a_gradient_that_is_not_found_ends_the_training():
    """f is constant where it is solved and expands where it is differentiated: only backward fails."""
    x = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)

    def function(z):
        return x + (3 * z * z.abs().clamp(max=0) if not torch.is_grad_enabled() else 3 * z)

    convergence = Convergence(0)
    found = equilibrium(function, torch.zeros(1, 1, dtype=torch.float64), Anderson(1e-6, 3, 1), convergence, True)
    assert convergence.failures == 0
    with pytest.raises(Refused, match="The equilibrium was not found in 1 of 2 solutions"):
        found.sum().backward()


def test_without_gradients_it_is_the_value_alone():
    function = Map()
    with torch.no_grad():
        start = torch.zeros(4, 12, dtype=torch.float64)
        found = equilibrium(function, start, Anderson(1e-8, 100), Convergence(0), training=True)
    assert not found.requires_grad
    assert torch.allclose(function(found), found, atol=1e-6)
