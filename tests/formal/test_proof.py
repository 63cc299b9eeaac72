"""A proof says how it is proved."""

from formal.proof import Proof


def test_a_method_is_an_induction_or_says_that_it_is_bounded():
    assert Proof("x", object, "", depth=3).cells() == ("x", "induction 3")
    assert Proof("x", object, "", depth=9, bounded="no invariant is known").cells() == ("x", "bounded 9")
