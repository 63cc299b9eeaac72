"""Anderson's acceleration: the fixed point, what it says of it, and what it does where there is none."""

from itertools import pairwise

import pytest
import torch

from spec.refusal import Refused
from train.equilibrium.solver import Anderson, Convergence, Solution


@pytest.fixture
def contraction():
    """An affine map of 3 rows of 20 values, slow to iterate, and its fixed points."""
    generator = torch.Generator().manual_seed(0)
    basis = torch.linalg.qr(torch.randn(20, 20, generator=generator, dtype=torch.float64))[0]
    matrix = basis * torch.linspace(-0.9, 0.95, 20, dtype=torch.float64) @ basis.T
    shift = torch.randn(3, 20, generator=generator, dtype=torch.float64)
    fixed = torch.linalg.solve(torch.eye(20, dtype=torch.float64) - matrix, shift.T).T
    return lambda z: z @ matrix.T + shift, fixed


def test_it_finds_the_fixed_point_in_fewer_evaluations_than_iteration(contraction):
    function, fixed = contraction
    found = {memory: Anderson(1e-5, 1000, memory).solve(function, torch.zeros_like(fixed)) for memory in (1, 8)}
    for solution in found.values():
        assert solution.converged
        assert solution.residual <= 1e-5
        assert (solution.value - fixed).norm() < 1e-3 * fixed.norm()
    assert found[8].evaluations < 0.5 * found[1].evaluations


def test_memory_of_one_is_plain_iteration(contraction):
    function, fixed = contraction
    seen = []
    Anderson(1e-9, 5, 1).solve(lambda z: seen.append(z) or function(z), torch.zeros_like(fixed))
    for before, after in pairwise(seen):
        assert torch.allclose(after, function(before))


def test_the_residual_is_that_of_the_worst_row(contraction):
    function, fixed = contraction
    solution = Anderson(1e-9, 6).solve(function, torch.zeros_like(fixed))
    value = function(solution.value)
    residuals = (value - solution.value).norm(dim=1) / value.norm(dim=1)
    assert solution.residual == pytest.approx(float(residuals.max()))
    assert not solution.converged
    assert solution.evaluations == 6


def test_a_row_does_not_depend_on_its_company(contraction):
    _, fixed = contraction
    matrix = 0.5 * torch.eye(20, dtype=torch.float64)
    shifts = fixed.clone()
    both = Anderson(1e-9, 4).solve(lambda z: torch.tanh(z @ matrix) + shifts, torch.zeros_like(fixed)).value
    alone = Anderson(1e-9, 4).solve(lambda z: torch.tanh(z @ matrix) + shifts[:1], torch.zeros_like(fixed[:1])).value
    assert torch.allclose(both[:1], alone)


def test_where_there_is_no_fixed_point_the_best_is_returned_with_its_residual():
    start = torch.ones(2, 3)
    solution = Anderson(1e-3, 10).solve(lambda z: z + 1, start)
    assert not solution.converged
    assert solution.residual > 1e-3
    blown = Anderson(1e-3, 10).solve(lambda z: torch.full_like(z, torch.nan), start)
    assert (blown.converged, blown.residual, blown.evaluations) == (False, float("inf"), 1)
    assert torch.equal(blown.value, start)


def test_one_failure_too_many_ends_a_training():
    convergence = Convergence(1)
    bad, good = Solution(torch.zeros(1, 1), 0.25, 7, False), Solution(torch.zeros(1, 1), 0.001, 3, True)
    for solution in (good, bad, good):
        convergence.note(solution, 0.01, training=True)
    assert (convergence.solutions, convergence.failures, convergence.evaluations) == (3, 1, 13)
    assert convergence.worst == 0.25
    with pytest.raises(Refused, match=r"not found in 2 of 4 .* than the 1 allowed: residual 0.25 after 7 evaluations"):
        convergence.note(bad, 0.01, training=True)
    convergence.note(bad, 0.01, training=False)
    convergence.clear()
    assert (convergence.solutions, convergence.failures, convergence.worst) == (0, 0, 0.0)


@pytest.mark.parametrize("wrong", [{"tolerance": 0.0}, {"tolerance": 1.0}, {"limit": 0}, {"memory": 0}])
def test_impossible_solvers_are_refused(wrong):
    with pytest.raises(Refused, match="A solver needs a tolerance between 0 and 1"):
        Anderson(**wrong)
