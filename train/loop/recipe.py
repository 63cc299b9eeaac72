"""How a network is trained: optimizer, schedule, regularization, arithmetic. Data, so it is read from a TOML file."""

import dataclasses
import tomllib
from dataclasses import dataclass
from pathlib import Path

from spec.refusal import Refused
from train.data.augment import Augmentation

__all__ = ["OPTIMIZERS", "PRECISIONS", "SCHEDULES", "Recipe"]

OPTIMIZERS = ("sgd", "adam", "radam")
SCHEDULES = ("cosine", "step", "exponential", "constant")
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a run of training does with network and data.

    Parameters
    ----------
    epochs, batch : int
        Passes over the training images; images per step, of all processes together.
    accumulate : int
        Parts that a step's batch is computed in, one after the other, for memory's sake. Each part has batch statistics
        of its own.
    optimizer : str
        One of :data:`OPTIMIZERS`.
    lr : float
        Peak learning rate.
    momentum, nesterov
        Of ``sgd``.
    weight_decay : float
        On all parameters, but not those of normalizations without ``decay_norms``.
    schedule : str
        One of :data:`SCHEDULES`: cosine to 0; ``step`` by ``factor`` at each epoch of ``milestones``; ``exponential``
        by ``factor`` every ``period`` epochs, continuously.
    warmup : float
        Epochs in which the rate rises linearly to the peak, before the schedule begins.
    label_smoothing : float
        Share of the target that is spread over all classes.
    crop_pad, mirror
        :class:`train.data.augment.Augmentation`.
    precision : str
        One of :data:`PRECISIONS`; other than float32 means autocast (with loss scaling for float16).
    channels_last, compile : bool
        Memory layout of activations; ``torch.compile``.
    """

    epochs: int
    batch: int
    accumulate: int = 1
    optimizer: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 0.0
    decay_norms: bool = True
    schedule: str = "cosine"
    milestones: tuple[float, ...] = ()
    factor: float = 0.1
    period: float = 1.0
    warmup: float = 0.0
    label_smoothing: float = 0.0
    crop_pad: int = 0
    mirror: bool = False
    precision: str = "float32"
    channels_last: bool = False
    compile: bool = False

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            kinds = {float: (int, float), int: (int,), bool: (bool,), str: (str,)}.get(field.type, (tuple,))
            if type(value) not in kinds:
                raise Refused(f"Recipe setting {field.name} must be of type {kinds[-1].__name__}, not {value!r}")
        for name, choices in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("precision", PRECISIONS)):
            if getattr(self, name) not in choices:
                raise Refused(f"Recipe setting {name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}")
        for name in ("epochs", "batch", "accumulate"):
            if getattr(self, name) < 1:
                raise Refused(f"Recipe setting {name} must be at least 1, not {getattr(self, name)}")
        for name, low, high in (("lr", 0, 10), ("factor", 0, 1), ("period", 0, float("inf"))):
            if not low < getattr(self, name) <= high:
                raise Refused(
                    f"Recipe setting {name} must be above {low} and at most {high}, not {getattr(self, name)}"
                )
        for name, high in (
            ("momentum", 1), ("weight_decay", 1), ("label_smoothing", 1), ("warmup", self.epochs), ("crop_pad", 64)
        ):
            if not 0 <= getattr(self, name) < high:
                raise Refused(f"Recipe setting {name} must be from 0 to below {high}, not {getattr(self, name)}")
        if self.batch % self.accumulate:
            raise Refused(
                f"Recipe setting batch must be a multiple of accumulate ({self.accumulate}), not {self.batch}"
            )
        if list(self.milestones) != sorted(self.milestones) or (self.schedule == "step") != bool(self.milestones):
            raise Refused(
                "Recipe setting milestones must be ascending epochs with schedule 'step', and empty with any other; "
                f"it is {list(self.milestones)} with {self.schedule!r}"
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
            if name not in data and field.default is dataclasses.MISSING:
                raise Refused(f"Recipe lacks the setting {name}")
        return cls(**(data | {"milestones": tuple(data.get("milestones", ()))}))

    @classmethod
    def load(cls, path: Path) -> "Recipe":
        """Recipe in the section ``[training]`` of the TOML file ``path``."""
        try:
            return cls.from_json(tomllib.loads(Path(path).read_text())["training"])
        except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
            raise Refused(f"Recipe {path} is no TOML file with a section [training]: {error!r}") from None

    def to_json(self) -> dict:
        """Plain form; :meth:`from_json` inverts it."""
        return dataclasses.asdict(self) | {"milestones": list(self.milestones)}
