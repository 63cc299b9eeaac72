"""How large what comes from outside may be: asked before memory is taken, in integers of Python, which never wrap.

A budget is what one of the largest networks of the papers needs, and some more; what a build can hold is less, and is
said by ``gen.check``.

    Budget.WEIGHTS.check(count, f"Network {name}", "use fewer channels")
"""

import enum
from pathlib import Path

from spec.refusal import Refused

__all__ = ["NESTING", "Budget", "check_file", "counted"]

#: Objects and lists in one another, of JSON and TOML.
NESTING = 32


class Budget(enum.Enum):
    """What is limited: to how many, of what."""

    # Files, before they are read.
    TEXT = 1 << 22, "bytes of text"  #: JSON, and logs of it.
    TOML = 1 << 18, "bytes of text"  #: Recipes and lists; its reader is slow.
    MODEL_FILE = 1 << 28, "bytes"
    VECTOR_FILE = 1 << 32, "bytes"
    CHECKPOINT = 1 << 33, "bytes"
    TENSORS = 1 << 14, "tensors"  #: Of a model or vector file.
    HEADER = 1 << 23, "bytes of header"  #: Of such a file: names, shapes and the metadata.

    # Networks, before their layers exist.
    BLOCKS = 1024, "blocks"
    ITERATIONS = 4096, "iterations"  #: Of one block.
    STEPS = 1 << 16, "executions of layers"
    CHANNELS = 1 << 16, "channels"  #: Of any layer; row lengths limit inputs further (:mod:`spec.lfsr`).
    CLASSES = 1 << 16, "classes"
    SIDE = 1 << 13, "pixels a side"  #: Of an image, padding included.
    KERNEL = 255, "taps a side"
    WIDER = 64, "times its usual inner channels"
    MAP = 1 << 26, "values"  #: Of an image as the host prepares it, and of any stored activation.
    WEIGHTS = 1 << 27, "weights"  #: The largest of the paper has 69 million.
    ENTRIES = 1 << 22, "batch-norm entries"
    DRAWN = 1 << 26, "weights drawn from rings"  #: A small file can ask for them.

    # Data sets.
    IMAGES = 1 << 32, "bytes of images"
    PIXELS = 1 << 25, "pixels"  #: Of a picture.
    RATIO = 100, "times as long as wide"  #: A picture.
    ANNOTATIONS = 1 << 26, "bytes of text"  #: Of a data set; those of MPII are 20 MB.

    @property
    def most(self) -> int:
        """How many there may be."""
        return self.value[0]

    def check(self, amount: float, of: str, remedy: str) -> None:
        """Refuse ``of`` for having ``amount``, if that is more than there may be.

        Raises
        ------
        Refused
            Naming both figures, and ``remedy``.
        """
        if amount > self.most:
            raise Refused(f"{of} has {counted(amount)} {self.value[1]}, more than the {self.most:,} allowed; {remedy}")


def counted(amount: float) -> str:
    """``amount`` in digits, or roughly where nobody would read them."""
    if isinstance(amount, float):
        return f"{amount:,.6g}"
    return f"{amount:,}" if abs(amount) < 1 << 64 else f"about {'-' * (amount < 0)}2**{abs(amount).bit_length() - 1}"


def check_file(path: Path, budget: Budget, what: str, remedy: str) -> int:
    """Bytes of the regular file ``path``.

    Raises
    ------
    Refused
        If there is none, it is no regular file, or larger than ``budget``, calling it ``what`` and advising
        ``remedy``.
    """
    path = Path(path)
    if not path.is_file():
        why = "is no regular file" if path.exists() else "does not exist"
        raise Refused(f"{what} {path} {why}; {remedy}")
    size = path.stat().st_size
    budget.check(size, f"{what} {path}", remedy)
    return size
