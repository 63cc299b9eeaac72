"""How a page is put together: a template, values, drawings for both widths."""

from collections.abc import Sequence
from pathlib import Path

import jinja2

from console.pages.drawing import NARROW, WIDE

__all__ = ["both_widths", "render"]


def both_widths(draw, *data) -> dict[str, str]:
    """A drawing for both widths of page."""
    return {"wide": draw(*data, WIDE), "narrow": draw(*data, NARROW)}


def render(template: Path, folders: Sequence[Path] = (), **values) -> str:
    """The page that ``template`` makes of ``values``; it may extend ``base.html.j2``, and include templates in its own
    folder and in ``folders``.

    Raises
    ------
    jinja2.UndefinedError
        If it uses a value that it is not given.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, *folders, Path(__file__).parent]), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(values)
