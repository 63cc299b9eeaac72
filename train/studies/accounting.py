"""What a network with rings has to store: degrees of freedom with and without batch norms, bytes, operations.

    python -m train.studies.accounting --network resnet18 --image 224,224,3 --classes 1000 --dof 2359296

Ref: RPG (arXiv:2107.07110), section 5 ("backbone DoF") and 5.6 (Storage). The classifier is outside the backbone; batch
norms count when the ring is tiny (section 3).
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from console.command import CommandParser, Several, Whole, add_json
from console.record import json_text
from console.screen import screen
from console.settings import add_settings, given_settings, set_usual
from spec.budgets import Budget
from spec.layer import Role
from spec.network import Network
from spec.refusal import Refused, run_command
from train.deploy.ring_integers import ring_bytes
from train.nets.addressing import Addressing
from train.nets.config import Method, ModelConfig
from train.nets.ring_plan import RingPlan, Rings, planned

__all__ = ["Account", "account", "main", "parser"]


@dataclass(frozen=True)
class Account:
    """Numbers of values; sizes count float32 values of 4 bytes.

    Parameters
    ----------
    rings : tuple of int
        Values of each ring.
    drawn : int
        N: weights that are drawn from the rings.
    stem, shortcuts, blocks, classifier : int
        Weights outside the rings, by where they are; the classifier's biases among them.
    batch_norm : int
        Gamma and beta of all batch norms.
    macs : int
        Multiply-accumulates of an image (the paper's FLOPs).
    """

    rings: tuple[int, ...]
    drawn: int
    stem: int
    shortcuts: int
    blocks: int
    classifier: int
    batch_norm: int
    macs: int

    @property
    def dof(self) -> int:
        """Degrees of freedom of the rings: what the paper quotes."""
        return sum(self.rings)

    @property
    def backbone_dof(self) -> int:
        """All free weights but the classifier."""
        return self.dof + self.stem + self.shortcuts + self.blocks

    @property
    def dof_with_batch_norm(self) -> int:
        """Degrees of freedom of the rings, and what batch norms learn."""
        return self.dof + self.batch_norm

    @property
    def reduction(self) -> float:
        """Weights drawn per value: ``N / M``."""
        return self.drawn / self.dof if self.rings else 1.0

    @property
    def float_bytes(self) -> int:
        """Size of everything that is learned, as float32."""
        return 4 * (self.backbone_dof + self.classifier + self.batch_norm)

    @property
    def int8_bytes(self) -> int:
        """The same with rings of 8 bits."""
        return self.float_bytes - 4 * self.dof + ring_bytes(self.rings)


def account(network: Network, plans: Sequence[RingPlan] = ()) -> Account:
    """The account of ``network`` with rings ``plans``, dense layers outside them, and affine batch norms."""
    drawn = {name for plan in plans for name in plan.layers}
    outside = dict.fromkeys(Role, 0)
    for layer in network.layers:
        if layer.name not in drawn:
            biases = layer.outputs if layer.role is Role.CLASSIFIER else 0
            outside[layer.role] += layer.weight_count + biases
    return Account(
        rings=tuple(plan.size for plan in plans),
        drawn=sum(network.layer(name).weight_count for name in drawn),
        stem=outside[Role.STEM], shortcuts=outside[Role.SHORTCUT], blocks=outside[Role.INNER] + outside[Role.LAST],
        classifier=outside[Role.CLASSIFIER],
        batch_norm=2 * sum(layer.outputs * layer.iterations for layer in network.layers[:-1]),
        macs=network.macs,
    )


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.studies.accounting", description=__doc__.splitlines()[0])
    add_settings(made, ModelConfig, only={"network", "width", "widths", "iterations", "stem", "wider", "stages"})
    made.add_argument(
        "--image", type=Several(Whole(1, Budget.SIDE.most)), default=(224, 224, 3),
        help="height, width, channels (default 224,224,3)",
    )
    made.add_argument("--classes", type=Whole(2, Budget.CLASSES.most), default=1000, help="classes (default 1000)")
    add_settings(made, Rings, only={"dof", "scope", "parts"})
    set_usual(made, network="resnet18", dof=512 * 512 * 9)
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    if len(arguments.image) != 3:
        raise Refused(f"Option --image must be height, width and channels, not {arguments.image}")
    config = ModelConfig.of(Method.DENSE, **given_settings(arguments, ModelConfig))
    network = config.topology(config.network, arguments.image, arguments.classes)
    rings = Rings(addressing=Addressing.ELEMENT, **given_settings(arguments, Rings))
    found = account(network, planned(network, rings))
    facts = dataclasses.asdict(found) | {
        name: getattr(found, name)
        for name in ("dof", "backbone_dof", "dof_with_batch_norm", "reduction", "float_bytes", "int8_bytes")
    }
    if arguments.json:
        print(json_text(facts), end="")
        return 0
    table = Table("value", network.name, show_edge=False)
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), f"{value:.4f}" if isinstance(value, float) else f"{value:,}"
                      if isinstance(value, int) else ", ".join(f"{one:,}" for one in value))
    screen().print(table)
    return 0


if __name__ == "__main__":
    run_command(main)
