"""How a network is trained: optimizer, schedule, regularization, arithmetic. Data, so it is read from a TOML file."""

import dataclasses
from dataclasses import MISSING, dataclass

from console.command import Number, Several, Whole
from console.settings import check_settings, setting
from spec.refusal import Refused
from train.data.augment import Augmentation

__all__ = ["Recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a run of training does with network and data; the fields say what they mean."""

    epochs: int = setting(MISSING, "passes over the training images", Whole(1, 100_000))
    batch: int = setting(
        MISSING, "images per step, of all processes together; a recipe's is at most all there are", Whole(1, 65536)
    )
    accumulate: int = setting(
        1, "parts that a batch is computed in for memory's sake, with batch statistics of their own", Whole(1, 65536)
    )
    optimizer: str = setting("sgd", "what moves the parameters", ("sgd", "adam", "radam"))
    lr: float = setting(0.1, "peak learning rate", Number(above=0, most=10))
    norm_lr: float = setting(0.0, "peak rate of normalizations and biases; 0: that of all", Number(least=0, most=10))
    momentum: float = setting(0.9, "momentum of sgd", Number(least=0, below=1))
    nesterov: bool = setting(False, "sgd by Nesterov", bool)
    weight_decay: float = setting(0.0, "weight decay", Number(least=0, below=1))
    decay_norms: bool = setting(True, "decay normalizations, too", bool)
    schedule: str = setting(
        "cosine", "of the rate: cosine or linear to 0, by the factor at milestones, by it every period, or constant",
        ("cosine", "linear", "step", "exponential", "constant"),
    )
    milestones: tuple[float, ...] = setting((), "epochs of schedule step", Several(Number(least=0, most=100_000)))
    factor: float = setting(0.1, "of schedules step and exponential", Number(above=0, most=1))
    period: float = setting(1.0, "epochs of schedule exponential", Number(above=0, most=100_000))
    warmup: float = setting(
        0.0, "epochs in which the rate rises to its peak, before the schedule", Number(least=0, most=100_000)
    )
    label_smoothing: float = setting(0.0, "share of the target that all classes share", Number(least=0, below=1))
    distill: float = setting(
        0.0, "share of the loss that is how far outputs are from those of --teacher", Number(least=0, most=1)
    )
    temperature: float = setting(
        2.0, "what the outputs of both are divided by before they are compared", Number(above=0, most=100)
    )
    crop_pad: int = setting(0, "zeros around an image before a part of its size is cut out at random", Whole(0, 63))
    reflect: bool = setting(False, "what is around an image is its reflection, not zeros", bool)
    mirror: bool = setting(False, "swap left and right every other time", bool)
    alternate: bool = setting(False, "an image that is swapped in one epoch is not in the next", bool)
    cutout: int = setting(0, "side of a grey square that covers a part of an image", Whole(0, 255))
    small_sizes: tuple[int, ...] = setting(
        (), "sides that images are shrunk to in the first epochs", Several(Whole(4, 1024))
    )
    small_until: tuple[int, ...] = setting((), "epochs after which each of them ends", Several(Whole(1, 100_000)))
    average: float = setting(
        0.0, "decay of an average of the parameters, which remains at the end; 0: none", Number(least=0, below=1)
    )
    settle: bool = setting(
        False, "at the end, measure batch norms on training images as they are, neither shifted nor cut", bool
    )
    precision: str = setting("float32", "of arithmetic; others by autocast", ("float32", "bfloat16", "float16"))
    channels_last: bool = setting(False, "keep the channels of a pixel together in memory", bool)
    compile: bool = setting(False, "compile the network with torch.compile", bool)

    def __post_init__(self):
        check_settings(self)
        if self.warmup >= self.epochs:
            raise Refused(f"Setting --warmup must be below the epochs ({self.epochs}), not {self.warmup}")
        if self.batch % self.accumulate:
            raise Refused(f"Setting --batch must be a multiple of accumulate ({self.accumulate}), not {self.batch}")
        if list(self.milestones) != sorted(self.milestones) or (self.schedule == "step") != bool(self.milestones):
            raise Refused(
                "Setting --milestones must be ascending epochs with schedule 'step', and empty with any other; it is "
                f"{list(self.milestones)} with {self.schedule!r}"
            )

        if len(self.small_sizes) != len(self.small_until) or list(self.small_until) != sorted(set(self.small_until)):
            raise Refused(
                "Setting --small-until must be an ascending epoch for each of --small-sizes; they are "
                f"{list(self.small_until)} for {list(self.small_sizes)}"
            )
        if self.small_until and self.small_until[-1] >= self.epochs:
            raise Refused(
                f"Setting --small-until must end before the last epoch ({self.epochs}), not at {self.small_until[-1]}: "
                "batch norms are of whole images"
            )
        if self.alternate and not self.mirror:
            raise Refused("Setting --alternate says how images are swapped: give --mirror, too")

    def side(self, epoch: int) -> int | None:
        """Side that images of epoch ``epoch`` (from 0) are shrunk to; None: not at all."""
        return next((side for side, end in zip(self.small_sizes, self.small_until, strict=True) if epoch < end), None)

    def of_length(self, epochs: int) -> "Recipe":
        """The same recipe of so many epochs: what happens at an epoch happens at the same share of the whole."""
        share = epochs / self.epochs
        until: list[int] = []
        for end in self.small_until:
            until.append(max(round(end * share), until[-1] + 1 if until else 1))
        sizes = len([end for end in until if end < epochs])
        return dataclasses.replace(
            self, epochs=epochs, warmup=round(self.warmup * share, 2), period=round(self.period * share, 4),
            milestones=tuple(round(milestone * share, 2) for milestone in self.milestones),
            small_sizes=self.small_sizes[:sizes], small_until=tuple(until[:sizes]),
        )

    @property
    def augmentation(self) -> Augmentation:
        """What training images go through."""
        return Augmentation(self.crop_pad, self.mirror, self.reflect, self.alternate, self.cutout)

    @classmethod
    def from_json(cls, data: dict) -> "Recipe":
        """Recipe of plain values by name; unknown and missing names are refused."""
        names = {field.name: field for field in dataclasses.fields(cls)}
        if not isinstance(data, dict):
            raise Refused(f"Recipe must be settings by name, not {data!r}")
        for name in data:
            if name not in names:
                raise Refused(f"Unknown recipe setting {name!r}; the settings are {', '.join(names)}")
        for name, field in names.items():
            if name not in data and field.default is MISSING:
                raise Refused(f"Recipe lacks the setting {name}")
        return cls(**data)

    def to_json(self) -> dict:
        """Plain form; :meth:`from_json` inverts it."""
        return dataclasses.asdict(self)
