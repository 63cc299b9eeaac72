"""What Hidden-Fold Networks claims of scaling: fulfilled by results like that, and not by the opposite."""

import pytest

from flows.tables.fold_claims import FOLD_CLAIMS, PRINTED

#: Accuracies of the narrowest and the widest, the shallowest and the deepest network.
WIDTHS = {"dense": (0.5, 0.6), "folded": (0.45, 0.55), "hnn": (0.35, 0.5), "hfn": (0.3, 0.58)}
DEPTHS = {"dense": (0.5, 0.6), "folded": (0.5, 0.6), "hnn": (0.5, 0.59), "hfn": (0.5, 0.55)}


def results(sign=1):
    """In the form of ours, by file; with ``sign`` -1 the opposite of what the paper says."""
    def by_method(accuracies, key, values):
        return {"rows": [
            {"method": method, key: value, "accuracies": [sign * accuracy]}
            for method, both in accuracies.items() for value, accuracy in zip(values, both, strict=True)
        ]}

    effects = {"ubn": (0.1, -0.1), "sbn": (-0.1, -0.2), "nabn": (-0.1, -0.2)}
    more = [
        {"norm": norm, "iterations": counts, "accuracies": [0.5 + sign * effect]}
        for norm, (first, last) in effects.items()
        for counts, effect in (([0, 2, 2], 0), ([0, 4, 2], first / 2), ([0, 6, 2], first), ([0, 2, 6], last))
    ]
    stretched = [
        {"method": method, "norm": norm, "stretched": [
            {"block": block, "trained": 2, "iterations": count, "reused": [0.5 + sign * effect]}
            for block, effects in (("stage2.fold", (9, 9, 9)), ("stage3.fold", (0.1, 0, loss)))
            for count, effect in zip((0, 2, 3), effects, strict=True)
        ]}
        for method in ("folded", "hfn") for norm, loss in (("sbn", -0.1), ("nabn", -0.2))
    ]
    methods = [{"name": name, "accuracies": [sign * value / 100]} for name, value in PRINTED.items()]
    return {
        "methods.json": {"rows": methods},
        "fold-width.json": by_method(WIDTHS, "widths", ([8, 16, 32], [24, 48, 96])),
        "fold-depth.json": by_method(DEPTHS, "iterations", ([0, 2, 2], [0, 6, 6])),
        "fold-iterations.json": {"rows": more}, "fold-stretch.json": {"rows": stretched},
    }


@pytest.mark.parametrize("claim", FOLD_CLAIMS, ids=lambda claim: f"{claim.place}, {claim.says}")
def test_a_claim_holds_where_it_should_and_nowhere_else(claim):
    for sign in (1, -1):
        (value,) = claim.ours(*(results(sign)[file] for file in claim.files))
        assert sign * value > 0.001


@pytest.mark.parametrize(("says", "value"), [
    ("hfn gains more from width than dense", 18), ("hfn above hnn in the widest networks", 8),
    ("hfn above hnn", 0.65),
    ("more runs of the last stage harm", 10), ("more runs of the stage before the last help", 10),
    ("hfn: a run more costs less where gamma and beta are learned", 10),
    ("folded: without its last repeated block a network is better, sbn", 10),
])
def test_by_how_much(says, value):
    (claim,) = (claim for claim in FOLD_CLAIMS if claim.says == says)
    assert claim.ours(*(results()[file] for file in claim.files)) == pytest.approx([value])


def test_every_claim_says_something_else():
    assert len({(claim.place, claim.says) for claim in FOLD_CLAIMS}) == len(FOLD_CLAIMS)
