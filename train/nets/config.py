"""What a network is before it is trained, beyond the data: one of four methods, a topology, and how it is parametrized.

Ref: Hidden-Fold Networks (IEEE Access 2023), Table 1 for the methods, section IV-B for their settings.
"""

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from spec.fields import checked
from spec.network import Network, Stem
from spec.refusal import Refused
from spec.supermask import Mode, keep_count
from spec.topologies import depth_of, residual_network, resnet
from train.nets.norms import FoldedNorm
from train.nets.weights import Weights

__all__ = ["SMALL", "Method", "ModelConfig"]

#: Name of the network that ``widths`` and ``iterations`` describe.
SMALL = "small"

#: Settings that came after the first checkpoints, which were trained with their defaults.
_YOUNGER = ("vary",)


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
    """A network to train. :meth:`of` gives the paper's settings of a method.

    Raises
    ------
    Refused
        On a value that does not exist, naming it; of the topology when the network is made.
    """

    method: Method = Method.HFN
    network: str = SMALL  #: Or resnet18, 34, 50, 101, 152, 200.
    widths: tuple[int, ...] = (16, 32, 64)  #: Of the small network: channels of each stage.
    iterations: tuple[int, ...] = (0, 2, 2)  #: Of the small network: runs of each stage's repeated block, or 0.
    stem: tuple[int, int] = (3, 1)  #: Of the small network: kernel and stride of its first layer.
    width: int = 64  #: Of a ResNet: channels of the stem, doubling from stage to stage.
    wider: float = 1.0  #: Of a ResNet: factor on inner channels; 2 in Wide-ResNet-50.
    stages: tuple[int, ...] = ()  #: Of a ResNet: blocks of each stage, entry block counted; empty: those of its depth.
    fold: tuple[int, ...] = (3, 4)  #: Of a ResNet: stages that fold, where the method folds.
    mode: Mode = Mode.ANY  #: Structure of all masks.
    density: float = 0.3  #: Kept fraction.
    densities: Mapping[str, float] = field(default_factory=dict)  #: Layers with another density than that.
    weights: Weights = Weights.LFSR  #: Frozen weights, or where learned ones start.
    norm: FoldedNorm = FoldedNorm.UBN  #: In recurrent blocks.
    affine: bool = False  #: Learn gamma and beta of the batch norms elsewhere.
    bias: bool = False  #: Learn a bias per output channel of every layer.
    net_seed: int = 0  #: Of the weights.
    vary: int = 0  #: Each step draws how often recurrent blocks run: up to so many times fewer or more.

    def __post_init__(self):
        for name, kind in (("method", Method), ("mode", Mode), ("weights", Weights), ("norm", FoldedNorm)):
            value = getattr(self, name)
            if value not in list(kind):
                raise Refused(f"Setting --{name} must be one of {[str(known) for known in kind]}, not {value!r}")
            object.__setattr__(self, name, kind(value))
        if self.network != SMALL:
            depth_of(self.network)
        if len(self.stem) != 2:
            raise Refused(f"Setting --stem must be a kernel and a stride, as in 3,1, not {self.stem!r}")
        for density in (self.density, *self.densities.values()):
            keep_count(1, density)
        if self.vary < 0 or (self.vary and not self.method.folds):
            raise Refused(
                f"Setting --vary must be 0, or more with recurrent blocks (--method folded or hfn), not {self.vary} "
                f"with --method {self.method}"
            )

    @classmethod
    def of(cls, method: Method, **settings) -> "ModelConfig":
        """The paper's settings of ``method``, but for ``settings``.

        Dense feedforward networks start from Kaiming-normal weights and have affine batch norms; all others have
        signed-constant weights and affine batch norms in recurrent blocks only (section IV-B).
        """
        usual = {"weights": Weights.NORMAL, "affine": True} if method == Method.DENSE else {}
        if method == Method.FOLDED:
            usual = {"weights": Weights.SIGNED}
        return cls(method=method, **(usual | settings))

    def topology(self, name: str, image: tuple[int, int, int], classes: int) -> Network:
        """The network for images (height, width, channels), called ``name`` if it has no name of its own.

        Raises
        ------
        Refused
            If it is impossible, or ``densities`` names a layer that it has not.
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
        for layer in self.densities:
            network.layer(layer)
        return network

    def density_of(self, layer: str) -> float:
        """Kept fraction of the layer called ``layer``."""
        return self.densities.get(layer, self.density)

    def to_json(self) -> dict:
        """Plain JSON form; :meth:`from_json` inverts it."""
        plain = dataclasses.asdict(self)
        return {name: str(value) if isinstance(value, enum.StrEnum) else value for name, value in plain.items()}

    @classmethod
    def from_json(cls, data: dict) -> "ModelConfig":
        """Configuration described by ``data``; an unknown, missing or ill-typed key is refused by name.

        Keys of :data:`_YOUNGER` may be missing: a checkpoint may be older than the setting.
        """
        usual = {field.name: field.default for field in dataclasses.fields(cls) if field.name in _YOUNGER}
        values = checked(usual | data if isinstance(data, dict) else data, cls, "model")
        for name in ("widths", "iterations", "stem", "stages", "fold"):
            if not isinstance(values[name], list | tuple) or any(type(number) is not int for number in values[name]):
                raise Refused(f"Key model.{name} must be a list of integers, not {values[name]!r}")
            values[name] = tuple(values[name])
        densities = values["densities"]
        if not isinstance(densities, dict) or any(type(number) not in (int, float) for number in densities.values()):
            raise Refused(f"Key model.densities must map layer names to numbers, not {densities!r}")
        return cls(**values)
