"""Whether a build fits a part: what is too much, by how much, and which builds may fit instead."""

from collections.abc import Mapping

from flows.tools.targets import NAMES, Target
from spec.config import SHAPES

__all__ = ["check_fit", "largest_fitting"]

#: Resources that grow with the PEs. Block RAM is mostly the memories' sizes, which are options of their own.
_GROWING = ("lut", "ff", "dsp")

#: Components that grow with the PEs begin so; host port, sequencer and addresses cost the same in every build.
_GROWING_PARTS = ("lane", "weights")


def check_fit(target: Target, components: Mapping[str, Mapping[str, int]], pe: int) -> str | None:
    """A sentence on what the ``components`` of ``pe`` PEs need more of than the part has, or None if all fits."""
    used = {name: sum(counts.get(name, 0) for counts in components.values()) for name in target.capacity}
    over = [name for name, have in target.capacity.items() if used[name] > have]
    if not over:
        return None
    lacks = ", ".join(
        f"{used[name]:,} {NAMES[name]} of {target.capacity[name]:,} ({used[name] - target.capacity[name]:,} too many)"
        for name in over
    )
    remedies = []
    largest = largest_fitting(target, components, pe)
    if growing := [name for name in over if name in _GROWING]:
        scaled = f"with {' and '.join(NAMES[name] for name in growing)} of its arrays in proportion to this build's"
        if largest:
            remedies.append(f"the largest --pe that fits is about {largest}, {scaled}")
        elif pe > min(SHAPES):
            remedies.append(f"no named --pe fits, {scaled}")
        else:
            remedies.append(f"no --pe fits, because {pe} is the smallest; take a larger part with --target")
    if "bram" in over and (largest or not growing):
        remedies.append("make the memories smaller with --x-bytes, --t-bytes, --mask-bits and --entries")
    return f"{pe} PEs do not fit {target.part}: they need {lacks}; {'; '.join(remedies)}"


def largest_fitting(target: Target, components: Mapping[str, Mapping[str, int]], pe: int) -> int | None:
    """Largest named size below ``pe`` whose LUT, FF and DSP fit, or None; an estimate.

    Lanes and weights shrink in proportion to the PEs; everything else stays as it is.
    """
    def needs(name: str, size: int) -> float:
        return sum(
            counts.get(name, 0) * (size / pe if part.startswith(_GROWING_PARTS) else 1)
            for part, counts in components.items()
        )

    fitting = [
        size for size in SHAPES if size < pe and all(needs(name, size) <= target.capacity[name] for name in _GROWING)
    ]
    return max(fitting, default=None)
