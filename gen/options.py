"""Command-line options that choose a build; the same for every command."""

import argparse
from dataclasses import replace

from console.command import Whole
from gen.sizing import fitted
from spec.commands import LANES_MAX
from spec.config import COUNTERS_KEPT, MEMORY_LIMITS, PSUM_BITS, PSUM_DEPTHS, SHAPES, AcceleratorConfig, config_for
from spec.network import Network
from spec.refusal import Refused
from spec.supermask import Mode

__all__ = ["add_build_options", "config_from"]

#: Fields that are integers, and what their options say. Ranges depend on one another: the configuration refuses.
_FIELDS = {
    "lanes": "L: images at a time, a power of two (default: the named shape of --pe; 1 with --groups and --rows)",
    "weight_rows": "rows whose weights are generated per cycle, a power of two to rows (default rows/16)",
    "rows_per_requantizer": "rows that take turns at one requantizer, a power of two to rows (default 1)",
    "psum_depth": "D: pixels of a tile (default 64)",
    "psum_bits": "bits of a partial sum: gen.check says if a model needs more (default 24; 32 with rings)",
    "x_bytes": "residual-stream memory of a lane, from 16 words of 4*groups bytes (default 32768)",
    "t_bytes": "temporary memory of a lane, likewise (default 32768)",
    "mask_bits": "supermask memory, a multiple of its word (default 1048576)",
    "entries": "batch-norm entries, a multiple of rows from 4*rows (default 4096)",
    "commands": "program memory (default 128 per lane)",
    "ring_words": "ring memory in words of 16 trits, a multiple of 16 (default 0: no rings)",
}
#: Of those that are no memory.
_RANGES = {
    "lanes": Whole(1, LANES_MAX), "weight_rows": Whole(1, 256), "rows_per_requantizer": Whole(1, 256),
    "psum_depth": Whole(*PSUM_DEPTHS), "psum_bits": Whole(*PSUM_BITS),
}
_FEATURES = ("masks", "ring")
_PROTECT = ("parity", "none")
#: Fields of what a build can be without, and the option that leaves it out.
_WITHOUT = {
    "max_pool": ("--no-max-pool", "without the max pool"),
    "streams": ("--no-streams", "without masks that the host streams: all of them must fit the mask memory"),
    "watchdog": ("--no-watchdog", "without the limit on the cycles of an inference"),
}
#: Fields of what a build has only if it is asked for, and the option that adds it.
_WITH = {
    "upsample": ("--upsample", "with residuals of half the size, which an hourglass adds (--fit adds it if need be)"),
}


def add_build_options(parser: argparse.ArgumentParser, *, fit: bool = True) -> None:
    """Add ``--pe`` and every configuration field to ``parser``, and ``--fit`` unless there is never a model."""
    group = parser.add_argument_group("build")
    group.add_argument(
        "--pe", type=Whole(16, 1 << 17), default=16,
        help=f"processing elements: {', '.join(map(str, SHAPES))}, or another with --groups and --rows (default 16)",
    )
    group.add_argument(
        "--groups", type=Whole(4, 64), help="Tg: PEs per row, a power of two (default: the named shape of --pe)"
    )
    group.add_argument("--rows", type=Whole(4, 256), help="Tm: rows, a power of two to 4*groups (default: likewise)")
    for name, text in _FIELDS.items():
        group.add_argument(
            f"--{name.replace('_', '-')}", type=_RANGES.get(name) or Whole(*MEMORY_LIMITS[name][1:]), help=text
        )
    group.set_defaults(fit=False)
    if fit:
        group.add_argument(
            "--fit", action="store_true", help="make every memory just large enough for the model, whatever it needs"
        )
    group.add_argument("--features", help="where weights come from: masks (always), or masks,ring with --ring-words")
    group.add_argument(
        "--protect", choices=_PROTECT,
        help="how program, masks, entries and rings are checked while they are read (default parity)",
    )
    group.add_argument(
        "--counters", choices=COUNTERS_KEPT,
        help="cycles counted: the total and its causes, or the total alone (default all)",
    )
    for name, (option, text) in _WITHOUT.items():
        group.add_argument(option, dest=f"no_{name}", action="store_true", help=text)
    for name, (option, text) in _WITH.items():
        group.add_argument(option, dest=name, action="store_true", help=text)
    group.add_argument(
        "--lean", action="store_true",
        help=f"as few LUTs as can be: {' '.join(option for option, _ in _WITHOUT.values())} --counters total "
        "--protect none, but for those that are given",
    )
    group.add_argument("--modes", help=f"mask modes to support, some of {','.join(Mode)} (default: all)")


def config_from(arguments: argparse.Namespace, network: Network | None = None) -> AcceleratorConfig:
    """Configuration that the parsed options describe, for ``network`` if there is one; an impossible one is refused."""
    fields = {name: getattr(arguments, name) for name in _FIELDS if getattr(arguments, name) is not None}
    if arguments.modes is not None:
        try:
            fields["modes"] = tuple(Mode(mode) for mode in arguments.modes.split(","))
        except ValueError:
            raise Refused(f"--modes must be some of {','.join(Mode)}, not {arguments.modes!r}") from None
    lean = arguments.lean
    fields |= {name: not (lean or getattr(arguments, f"no_{name}")) for name in _WITHOUT}
    fields |= {name: getattr(arguments, name) for name in _WITH}
    fields["protect"] = (arguments.protect or _PROTECT[lean]) != "none"
    fields["counters"] = arguments.counters or COUNTERS_KEPT[lean]
    config = config_for(arguments.pe, groups=arguments.groups, rows=arguments.rows, **fields)
    if arguments.fit:
        if network is None:
            raise Refused("Option --fit needs a model to fit the memories to")
        given = [f"--{name.replace('_', '-')}" for name in MEMORY_LIMITS if name in fields]
        if given:
            raise Refused(f"Options --fit and {given[0]} contradict each other; leave one of them out")
        if "psum_depth" not in fields:  # The classifier has a psum for every class.
            depth = min(-(-network.classes // config.rows), PSUM_DEPTHS[1])
            config = replace(config, psum_depth=max(config.psum_depth, depth))
        config = fitted(config, network)
    _check_features(arguments.features, config.ring_words)
    return config


def _check_features(text: str | None, ring_words: int) -> None:
    """Refuse ``--features`` that are unknown or contradict ``--ring-words``."""
    if text is None:
        return
    features = text.split(",")
    if set(features) - set(_FEATURES) or "masks" not in features:
        raise Refused(f"--features must be masks or {','.join(_FEATURES)}, not {text!r}")
    if ("ring" in features) != (ring_words > 0):
        raise Refused(
            "--features with ring needs --ring-words N, or --fit and a model with a ring" if "ring" in features
            else f"--features without ring contradicts a ring memory of {ring_words} words; add ring to it"
        )
