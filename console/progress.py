"""Bars of work that takes long: what is done, how long it took, how long the rest will take."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from console.screen import screen

__all__ = ["progress_bars"]


def progress_bars(console: Console | None = None, *, counted: bool = True, **settings) -> Progress:
    """Bars on ``console``, by default standard error, so that standard output holds results alone.

    Parameters
    ----------
    counted : bool
        Show what is done of how many; not for units that mean nothing to a reader.
    settings
        Of :class:`rich.progress.Progress`, such as ``disable`` and ``transient``.
    """
    count = (MofNCompleteColumn(),) if counted else ()
    columns = (TextColumn("{task.description}"), BarColumn(), *count, TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console or screen(stderr=True), **settings)
