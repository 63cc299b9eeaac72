"""How large the fields of commands get in a build: as its memories and its shape allow, and no larger."""

from collections.abc import Mapping

from spec.commands import FIELDS
from spec.config import AcceleratorConfig

__all__ = ["field_bits"]


def field_bits(config: AcceleratorConfig) -> Mapping[str, int]:
    """Bits of each of :data:`spec.commands.FIELDS` that may differ from 0 in a command of the build.

    A map lies whole in X or T, so it has no more rows, columns, pixels and words than these have words; each channel
    tile has entries, or sums of its own (the classifier's); a pixel tile but the last is as near to ``psum_depth`` as
    the tiles allow (:func:`gen.plan.plan`). Other fields have all their bits.
    """
    words = max(config.x_words, config.t_words)
    parts = words * config.word_bytes // 4
    most = dict.fromkeys(
        ("height", "width", "out_width", "out_pixels", "blocks", "out_step", "run", "last_run"), words
    ) | {
        "pixel_tiles": -(-words // config.psum_depth),
        "tiles": max(config.entry_rows, config.psum_depth),
        "last_rows": config.load_cycles,
        "last_groups": config.groups,
        "entry_base": config.entry_rows - 1,
        "entry_step": config.entry_rows,
        "count": max(parts, config.classes_max),
    }
    return {
        field.name: min(field.width, most[field.name].bit_length()) if field.name in most else field.width
        for field in FIELDS
    }
