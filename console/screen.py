"""Where commands print: a console on which text is text, whatever brackets, colons or codes it holds."""

from rich.console import Console

__all__ = ["screen"]


def screen(**settings) -> Console:
    """A console of :class:`rich.console.Console`'s ``settings``, such as ``stderr``.

    What it prints, tables and their titles included, is taken as it is: rich's markup and its names of emojis have no
    meaning, since names and paths come from outside.
    """
    return Console(markup=False, emoji=False, **settings)
