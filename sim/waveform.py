"""Value change dumps: cut to a window of cycles."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from spec.files import write_text

__all__ = ["cut"]

_HEADER_END = "$enddefinitions $end\n"


def cut(path: Path, first: int, end: int) -> int:
    """Keep of the dump in ``path`` the cycles ``first`` to ``end - 1``, as the wrapper counts them; return how many.

    Every signal starts with the value that it had before, so the dump is whole by itself.
    """
    header, _, body = path.read_text().partition(_HEADER_END)
    counter = re.search(r"\$var \w+ +32 (\S+) cycle \[31:0\] \$end", header)[1]
    values: dict[str, str] = {}
    kept, cycle, count = [], None, 0
    for stamp, changes in _moments(body):
        values |= changes
        if counter in changes:
            cycle = int(changes[counter].split()[0][1:], 2)
            count += first <= cycle < end
        if cycle is None or cycle < first:
            continue
        if cycle >= end:
            kept.append(stamp)  # so that the last value has a length
            break
        kept += [stamp, *changes.values()] if kept else [stamp, "$dumpvars", *values.values(), "$end"]
    write_text(path, header + _HEADER_END + "\n".join(kept) + "\n")
    return count


def _moments(body: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each time stamp with the changes at it, lines by the code of their signal."""
    stamp = "#0"
    for at_stamp, lines in itertools.groupby(body.splitlines(), key=lambda line: line.startswith("#")):
        lines = [line for line in lines if line and not line.startswith("$")]
        if at_stamp:
            stamp = lines[-1]
        else:
            yield stamp, {(line.split()[1] if line[0] in "bBrR" else line[1:]): line for line in lines}
