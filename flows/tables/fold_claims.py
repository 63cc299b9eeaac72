"""What Hidden-Fold Networks claims of its four methods and of scaling, to be held against results of our studies.

Ref: Hidden-Fold Networks (IEEE Access 2023), sections IV-C3, IV-C4, IV-D and IV-E, Table 2. Its text has no figures of
these plots; those of Table 2 are of ResNet-50 on CIFAR100.
"""

from collections.abc import Mapping

from flows.tables.claims import Claim, differences

__all__ = ["FOLD_CLAIMS", "PRINTED"]

#: Accuracies of ResNet-50 on CIFAR100 (Table 2), by our names of the methods.
PRINTED: Mapping[str, float] = {"dense": 78.74, "folded": 78.09, "hnn": 77.03, "hfn": 77.68}

_WIDTH, _DEPTH, _MORE, _STRETCH = "fold-width.json", "fold-depth.json", "fold-iterations.json", "fold-stretch.json"


def _first_and_last(data: Mapping, method: str, key: str) -> tuple[list[float], list[float]]:
    """Accuracies of the networks of ``method`` that have least and most of ``key``, by seed."""
    rows = sorted((row for row in data["rows"] if row["method"] == method), key=lambda row: row[key])
    return rows[0]["accuracies"], rows[-1]["accuracies"]


def _gains(key: str, more: str, less: str):
    """Of a result: by how much more the accuracy of ``more`` rises along ``key`` than that of ``less``."""
    def found(data: Mapping) -> list[float]:
        rises = [differences(*reversed(_first_and_last(data, method, key))) for method in (more, less)]
        return differences(*rises, 1)

    return found


def _rises(key: str, method: str):
    """Of a result: by how much accuracy rises from least to most of ``key``."""
    return lambda data: differences(*reversed(_first_and_last(data, method, key)))


def _widest(high: str, low: str):
    """Of a result: what the widest network of ``high`` has more than that of ``low``."""
    return lambda data: differences(*(_first_and_last(data, method, "widths")[1] for method in (high, low)))


def _stage(position: int, norm: str, sign: int = 1):
    """Of a result: what most runs of the first (0) or last (-1) stage that folds do to accuracy, times ``sign``."""
    def found(data: Mapping) -> list[float]:
        rows = [row for row in data["rows"] if row["norm"] == norm]
        base = [min(counts) for counts in zip(*(row["iterations"] for row in rows), strict=True)]
        stage = [stage for stage, count in enumerate(base) if count > 1][position]
        (start,) = (row["accuracies"] for row in rows if row["iterations"] == base)
        return differences(max(rows, key=lambda row: row["iterations"][stage])["accuracies"], start, 100 * sign)

    return found


def _stretched(method: str, norm: str, offset: int | None):
    """``data`` to accuracies of the last block with ``offset`` more runs than trained, or None: without it, by seed."""
    def found(data: Mapping) -> list[float]:
        (row,) = (row for row in data["rows"] if (row["method"], row["norm"]) == (method, norm))
        block = row["stretched"][-1]["block"]
        (point,) = (
            point["reused"] for point in row["stretched"] if point["block"] == block
            and point["iterations"] == (0 if offset is None else point["trained"] + offset)
        )
        return point

    return found


def _without(method: str, norm: str):
    """Of a result: what leaving out the last block adds."""
    whole, without = _stretched(method, norm, 0), _stretched(method, norm, None)
    return lambda data: differences(without(data), whole(data))


def _resilience(method: str):
    """Of a result: by how much more a run too many costs without learned gamma and beta."""
    def found(data: Mapping) -> list[float]:
        lost = [
            differences(_stretched(method, norm, 0)(data), _stretched(method, norm, 1)(data))
            for norm in ("nabn", "sbn")
        ]
        return differences(*lost, 1)

    return found


def _methods(high: str, low: str):
    """Of a result of ``train.studies.compare methods``: what ``high`` has more than ``low``."""
    def found(data: Mapping) -> list[float]:
        accuracies = {row["name"]: row["accuracies"] for row in data["rows"]}
        return differences(accuracies[high], accuracies[low])

    return found


FOLD_CLAIMS = (
    *(
        Claim("Table 2", f"{high} above {low}", PRINTED[high] - PRINTED[low], ["methods.json"], _methods(high, low))
        for high, low in (("dense", "folded"), ("folded", "hfn"), ("hfn", "hnn"))
    ),
    *(
        Claim("Fig. 12", f"{high} above {low} in the widest networks", None, [_WIDTH], _widest(high, low))
        for high, low in (("hfn", "hnn"), ("hfn", "folded"))
    ),
    *(
        Claim("Fig. 12", f"hfn gains more from width than {method}", None, [_WIDTH], _gains("widths", "hfn", method))
        for method in ("dense", "folded", "hnn")
    ),
    *(
        Claim("Fig. 11", f"{method} gains more from depth than hfn", None, [_DEPTH],
              _gains("iterations", method, "hfn"))
        for method in ("folded", "hnn")
    ),
    Claim("Fig. 11", "hfn gains from depth", None, [_DEPTH], _rises("iterations", "hfn")),
    Claim("Fig. 10", "more runs of the stage before the last help", None, [_MORE], _stage(0, "ubn")),
    Claim("Fig. 10", "more runs of the last stage harm", None, [_MORE], _stage(-1, "ubn", -1)),
    *(
        Claim("Fig. 15", f"more runs of the {name} harm, {norms}", None, [_MORE], _stage(position, norm, -1))
        for norm, norms in (("sbn", "shared norms"), ("nabn", "the same without gamma and beta"))
        for position, name in ((0, "stage before the last"), (-1, "last stage"))
    ),
    *(
        Claim("Fig. 16", f"{method}: without its last repeated block a network is better, {norm}", None, [_STRETCH],
              _without(method, norm))
        for method in ("folded", "hfn") for norm in ("sbn", "nabn")
    ),
    *(
        Claim("Fig. 16", f"{method}: a run more costs less where gamma and beta are learned", None, [_STRETCH],
              _resilience(method))
        for method in ("folded", "hfn")
    ),
)
