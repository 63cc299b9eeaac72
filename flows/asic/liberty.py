"""Liberty files as text: groups, their attributes, and the groups in them. What they mean is in ``library``."""

import re
from dataclasses import dataclass, field

from spec.refusal import Refused

__all__ = ["Group", "parse"]

_COMMENT = re.compile(r"/\*.*?\*/|\\\n", re.DOTALL)

#: One thing: the end of a group; ``name (...) {``, which begins one; ``name (...);`` or ``name : value;``.
_STATEMENT = re.compile(
    r"""[\s;]*(?:
        (?P<end>\})
      | (?P<name>[A-Za-z_]\w*)\s*\((?P<arguments>(?:"[^"]*"|[^()"])*)\)[^\S\n]*(?P<begin>\s*\{)?
      | (?P<key>[A-Za-z_]\w*)\s*:\s*(?P<value>"[^"]*"|[^;{}\n]*)
    )""",
    re.VERBOSE,
)


@dataclass
class Group:
    """One group: ``kind (name) { attributes, groups }``. An attribute may be there several times."""

    kind: str
    name: str
    attributes: dict[str, list[str]] = field(default_factory=dict)
    groups: list["Group"] = field(default_factory=list)

    def text(self, key: str, default: str = "") -> str:
        """The last attribute ``key``, without quotes."""
        return self.attributes.get(key, [default])[-1]

    def number(self, key: str, default: float = 0.0) -> float:
        """The last attribute ``key``."""
        return float(self.text(key) or default)

    def numbers(self, key: str) -> list[float]:
        """All numbers of the last attribute ``key``, however they are grouped and quoted."""
        return [float(word) for word in re.split(r'[\s,"]+', self.text(key)) if word]

    def of(self, *kinds: str) -> list["Group"]:
        """The groups in it of these kinds."""
        return [group for group in self.groups if group.kind in kinds]


def parse(text: str, where: str) -> Group:
    """The ``library`` group of a Liberty file called ``where``.

    Raises
    ------
    Refused
        If it is none, is cut off, or a statement cannot be read.
    """
    clean = _COMMENT.sub(" ", text)
    root = Group("file", where)
    open_groups, position = [root], 0
    while found := _STATEMENT.match(clean, position):
        group = open_groups[-1]
        if found["end"] and group is root:
            break
        position = found.end()
        if found["end"]:
            open_groups.pop()
        elif found["begin"]:
            group.groups.append(Group(found["name"], found["arguments"].strip().strip('"')))
            open_groups.append(group.groups[-1])
        else:
            key, value = found["name"] or found["key"], found["arguments"] if found["name"] else found["value"]
            group.attributes.setdefault(key, []).append(value.strip().strip('"'))
    rest = clean[position:].strip(" \t\n;")
    if rest or len(open_groups) != 1:
        at = f"cannot be read from {rest[:40]!r} on" if rest else "is cut off"
        raise Refused(f"Liberty file {where} {at}; give another file with --liberty")
    if [group.kind for group in root.groups] != ["library"]:
        raise Refused(f"File {where} is no Liberty file: it has no library; give another file with --liberty")
    return root.groups[0]
