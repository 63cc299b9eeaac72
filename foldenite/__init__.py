"""Foldenite in Python: train a hidden network, export it, build its accelerator, simulate its Verilog.

    import foldenite as fd

    trained = fd.train(images, labels, "build/mine", epochs=5)
    model = fd.export(trained, "build/mine/net.safetensors")
    fd.build("build/mine/pe16", model=model, pe=16)
    print(fd.simulate(model, images[:4], pe=16).report.table())

Nothing is loaded before it is used: ``import foldenite`` itself takes no time.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foldenite.api import Trained, build, evaluate, export, simulate, train
    from spec.refusal import Refused

__all__ = ["Refused", "Trained", "build", "evaluate", "export", "simulate", "train"]


def __getattr__(name: str):
    """The public name ``name``, from where it is defined."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("spec.refusal" if name == "Refused" else "foldenite.api"), name)


def __dir__() -> list[str]:
    return __all__
