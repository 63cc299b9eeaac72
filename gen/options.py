"""Command-line options that choose a build; the same for every command."""

import argparse

from spec.config import AcceleratorConfig, config_for
from spec.refusal import Refused
from spec.supermask import Mode

__all__ = ["add_build_options", "config_from"]

_FIELDS = ("lanes", "weight_rows", "psum_depth", "x_bytes", "t_bytes", "mask_bits", "entries", "commands")


def add_build_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--pe`` and every configuration field to ``parser``."""
    group = parser.add_argument_group("build")
    group.add_argument("--pe", type=int, default=16, help="processing elements (default 16)")
    group.add_argument("--groups", type=int, help="Tg: PEs per row (default: the named shape of --pe)")
    group.add_argument("--rows", type=int, help="Tm: rows")
    for name in _FIELDS:
        group.add_argument(f"--{name.replace('_', '-')}", type=int, help=f"{name} of the configuration")
    group.add_argument("--modes", help="comma-separated mask modes to support (default: all)")


def config_from(arguments: argparse.Namespace) -> AcceleratorConfig:
    """Configuration that the parsed options describe; an impossible one is refused."""
    fields = {name: getattr(arguments, name) for name in _FIELDS if getattr(arguments, name) is not None}
    if arguments.modes is not None:
        try:
            fields["modes"] = tuple(Mode(mode) for mode in arguments.modes.split(","))
        except ValueError:
            raise Refused(f"--modes must be some of {','.join(Mode)}, not {arguments.modes!r}") from None
    return config_for(arguments.pe, groups=arguments.groups, rows=arguments.rows, **fields)
