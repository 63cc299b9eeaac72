"""Model cards: what a model file of the zoo is, how well it does and how it was made, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from spec.model import Model

__all__ = ["Card", "index_text"]


@dataclass(frozen=True)
class Card:
    """The card of one model.

    Parameters
    ----------
    name, title : str
    commands : sequence of sequence of str
        That make it, each a module and its options.
    model : Model
    file_bytes : int
        Size of the model file.
    picture : str or None
        File beside the card that shows what the model does.
    """

    name: str
    title: str
    commands: Sequence[Sequence[str]]
    model: Model
    file_bytes: int
    picture: str | None = None

    @property
    def judged(self) -> str:
        """What its accuracies are."""
        return self.model.provenance.get("judged", "accuracy")

    @property
    def float_accuracy(self) -> float:
        """Of the float network on all held-out images, 0 to 1."""
        return self.model.provenance["float_accuracy"]

    @property
    def deployed_accuracy(self) -> float:
        """Of the integers, likewise."""
        return self.model.provenance["deployed_accuracy"]

    def text(self) -> str:
        """The card as Markdown."""
        network, facts = self.model.network, self.model.provenance
        weights = network.weight_count
        rows = [
            ("data", f"{facts['dataset']}, {facts['held_out_images']:,} held-out images"),
            ("digest of the data", f"`{facts['dataset_sha256'][:16]}`"),
            (f"{self.judged} in floating point", f"{self.float_accuracy:.2%}"),
            (f"{self.judged} deployed (integers)", f"{self.deployed_accuracy:.2%}"),
            ("network", f"`{network.name}`, {len(network.layers)} layers, {len(network.steps)} executions"),
            ("weights", f"{weights:,}"),
            ("multiply-accumulates per image", f"{network.macs:,}"),
            ("masks", f"{self.model.mask_bits // 8:,} bytes"),
            *((f"ring `{ring.name}`", f"{ring.size:,} values, {ring.planes} planes") for ring in network.rings),
            ("batch norms", f"{self.model.entry_count:,} entries of 4 bytes"),
            ("stored on chip", f"{self.model.stored_bytes:,} bytes; {weights:,} as 8-bit weights"),
            ("model file", f"{self.file_bytes:,} bytes"),
            ("activations", f"{self.model.bits} bits, scales by {facts['calibration']['rule']}"),
            ("epochs, seed", f"{facts['epochs']}, {facts['seed']}"),
            ("hash of the model", f"`{self.model.hash[:16]}`"),
        ]
        commands = "\n".join(f"python -m {' '.join(command)}" for command in self.commands)
        rings = " --features masks,ring" if network.rings else ""
        shown = f"\n![What it finds in held-out images]({self.picture})\n" if self.picture else ""
        return (
            f"# {self.name}\n\n{self.title}.\n\n"
            "| | |\n|---|---|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)
            + f"{shown}\nMade by\n\n```sh\n{commands}\n```\n\n"
            "Held-out images were not trained on, and did not decide when training ended. Run it in Verilog with\n\n"
            f"```sh\npython -m sim.run zoo/{self.name}.safetensors --pe 64 --images 1 --fit{rings}\n```\n"
        )


def index_text(cards: Sequence[Card]) -> str:
    """The zoo's README: a table of its models."""
    rows = "".join(
        f"| [{card.name}]({card.name}.md) | {card.title} | {card.float_accuracy:.2%} | {card.deployed_accuracy:.2%} "
        f"| {card.model.network.weight_count:,} | {card.model.stored_bytes:,} "
        f"| {card.file_bytes:,} |\n"
        for card in cards
    )
    return (
        "# Model zoo\n\nTrained networks that deploy. Accuracies are of all held-out images; *deployed* is that of the "
        "integers,\nwhich the Verilog computes bit for bit. Made by `python -m train.zoo --data DIR`; the commands of "
        "each are on its card.\n\n"
        "| model | | float | deployed | weights | bytes on chip | file, bytes |\n|---|---|---:|---:|---:|---:|---:|\n"
        + rows
    )
