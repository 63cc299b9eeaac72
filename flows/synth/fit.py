"""Whether a build fits a part: what is too much, by how much, and which builds may fit instead."""

from flows.synth.targets import NAMES, Target
from spec.config import SHAPES

__all__ = ["check_fit", "largest_fitting"]

#: Resources that grow with the PEs. Block RAM is mostly the memories' sizes, which are options of their own.
_GROWING = ("lut", "ff", "dsp")


def check_fit(target: Target, used: dict[str, int], pe: int) -> str | None:
    """A sentence on what of ``used`` is more than the part has, or None if all fits."""
    over = [name for name, have in target.capacity.items() if used.get(name, 0) > have]
    if not over:
        return None
    lacks = ", ".join(
        f"{used[name]:,} {NAMES[name]} of {target.capacity[name]:,} ({used[name] - target.capacity[name]:,} too many)"
        for name in over
    )
    remedies = []
    if "bram" in over:
        remedies.append("make the memories smaller with --x-bytes, --t-bytes and --mask-bits")
    if growing := [name for name in over if name in _GROWING]:
        largest = largest_fitting(target, used, pe)
        remedies.append(
            f"the largest --pe that fits is about {largest}, scaling {' and '.join(NAMES[n] for n in growing)} of this "
            "build in proportion" if largest else f"no named --pe fits {target.part}, scaling this build in proportion"
        )
    return f"{pe} PEs do not fit {target.part}: they need {lacks}; {'; '.join(remedies)}"


def largest_fitting(target: Target, used: dict[str, int], pe: int) -> int | None:
    """Largest named size below ``pe`` whose share of LUT, FF and DSP fits, or None.

    In proportion: a smaller build's control costs as much as a large one's, so it may need a little more than that.
    """
    fitting = [
        size for size in SHAPES
        if size < pe and all(used.get(name, 0) * size / pe <= target.capacity[name] for name in _GROWING)
    ]
    return max(fitting, default=None)
