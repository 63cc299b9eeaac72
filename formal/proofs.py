"""Every proof there is: what it claims, and how it is proved."""

from formal.harnesses import host
from formal.proof import Proof

__all__ = ["PROOFS"]

PROOFS = (
    Proof(
        "axi-answers", host.RegisterAnswers, depth=10,
        claim="The register port answers every access once, within 3 cycles, and holds the answer until it is taken.",
    ),
    Proof(
        "starts", host.StartsWhenReady, depth=4, covered=12,
        claim="An inference starts when it is asked for, and never while one runs, a packet loads, an error is pending or "
        "the same write aborts.",
    ),
    Proof(
        "frames", host.FramesInOrder, depth=2, covered=12,
        claim="The frame sender loses, doubles, changes and reorders no word, and holds what it offers.",
    ),
    Proof(
        "counters", host.TotalIsTheSum, depth=3, solver="boolector", quick=False,
        claim="The cycle counters of the causes add up to the total, in every copy that the host can read.",
    ),
)
