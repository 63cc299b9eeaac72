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

    epochs: int = setting(MISSING, "passes over the training images", Whole(1))
    batch: int = setting(MISSING, "images per step, of all processes together", Whole(1))
    accumulate: int = setting(
        1, "parts that a batch is computed in for memory's sake, with batch statistics of their own", Whole(1)
    )
    optimizer: str = setting("sgd", "what moves the parameters", ("sgd", "adam", "radam"))
    lr: float = setting(0.1, "peak learning rate", Number(above=0, most=10))
    momentum: float = setting(0.9, "momentum of sgd", Number(least=0, below=1))
    nesterov: bool = setting(False, "sgd by Nesterov", bool)
    weight_decay: float = setting(0.0, "weight decay", Number(least=0, below=1))
    decay_norms: bool = setting(True, "decay normalizations, too", bool)
    schedule: str = setting(
        "cosine", "of the rate: cosine to 0, by the factor at each milestone, by it every period, or constant",
        ("cosine", "step", "exponential", "constant"),
    )
    milestones: tuple[float, ...] = setting((), "epochs of schedule step", Several(Number(least=0)))
    factor: float = setting(0.1, "of schedules step and exponential", Number(above=0, most=1))
    period: float = setting(1.0, "epochs of schedule exponential", Number(above=0))
    warmup: float = setting(0.0, "epochs in which the rate rises to its peak, before the schedule", Number(least=0))
    label_smoothing: float = setting(0.0, "share of the target that all classes share", Number(least=0, below=1))
    crop_pad: int = setting(0, "zeros around an image before a part of its size is cut out at random", Whole(0, 63))
    mirror: bool = setting(False, "swap left and right every other time", bool)
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

    @property
    def augmentation(self) -> Augmentation:
        """What training images go through."""
        return Augmentation(self.crop_pad, self.mirror)

    @classmethod
    def from_json(cls, data: dict) -> "Recipe":
        """Recipe of plain values by name; unknown and missing names are refused."""
        names = {field.name: field for field in dataclasses.fields(cls)}
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
