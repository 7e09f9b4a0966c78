"""SymPy by itself finds every theorem true at small sizes, and wrong ones not."""

import pytest

from nnlib.derivations import THEOREMS, D, Sum, Theory, delta, exp
from nnlib.derivations.symbolic import Written, is_zero, places, small_sizes, sympy_agrees

UNDECIDED = {"softmax_order"}  # SymPy does not decide the sign of a difference of exponentials


@pytest.mark.parametrize("name", THEOREMS)
def test_sympy_agrees(name):
    lemma = THEOREMS[name].build()
    assert sympy_agrees(lemma, small_sizes(lemma)) != (name in UNDECIDED)


@pytest.mark.parametrize("K", [1, 3])
def test_softmax_at_other_sizes(K):
    assert sympy_agrees(THEOREMS["softmax"].build(), {"K": K})


def test_a_wrong_jacobian_is_not_zero():
    t = Theory("softmax")
    K = t.size("K")
    i, j, k = t.indices("i j k", K)
    z = t.array("z", K)
    s = t.define("s", [k], exp(z[k]) / Sum(exp(z[j]), j))
    right, wrong = s[k] * (delta(k, i) - s[i]), s[k] * (1 - s[i])
    written = Written({"K": 2})
    gaps = [[written.value(D(s[k], z[i]), at, ()) - written.value(e, at, ())
             for at in places(right, right, written)] for e in (right, wrong)]
    assert all(map(is_zero, gaps[0])) and not all(map(is_zero, gaps[1]))
