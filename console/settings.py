"""Settings: dataclasses whose fields say what they mean and may be, for options, files and refusals alike.

    @dataclass(frozen=True)
    class Recipe:
        lr: float = setting(0.1, "peak learning rate", Number(above=0, most=10))

        def __post_init__(self):
            check_settings(self)

    add_settings(parser, Recipe)                                    # --lr
    Recipe(**given_settings(parser.parse_args(), Recipe))
"""

import argparse
import dataclasses
import enum
import re
from collections.abc import Container, Iterable

from console.command import Named, Number, Several, Whole
from spec.refusal import Refused

__all__ = ["add_settings", "check_settings", "given_settings", "set_usual", "setting"]


def setting(default, meaning: str, kind, *, option: str = "", shown: str | None = None):
    """Field of a dataclass that is a setting.

    Parameters
    ----------
    default
        ``dataclasses.MISSING`` if it must be given, ``dict`` for an empty one.
    meaning : str
        For help.
    kind
        :class:`Whole`, :class:`Number`, :class:`Several`, :class:`Named`, ``bool``, ``str``, or an enumeration or tuple
        of strings (the choices).
    option : str
        Its name on the command line; by default that of the field.
    shown : str, optional
        What help says of the default; by default the default.
    """
    start = {"default_factory": dict} if default is dict else {"default": default}
    return dataclasses.field(**start, metadata={"meaning": meaning, "kind": kind, "option": option, "shown": shown})


def _settings(kind: type) -> list[dataclasses.Field]:
    return [field for field in dataclasses.fields(kind) if "meaning" in field.metadata]


def _option(field: dataclasses.Field) -> str:
    return f"--{field.metadata['option'] or field.name.replace('_', '-')}"


def _choices(kind) -> list[str] | None:
    return [str(one) for one in kind] if isinstance(kind, Iterable) else None


def add_settings(parser, kind: type, only: Container[str] | None = None) -> None:
    """Add an option for every setting of the dataclass ``kind``, or ``only`` those, to ``parser`` or to a group of one.

    An option that is not given leaves no trace in the arguments, for what it is then is not the parser's to say.
    """
    for field in _settings(kind):
        if only is not None and field.name not in only:
            continue
        meaning, of, shown = (field.metadata[name] for name in ("meaning", "kind", "shown"))
        if shown is None and field.default not in (dataclasses.MISSING, None):
            shown = {True: "yes", False: "no"}.get(field.default, field.default) if of is bool else field.default
            shown = ",".join(map(str, shown)) if isinstance(shown, tuple) else str(shown)
        how = {"type": of}
        if of is bool:
            how = {"action": argparse.BooleanOptionalAction}
        elif choices := _choices(of):
            how = {"choices": choices}
        parser.add_argument(
            _option(field), dest=field.name, default=argparse.SUPPRESS,
            help=meaning + (f" (default {shown})" if shown else ""), **how,
        )


def given_settings(arguments: argparse.Namespace, kind: type) -> dict:
    """Those settings of ``kind`` that the options of :func:`add_settings` gave, by name."""
    names = {field.name for field in _settings(kind)}
    return {name: value for name, value in vars(arguments).items() if name in names}


def set_usual(parser: argparse.ArgumentParser, **defaults) -> None:
    """Give options of ``parser`` that :func:`add_settings` added a default of this command's own, by name."""
    for action in parser._actions:
        if action.dest in defaults:
            action.default = defaults[action.dest]
            action.help = f"{re.sub(r' [(]default .*[)]$', '', action.help)} (default {action.default})"


def check_settings(settings) -> None:
    """Refuse values of the dataclass ``settings`` that their kinds do not allow; choices become members, lists tuples.

    Raises
    ------
    Refused
        Naming the option of the setting.
    """
    for field in _settings(type(settings)):
        value, kind = getattr(settings, field.name), field.metadata["kind"]
        if isinstance(kind, Several) and isinstance(value, list):
            value = tuple(value)
        if problem := _problem(value, kind):
            raise Refused(f"Setting {_option(field)} {problem}")
        object.__setattr__(settings, field.name, kind(value) if isinstance(kind, enum.EnumType) else value)


def _problem(value, kind) -> str | None:
    """What is wrong with ``value``, if anything is."""
    if kind is bool:
        return None if type(value) is bool else f"must be true or false, not {value!r}"
    if choices := _choices(kind):
        return None if value in choices else f"must be one of {', '.join(choices)}, not {value!r}"
    if isinstance(kind, Several):
        if not isinstance(value, tuple):
            return f"must be several in a row, not {value!r}"
        return next((problem for one in value if (problem := _problem(one, kind.kind))), None)
    if isinstance(kind, Named):
        if not isinstance(value, dict):
            return f"must be values by name, not {value!r}"
        return next((problem for one in value.values() if (problem := _problem(one, kind.kind))), None)
    if not isinstance(kind, Whole | Number):
        return None if isinstance(value, str) else f"must be text, not {value!r}"
    if type(value) not in (int, float):
        return f"must be a number, not {value!r}"
    try:
        kind(repr(value))
    except argparse.ArgumentTypeError as error:
        return str(error)
    return None
