"""What a network is before it is trained, beyond the data: one of four methods, a topology, and how it is parametrized.

Ref: Hidden-Fold Networks (IEEE Access 2023), Table 1 for the methods, section IV-B for their settings.
"""

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass

from console.command import Named, Number, Several, Whole
from console.settings import check_settings, setting
from spec.block import Stem
from spec.budgets import Budget
from spec.commands import RUNS_MAX
from spec.fields import checked
from spec.network import Network
from spec.refusal import Refused
from spec.supermask import Mode, check_density, keep_count
from spec.topologies import RESNET_NAMES, depth_of, residual_network, resnet
from train.nets.norms import FoldedNorm
from train.nets.repeated import Sharing
from train.nets.ring_plan import Rings
from train.nets.weights import Weights

__all__ = ["REPEATED", "SMALL", "VIT", "Method", "ModelConfig"]

#: Names of the network that ``widths`` and ``iterations`` describe, and of two that are trained, but not deployed.
SMALL, VIT, REPEATED = "small", "vit", "repeated"

#: Most channels of a layer of the small network.
_CHANNELS = 4096

#: Settings that came after the first checkpoints, which were trained with their defaults.
_YOUNGER = ("vary", "patch", "blocks", "repeats", "sharing", "own_norms", "rings")


class Method(enum.StrEnum):
    """Folded or not, learned weights or learned masks (Table 1)."""

    DENSE = "dense"  #: "Vanilla": feedforward, learned weights.
    FOLDED = "folded"  #: Recurrent, learned weights.
    HNN = "hnn"  #: Hidden network: feedforward, masks.
    HFN = "hfn"  #: Hidden-fold network: recurrent, masks.

    @property
    def folds(self) -> bool:
        """Whether stages run one block several times."""
        return self in (Method.FOLDED, Method.HFN)

    @property
    def masks(self) -> bool:
        """Whether masks are learned instead of weights."""
        return self in (Method.HNN, Method.HFN)

    @property
    def prefix(self) -> str:
        """Of the names of its networks, in lower case as the paper has them in upper case."""
        return {Method.DENSE: "", Method.FOLDED: "f-", Method.HNN: "h-", Method.HFN: "hf-"}[self]


@dataclass(frozen=True)
class ModelConfig:
    """A network to train; the fields say what they mean. :meth:`of` gives the paper's settings of a method.

    ``rings`` are what its weights are drawn from, if they are; the method then says what the other layers are.

    Raises
    ------
    Refused
        On a value that does not exist, naming it; of the topology when the network is made.
    """

    method: Method = setting(
        Method.HFN, "masks (hnn, hfn) or learned weights; hfn and folded run the blocks of a stage as one", Method
    )
    network: str = setting(
        SMALL, f"{SMALL}, one of {', '.join(RESNET_NAMES)}, or, not to be deployed, {VIT} or {REPEATED}", str
    )
    widths: tuple[int, ...] = setting((16, 32, 64), "small: channels of each stage", Several(Whole(1, _CHANNELS)))
    iterations: tuple[int, ...] = setting(
        (0, 2, 2), "small: runs of the repeated block of each stage, or 0", Several(Whole(0, RUNS_MAX))
    )
    stem: tuple[int, int] = setting((3, 1), "small: kernel and stride of the first layer", Several(Whole(1, 63)))
    width: int = setting(64, "ResNet: channels of the stem; repeated: of all; vit: dimensions", Whole(1, 4096))
    wider: float = setting(
        1.0, "ResNet: factor on inner channels; 2 in Wide-ResNet-50", Number(above=0, most=Budget.WIDER.most)
    )
    stages: tuple[int, ...] = setting(
        (), "ResNet: blocks of each stage, as in 3,4,23,3", Several(Whole(1, RUNS_MAX)), shown="by depth"
    )
    fold: tuple[int, ...] = setting((3, 4), "ResNet: stages that fold, where the method folds", Several(Whole(1, 4)))
    mode: Mode = setting(Mode.ANY, "structure of all masks", Mode)
    density: float = setting(0.3, "kept fraction of the weights", Number(above=0, most=1))
    densities: Mapping[str, float] = setting(
        dict, "layers with another one, as in stem=1.0,classifier=0.5", Named(Number(above=0, most=1)),
        option="layer-density",
    )
    weights: Weights = setting(
        Weights.LFSR, "frozen or first weights", Weights, shown="lfsr for masks, else the paper's"
    )
    norm: FoldedNorm = setting(FoldedNorm.UBN, "normalization in recurrent blocks", FoldedNorm)
    affine: bool = setting(
        False, "learn gamma and beta outside recurrent blocks", bool, shown="with --method dense and with rings only"
    )
    bias: bool = setting(False, "learn a bias per output channel of every layer", bool)
    net_seed: int = setting(0, "of the weights", Whole(0, (1 << 32) - 1))
    vary: int = setting(0, "each step, run recurrent blocks up to so many times fewer or more", Whole(0, 16))
    patch: int = setting(2, "vit: side of a patch, in pixels", Whole(1, 256))
    blocks: int = setting(2, "repeated: residual blocks of the sub-network", Whole(1, 64))
    repeats: int = setting(2, "repeated: how often the sub-network runs", Whole(1, 64))
    sharing: Sharing = setting(Sharing.RING, "repeated: what its runs share", Sharing)
    own_norms: bool = setting(True, "repeated: batch norms for every run", bool)
    rings: Rings | None = None

    def __post_init__(self):
        check_settings(self)
        if self.network not in (SMALL, VIT, REPEATED):
            depth_of(self.network)
        if len(self.stem) != 2:
            raise Refused(f"Setting --stem must be a kernel and a stride, as in 3,1, not {self.stem!r}")
        for density in self.densities.values():
            keep_count(1, density)
        if self.vary and not self.method.folds:
            raise Refused(
                f"Setting --vary needs recurrent blocks (--method folded or hfn); it is {self.vary} with --method "
                f"{self.method}"
            )
        if not self.residual and self.method is not Method.DENSE:
            raise Refused(f"A network of kind {self.network} neither folds nor has masks; train it with --method dense")

    @classmethod
    def of(cls, method: Method, **settings) -> "ModelConfig":
        """The paper's settings of ``method``, but for ``settings``.

        Dense feedforward networks start from Kaiming-normal weights and have affine batch norms; all others have
        signed-constant weights and affine batch norms in recurrent blocks only (section IV-B). With rings all batch
        norms are affine (RPG, section 3).

        Raises
        ------
        Refused
            Also if a density is among ``settings`` that the mode would not keep; the usual one says nothing about it.
        """
        usual = {"weights": Weights.NORMAL, "affine": True} if method == Method.DENSE else {}
        if method == Method.FOLDED:
            usual = {"weights": Weights.SIGNED}
        if settings.get("rings") is not None:
            usual["affine"] = True
        found = cls(method=method, **(usual | settings))
        if "density" in settings and found.method.masks:
            check_density(found.density, found.mode, "Setting --density")
        return found

    @property
    def residual(self) -> bool:
        """Whether it is a network of the spec, which can be deployed."""
        return self.network not in (VIT, REPEATED)

    def topology(self, name: str, image: tuple[int, int, int], classes: int) -> Network:
        """The network for images (height, width, channels), called ``name`` if it has no name of its own.

        Raises
        ------
        Refused
            If it is impossible, or ``densities`` names a layer that it has not, or that keeps another one by its mode.
        """
        common = {"classes": classes, "mode": self.mode, "density": self.density, "seed": self.net_seed}
        if self.network == SMALL:
            kernel, stride = self.stem
            network = residual_network(
                name, image=image, widths=self.widths, iterations=self.iterations, folded=self.method.folds,
                stem=Stem(kernel, stride, kernel // 2, self.widths[0]) if self.widths else None, **common
            )
        else:
            height, width, channels = image
            if height != width:
                raise Refused(f"Network {self.network} takes square images, not {height}x{width}; choose {SMALL}")
            wide = "wide-" if self.wider > 1 else ""
            network = resnet(
                depth_of(self.network), name=f"{self.method.prefix}{wide}{self.network}-{height}", image=height,
                channels=channels, folded=self.fold if self.method.folds else (), counts=self.stages or None,
                width=self.width, wider=self.wider, **common,
            )
        for layer, density in self.densities.items():
            check_density(density, network.layer(layer).mode, f"Setting --layer-density {layer}")
        return network

    def density_of(self, layer: str) -> float:
        """Kept fraction of the layer called ``layer``."""
        return self.densities.get(layer, self.density)

    def to_json(self) -> dict:
        """Plain JSON form; :meth:`from_json` inverts it. What is young and as usual is left out."""
        usual = ModelConfig()
        plain = dataclasses.asdict(self) | {"rings": self.rings and self.rings.to_json()}
        return {
            name: str(value) if isinstance(value, enum.StrEnum) else value for name, value in plain.items()
            if name == "vary" or name not in _YOUNGER or value != getattr(usual, name)
        }

    @classmethod
    def from_json(cls, data: dict) -> "ModelConfig":
        """Configuration described by ``data``; an unknown, missing or ill-typed key is refused by name.

        Keys of :data:`_YOUNGER` may be missing: a checkpoint may be older than the setting.
        """
        usual = {field.name: field.default for field in dataclasses.fields(cls) if field.name in _YOUNGER}
        values = checked(usual | data if isinstance(data, dict) else data, cls, "model")
        if values["rings"] is not None:
            values["rings"] = Rings.from_json(values["rings"])
        return cls(**values)
