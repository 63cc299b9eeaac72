"""Mutants by rule: what is changed, what is left alone, and that every one of ours still is Python."""

import ast

from tests.mutants import ROOT, WHOLE, commands_against, equivalents
from tests.mutations import KINDS, drawn, mutations_of

SOURCE = '''"""Not 1 + 1."""
__all__ = ["a"]
SIZE: Literal[3] = 4

@cache(8)
def double(m, value: Literal[5]) -> Literal[6]:
    wire = Signal(value - 11, init=12, reset_less=True)
    m.submodules.ram = Ram(width=value + 13, depth=14)
    if value < 7:
        raise ValueError(f"é {value + 8}, not {9}")
    with m.If(self.a & ~self.b):
        m.d.comb += self.c.eq(Mux(self.d, 1, True))
    return value + 2 if not value else -value
'''


def test_what_is_changed_and_what_is_left_alone():
    changes = {(m.kind, m.original, m.mutated) for m in mutations_of("a.py", SOURCE)}
    assert changes == {
        ("constant", "4", "(5)"), ("operator", "value - 11", "(value + 11)"), ("constant", "12", "(13)"),
        ("operator", "value + 13", "(value - 13)"), ("constant", "14", "(15)"),
        ("comparison", "value < 7", "(value <= 7)"), ("constant", "7", "(8)"),
        ("condition", "m.If(self.a & ~self.b)", "(m.If(self.a & ~self.b == 0))"),
        ("operator", "self.a & ~self.b", "(self.a | ~self.b)"), ("operator", "~self.b", "(self.b)"),
        ("connection", "self.c.eq(Mux(self.d, 1, True))", "(self.c.eq(0))"),
        ("condition", "Mux(self.d, 1, True)", "(Mux(self.d == 0, 1, True))"),
        ("constant", "1", "(2)"), ("constant", "True", "(False)"),
        ("condition", "value + 2 if not value else -value", "(-value if not value else value + 2)"),
        ("operator", "value + 2", "(value - 2)"), ("constant", "2", "(3)"), ("operator", "not value", "(value)"),
    }


def test_a_mutation_is_applied_where_it_was_found():
    text = "é = 1\nx = 1\n"
    first, second = mutations_of("a.py", text)
    assert (first.apply(text), second.apply(text)) == ("é = (2)\nx = 1\n", "é = 1\nx = (2)\n")
    assert second.apply("other = 3\n") is None


def test_every_mutation_of_ours_is_another_program():
    mutations = drawn(ROOT, list(WHOLE), 10**6, seed=1)
    assert {mutation.kind for mutation in mutations} == set(KINDS)
    for mutation in mutations[:400]:
        text = (ROOT / mutation.file).read_text()
        assert ast.dump(ast.parse(mutation.apply(text))) != ast.dump(ast.parse(text)), mutation.name
        assert all((ROOT / word).exists() for tests in commands_against(mutation) for word in tests), mutation.name


def test_the_same_seed_draws_the_same():
    assert drawn(ROOT, ["spec"], 20, 3) == drawn(ROOT, ["spec"], 20, 3) != drawn(ROOT, ["spec"], 20, 4)


def test_mutants_that_compute_the_same_are_still_there():
    for key, why in equivalents().items():
        assert key in {m.key for m in mutations_of(key[0], (ROOT / key[0]).read_text())}
        assert why
