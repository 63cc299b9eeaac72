"""Wrong versions made by rule: operators, constants, conditions and connections of a source, one changed at a time."""

import ast
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["KINDS", "Mutation", "drawn", "mutations_of"]

#: What is changed.
KINDS = ("operator", "comparison", "constant", "condition", "connection")

_SWAPPED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.And: ast.Or, ast.Or: ast.And,
}
_COMPARED = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}

#: Calls with a condition as their first argument.
_CONDITIONS = ("If", "Elif", "Mux")

#: Calls with a width or shape as their first argument: of a wider signal nobody drives or reads the other bits.
_WIDTHS = ("In", "Out", "Signal", "signed", "unsigned")

#: Arguments that say what a circuit costs, or that Python checks itself, not what is computed.
_ASIDE = ("reset_less", "strict")


@dataclass(frozen=True)
class Mutation:
    """``mutated`` instead of ``original``, which begins at character ``start`` of ``file``, in the line ``within``."""

    file: str
    kind: str
    line: int
    within: str
    start: int
    original: str
    mutated: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from others, wherever its line moves."""
        return self.file, self.within, self.original, self.mutated

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.file}:{self.line}+{self.start} {self.kind}: {_short(self.original)} -> {_short(self.mutated)}"

    def apply(self, text: str) -> str | None:
        """``text`` of the file with the change, None if it does not fit."""
        end = self.start + len(self.original)
        if text[self.start : end] != self.original:
            return None
        return text[: self.start] + self.mutated + text[end:]


def _short(text: str, most: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Every change of ``node`` itself: its kind, and the expression to put in its place."""
    match node:
        case ast.BinOp(left, op, right) if type(op) in _SWAPPED and not isinstance(left, ast.JoinedStr):
            yield "operator", ast.BinOp(left, _SWAPPED[type(op)](), right)
        case ast.BoolOp(op, values):
            yield "operator", ast.BoolOp(_SWAPPED[type(op)](), values)
        case ast.UnaryOp(ast.Invert() | ast.Not(), operand):
            yield "operator", operand
        case ast.Compare(left, [op], rights) if type(op) in _COMPARED:
            yield "comparison", ast.Compare(left, [_COMPARED[type(op)]()], rights)
        case ast.Constant(bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(int(value)):
            yield "constant", ast.Constant(value + 1)
        case ast.IfExp(test, body, otherwise):
            yield "condition", ast.IfExp(test, otherwise, body)
        case ast.Call(ast.Attribute(_, name) | ast.Name(name), [condition, *rest], []) if name in _CONDITIONS:
            opposite = ast.Compare(condition, [ast.Eq()], [ast.Constant(0)])
            yield "condition", ast.Call(node.func, [opposite, *rest], [])
        case ast.Call(ast.Attribute(_, "eq"), [value], []) if not isinstance(value, ast.Constant):
            yield "connection", ast.Call(node.func, [ast.Constant(0)], [])


def _left_alone(tree: ast.AST) -> set[ast.AST]:
    """Nodes that say nothing of what is computed: annotations, ``__all__``, messages, decorators, numbers that only
    make a signal wider, and arguments that do not matter to it.
    """
    left: set[ast.AST] = set()
    for node in ast.walk(tree):
        parts: Sequence[ast.AST | None] = ()
        match node:
            case ast.AnnAssign(annotation=annotation):
                parts = (annotation,)
            case ast.FunctionDef(args=arguments, returns=returns):
                annotations = [argument.annotation for argument in arguments.args + arguments.kwonlyargs]
                parts = (returns, *annotations, *node.decorator_list)
            case ast.ClassDef(decorator_list=parts):
                pass
            case ast.Call(ast.Name(name), [width, *_]) if name in _WIDTHS:
                left.update(part for part in ast.walk(width) if isinstance(part, ast.Constant))
            case ast.keyword(arg="width", value=width):
                left.update(part for part in ast.walk(width) if isinstance(part, ast.Constant))
            case ast.keyword(arg=name, value=value) if name in _ASIDE:
                parts = (value,)
            case ast.Assign([ast.Name("__all__")]):
                parts = (node,)
            case ast.Raise() | ast.JoinedStr() | ast.Assert():
                parts = (node,)
        for part in parts:
            left.update(ast.walk(part) if part is not None else ())
    return left


def mutations_of(file: str, text: str) -> tuple[Mutation, ...]:
    """All mutations of ``text``, the Python source of ``file``, in order of place."""
    tree = ast.parse(text)
    left = _left_alone(tree)
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))

    def place(line: int, column: int) -> int:
        """Character of the text; columns count bytes."""
        within = text[lines[line - 1] : lines[line]].encode()[:column].decode()
        return lines[line - 1] + len(within)

    found = []
    for node in ast.walk(tree):
        for kind, changed in _changes(node) if node not in left else ():
            start = place(node.lineno, node.col_offset)
            end = place(node.end_lineno, node.end_col_offset)
            mutated = ast.unparse(ast.fix_missing_locations(changed))
            within = text[lines[node.lineno - 1] : lines[node.lineno]].strip()
            found.append(Mutation(file, kind, node.lineno, within, start, text[start:end], f"({mutated})"))
    return tuple(sorted(found, key=lambda mutation: (mutation.start, mutation.kind, mutation.mutated)))


def drawn(root: Path, rooms: Sequence[str], count: int, seed: int) -> tuple[Mutation, ...]:
    """``count`` mutations of the sources in ``rooms``, each as likely, drawn from ``seed``."""
    files = sorted(path for room in rooms for path in (root / room).rglob("*.py") if path.name != "__init__.py")
    every = [m for path in files for m in mutations_of(path.relative_to(root).as_posix(), path.read_text())]
    return tuple(random.Random(seed).sample(every, min(count, len(every))))
