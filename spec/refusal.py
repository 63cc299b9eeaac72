"""How bad input is refused: one sentence that says what, where, why and how to fix it; exit code 2."""

import re
import signal
import sys
from collections.abc import Callable, Sequence

__all__ = ["MESSAGE_LENGTH", "Refused", "run_command"]

MESSAGE_LENGTH = 300  #: Characters of a message, however much it quotes.

_REMEDY_LENGTH = 200  #: Of these, at most, for its end, where the remedy stands behind a semicolon.


class Refused(ValueError):
    """Input that cannot be used. The message is one sentence for a person: what, where, why, remedy.

    What it quotes is text, whatever it holds: characters that do not print are escaped. Of one longer than
    :data:`MESSAGE_LENGTH` the middle of long paths is left out, and then its own.
    """

    def __init__(self, message: str):
        super().__init__(_sentence(message))


def _sentence(message: str) -> str:
    if len(message) > 4 * MESSAGE_LENGTH:  # Before it is escaped, which makes it ten times as long at most.
        message = f"{message[: 2 * MESSAGE_LENGTH]}{message[-2 * MESSAGE_LENGTH :]}"
    message = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
    if len(message) > MESSAGE_LENGTH:  # A path says most with its end.
        message = re.sub(r"(?=\S{81})\S*/\S*", lambda path: f"{path[0][:10]}...{path[0][-60:]}", message)
    if len(message) <= MESSAGE_LENGTH:
        return message
    remedy = min(max(len(message) - message.rfind("; "), 0), _REMEDY_LENGTH) if "; " in message else 0
    return f"{message[: MESSAGE_LENGTH - remedy - 5]} ... {message[len(message) - remedy :]}".rstrip()


def _end(number: int, frame: object) -> None:
    sys.exit(128 + number)


def run_command(main: Callable[[Sequence[str] | None], int]) -> None:
    """Run ``main(None)`` as a process: exit 0 done, 1 mismatch or failure, 2 refused or bad usage.

    A :class:`Refused`, and a file that cannot be read or written, become a sentence on standard error instead of a
    traceback. A request to end (SIGTERM) leaves as little behind as an interrupt does: tools end, what is half-written
    goes.
    """
    signal.signal(signal.SIGTERM, _end)
    try:
        sys.exit(main(None))
    except Refused as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        sentence = _sentence(f"Cannot read or write{where}: {error.strerror}; check path, permissions and disk")
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
