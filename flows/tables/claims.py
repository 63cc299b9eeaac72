"""Orders and gaps of a paper, each beside the difference that our studies found, and whether it held."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from flows.tables.markdown import spread, table

__all__ = ["Claim", "claimed", "differences"]


@dataclass(frozen=True)
class Claim:
    """That something is above something else.

    Parameters
    ----------
    place : str
        In the paper.
    says : str
        What is above what, or less.
    printed : float or None
        By how much in the paper, in points of percent unless ``unit`` is another; None if it does not say.
    files : sequence of str
        Results that ours are from.
    ours : callable
        Of those results: the difference, a value for every seed, above 0 if the claim holds; none, or a LookupError,
        if they lack what it is about.
    unit : str
        Of the difference.
    """

    place: str
    says: str
    printed: float | None
    files: Sequence[str]
    ours: Callable[..., Sequence[float]]
    unit: str = ""


def differences(high: Sequence[float], low: Sequence[float], scale: float = 100) -> list[float]:
    """``scale * (high - low)``, seed by seed."""
    return [scale * (more - less) for more, less in zip(high, low, strict=True)]


def claimed(folder: Path, claims: Sequence[Claim]) -> str:
    """A row for every one of ``claims`` that the results in ``folder`` decide; below, where the others are."""
    rows, missing = [], []
    for claim in claims:
        found = _found(claim, [folder / file for file in claim.files])
        if not found:
            missing.append(claim.place)
            continue
        printed = "" if claim.printed is None else f"{claim.printed:+.2f}{claim.unit}"
        ours = f"{'+' if mean(found) > 0 else ''}{spread(found)}{claim.unit}"
        rows.append((claim.place, claim.says, printed, ours, f"{len(found)}", _verdict(found)))
    headers = ("in the paper", "what it found", "by", "ours", "seeds", "held")
    text = table(dict(zip(headers, "llrrrl", strict=True)), rows)
    if missing:
        counts = {place: missing.count(place) for place in dict.fromkeys(missing)}
        listed = ", ".join(f"{place} ({count})" for place, count in counts.items())
        text += f"\nNot run, with the number of claims: {listed}.\n"
    return text


def _found(claim: Claim, paths: Sequence[Path]) -> Sequence[float]:
    """What results say of ``claim``, by seed; nothing if they are not there, or lack it."""
    if not all(path.is_file() for path in paths):
        return ()
    with suppress(LookupError):
        return claim.ours(*(json.loads(path.read_text()) for path in paths))
    return ()


def _verdict(found: Sequence[float]) -> str:
    """In every seed, in their mean, or not."""
    if all(value > 0 for value in found):
        return "yes"
    return "in the mean" if mean(found) > 0 else "**no**"
