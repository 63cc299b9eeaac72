"""What JSON files must look like: a shape, and the first place where a file has another one."""

from numbers import Real

from spec.refusal import Refused

__all__ = ["ENERGY", "SIMULATION", "SYNTHESIS", "WAVES", "check_like", "check_shape"]

_MAYBE = (Real, type(None))

#: Shapes: a type or several, ``[shape]`` for a list, ``{key: shape}`` for an object with at least these keys; ``{"*":
#: shape}`` has any keys. Lists and such objects are not empty.
SIMULATION = {"stall_probability": Real, "values_compared": int, "mismatches": int}
ENERGY = {"caveat": str, "split_uj_per_image": {"*": Real}, "total_uj_per_image": Real}
WAVES = {"text": str, "first_cycle": int, "signals": [{"name": str, "width": int, "values": [_MAYBE]}]}
SYNTHESIS = {
    "config": dict, "part": str,
    "synthesis": {
        "components": {"*": {"lut": int}}, "resources": {"*": {"used": int, "of": int}}, "lut_per_pe": Real,
        "tool": str, "version": str, "stage": str, "counted": str,
    },
    "route": ({"fmax_mhz": Real, "tool": str, "version": str, "seed": int}, type(None)),
}


def check_like(value: object, example: object, where: str) -> None:
    """Refuse ``value`` if it has other keys, types or lengths than ``example``, in which what ends in ``_measured`` may
    be none, and is otherwise like what ends in ``_predicted``.

    Raises
    ------
    Refused
        Naming the key, ``where`` included.
    """
    if isinstance(example, dict):
        check_shape(value, dict.fromkeys(example, object), where)
        for key, one in example.items():
            if key.endswith("_measured"):
                if value[key] is None:
                    continue
                one = example[key.replace("_measured", "_predicted")]
            check_like(value[key], one, f"{where}.{key}")
    elif isinstance(example, list):
        if not isinstance(value, list) or len(value) != len(example):
            raise Refused(f"{where} must be a list of {len(example)}, not {value!r}; make the file again")
        for index, (one, like) in enumerate(zip(value, example, strict=True)):
            check_like(one, like, f"{where}[{index}]")
    elif isinstance(example, bool):
        if not isinstance(value, bool):
            raise Refused(f"{where} must be true or false, not {value!r}; make the file again")
    else:
        check_shape(value, str if isinstance(example, str) else Real if example is not None else _MAYBE, where)


def check_shape(value: object, shape: object, where: str) -> None:
    """Refuse ``value`` if it is not of ``shape``.

    Raises
    ------
    Refused
        Naming the key, ``where`` included.
    """
    if isinstance(shape, tuple) and value is None and type(None) in shape:
        return
    if isinstance(shape, tuple) and isinstance(shape[0], dict):
        shape = shape[0]
    if isinstance(shape, dict):
        _check_object(value, shape, where)
    elif isinstance(shape, list):
        if not isinstance(value, list) or not value:
            raise Refused(f"{where} must be a list of at least one, not {value!r}; make the file again")
        for index, one in enumerate(value):
            check_shape(one, shape[0], f"{where}[{index}]")
    elif not isinstance(value, shape) or (isinstance(value, bool) and shape is not object):
        raise Refused(f"{where} is of a wrong type: {value!r}; make the file again")


def _check_object(value: object, shape: dict, where: str) -> None:
    if not isinstance(value, dict) or not value:
        raise Refused(f"{where} must be an object with keys, not {value!r}; make the file again")
    if missing := [key for key in shape if key != "*" and key not in value]:
        raise Refused(f"{where} lacks the key {missing[0]}; make the file again")
    for key, one in value.items():
        if "*" in shape or key in shape:
            check_shape(one, shape.get(key, shape.get("*")), f"{where}.{key}")
