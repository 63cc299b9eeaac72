"""Names that files bring along: text that can be printed anywhere."""

from collections.abc import Sequence

from spec.refusal import Refused

__all__ = ["NAME_LENGTH", "check_class_names"]

NAME_LENGTH = 64  #: Characters of a name.


def check_class_names(names: object, where: str) -> tuple[str, ...]:
    """``names`` as a tuple, if they are names of classes: different ones, each of 1 to 64 characters that print.

    Raises
    ------
    Refused
        If they are not; ``where`` says whose they are.
    """
    if not isinstance(names, Sequence) or isinstance(names, str):
        raise Refused(f"Class names of {where} must be a list of texts")
    for name in names:
        if not isinstance(name, str) or not name.isprintable() or not name.strip():
            raise Refused(f"Class name {ascii(name)[:80]} of {where} must be text that can be printed; rename it")
        if len(name) > NAME_LENGTH:
            raise Refused(
                f"Class name {name[:20]!r}... of {where} must have at most {NAME_LENGTH} characters, not {len(name)}; "
                "rename it"
            )
    if len(set(names)) != len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise Refused(f"Class name {twice!r} of {where} must be that of one class; rename it")
    return tuple(names)
