"""How bad input is refused: one sentence that says what, where, why and how to fix it; exit code 2."""

import sys
from collections.abc import Callable, Sequence

__all__ = ["Refused", "run_command"]


class Refused(ValueError):
    """Input that cannot be used. The message is one sentence for a person: what, where, why, remedy."""


def run_command(main: Callable[[Sequence[str] | None], int]) -> None:
    """Run ``main(None)`` as a process: exit 0 done, 1 mismatch or failure, 2 refused or bad usage.

    A :class:`Refused`, and a file that cannot be read or written, become a sentence on standard error instead of a
    traceback.
    """
    try:
        sys.exit(main(None))
    except Refused as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        sentence = f"Cannot read or write{where}: {error.strerror}; check path, permissions and disk"
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
