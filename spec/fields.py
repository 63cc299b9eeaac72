"""JSON objects that become dataclasses: every key there, none unknown, scalars of the right type."""

import dataclasses
import enum

from spec.refusal import Refused

__all__ = ["checked", "completed", "one_of", "shortened"]


def checked(data, kind: type, where: str) -> dict:
    """``data`` if its keys and scalar types are those of the dataclass ``kind``.

    Raises
    ------
    Refused
        By the name of the key, which is in ``where``.
    """
    if not isinstance(data, dict):
        raise Refused(f"Key {where} must be an object, not {data!r}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in data:
        if key not in fields:
            raise Refused(f"Unknown key {where}.{key}; the keys are {list(fields)}")
    for name, field in fields.items():
        if name not in data:
            raise Refused(f"Missing key {where}.{name}")
        if field.type in (int, str, float, bool):
            kinds = (int, float) if field.type is float else (field.type,)
            if not isinstance(data[name], kinds) or isinstance(data[name], bool) != (field.type is bool):
                raise Refused(f"Key {where}.{name} must be of type {field.type.__name__}, not {data[name]!r}")
    return dict(data)


def one_of(kind: type[enum.StrEnum], value, where: str) -> enum.StrEnum:
    """The member of ``kind`` that ``value`` is; refused by the name of its key, ``where``, if there is none."""
    try:
        return kind(value)
    except ValueError:
        raise Refused(f"Key {where} must be one of {[str(each) for each in kind]}, not {value!r}") from None


def completed(data, before: dict[str, str]):
    """``data`` with the keys that it lacks of ``before``, if it is an object; :func:`shortened` inverts it."""
    return before | data if isinstance(data, dict) else data


def shortened(data: dict, before: dict[str, str]) -> dict:
    """``data`` without the keys that say what ``before`` says."""
    return {key: value for key, value in data.items() if key not in before or value != before[key]}
