"""`foldenite`, or `python -m foldenite`: lists all commands, and runs them.

`foldenite build --pe 16` is `python -m gen.build --pe 16`. A command can also be given as its module: `foldenite
gen.build --pe 16`.
"""

import difflib
import importlib
import sys
from collections.abc import Sequence

from foldenite.commands import COMMANDS, GROUPS, Command
from spec.refusal import Refused, run_command

__all__ = ["command_called", "group_of", "listing", "main", "run"]


def group_of(command: Command) -> str:
    """Where its module is: the longest of :data:`GROUPS` that begins it."""
    return max((group for group in GROUPS if f"{command.module}.".startswith(f"{group}.")), key=len)


def listing() -> str:
    """All commands, one line each, by group."""
    lines = ["usage: foldenite COMMAND [OPTIONS]     (foldenite COMMAND --help lists its options)"]
    for group, heading in GROUPS.items():
        lines += ["", f"{heading}:"]
        lines += [f"  {c.name:<18} {c.summary}" for c in COMMANDS if group_of(c) == group]
    return "\n".join(lines)


def command_called(name: str) -> Command:
    """The command of that name, or of the module of that name.

    Raises
    ------
    Refused
        If there is none, naming the nearest.
    """
    names = {command.name: command for command in COMMANDS} | {command.module: command for command in COMMANDS}
    if name in names:
        return names[name]
    near = difflib.get_close_matches(name, names, 1)
    meant = f" (did you mean {near[0]}?)" if near else ""
    raise Refused(f"There is no command {name!r}{meant}; foldenite alone lists them all")


def main(argv: Sequence[str] | None = None) -> int:
    """List the commands, or run one; exit with its code, or 2 if there is no such command."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help"):
        print(listing())
        return 0
    called = command_called(words[0]).module
    module = importlib.import_module(called)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{called}.__main__")
    return module.main(words[1:])


def run() -> None:
    """The entry point ``foldenite``."""
    run_command(main)


if __name__ == "__main__":
    run()
