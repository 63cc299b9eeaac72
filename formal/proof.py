"""What a proof is: a claim, the harness that states it, and how it is to be proved."""

from collections.abc import Callable
from dataclasses import dataclass

from amaranth.hdl import Elaboratable

__all__ = ["SOLVERS", "Proof"]

#: Z3 is quick on control; Boolector on sums and products of words.
SOLVERS = ("z3", "boolector")


@dataclass(frozen=True)
class Proof:
    """One claim about one component.

    Parameters
    ----------
    name : str
        What ``--only`` takes.
    harness : () -> Elaboratable
        Makes the harness.
    claim : str
        A sentence for a reader.
    depth : int
        Cycles of the induction: the claim holds in the first ``depth`` cycles, and after any ``depth`` cycles in which
        it holds it holds in one more. With ``bounded``, cycles from reset that are looked at.
    bounded : str
        Why there is no induction; empty if there is one, and the claim so holds for all time.
    quick : bool
        Takes seconds, so `make test` has it.
    solver : str
        Of :data:`SOLVERS`.
    covered : int
        Cycles in which every interesting case must be seen to happen, lest the claim be empty.
    """

    name: str
    harness: Callable[[], Elaboratable]
    claim: str
    depth: int = 2
    bounded: str = ""
    quick: bool = True
    solver: str = "z3"
    covered: int = 10

    @property
    def method(self) -> str:
        """How it is proved, for a table."""
        return f"{'bounded' if self.bounded else 'induction'} {self.depth}"

    def cells(self) -> tuple[str, ...]:
        """What a table shows."""
        return self.name, self.method
