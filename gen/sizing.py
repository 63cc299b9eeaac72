"""How large the memories of a build must be for given networks."""

from dataclasses import replace

from gen.plan import command_count, plan
from spec.config import MEMORY_LIMITS, AcceleratorConfig
from spec.network import Network
from spec.refusal import Refused

__all__ = ["fitted"]


def fitted(config: AcceleratorConfig, *networks: Network) -> AcceleratorConfig:
    """``config`` with X, T, mask, entry, program and ring memories just large enough for any one of
    ``networks``.

    All masks stay on the chip where a build can have that much memory, and the program may be the one that sends every
    stored tensor. Residuals may be half as large if one of the networks has such.

    Raises
    ------
    Refused
        If a network needs more of a memory than a build can have.
    """
    limits = {name: (unit(config), least, most) for name, (unit, least, most) in MEMORY_LIMITS.items()}
    largest = replace(config, **{name: most // unit * unit for name, (unit, _, most) in limits.items()})
    needs = {name: least * unit for name, (unit, least, _) in limits.items()}
    for network in networks:
        placed = plan(network, largest)
        of_network = {
            "x_bytes": placed.x_words * config.word_bytes,
            "t_bytes": placed.t_words * config.word_bytes,
            "mask_bits": placed.mask_units * config.mask_unit_bits,
            "entries": placed.entry_rows * config.rows,
            "commands": command_count(network, config.lanes, traced=True),
            "ring_words": placed.ring_words,
        }
        for name, need in of_network.items():
            unit, _, most = limits[name]
            if need > most:
                raise Refused(
                    f"Network {network.name} needs {name} of {need}, but a build has at most {most}; use a smaller "
                    "network or image"
                )
            needs[name] = max(needs[name], -(-need // unit) * unit)
    upsample = config.upsample or any(step.upsampled for network in networks for step in network.once)
    return replace(config, upsample=upsample, **needs)
