"""Wrong steps made mechanically are refused, for every theorem: a few here, all by `make theorems`."""

import pytest

from nnlib.derivations import THEOREMS, derivation, mutate
from nnlib.derivations.derivation import Theory
from nnlib.derivations.language import D, Sum, delta, exp, matrix_product, step
from nnlib.derivations.mutate import attack, mutants


@pytest.mark.parametrize("name", THEOREMS)
def test_wrong_steps_are_refused(name):
    lemma = THEOREMS[name].build()
    refused, equivalent, accepted = attack(lemma, most=3)
    assert not accepted
    assert len(refused) >= len(lemma.lines)


def test_all_kinds_of_slips_are_made():
    t = Theory("t")
    n, m = t.size("n"), t.size("m")
    i, j, k = t.indices("i j k", n)
    A, B, z, y = t.array("A", n, n), t.array("B", n, n), t.array("z", n), t.array("y", n)
    e = -Sum(A[i, j] * delta(j, k) * 2 * exp(z[j]) - z[j]**2, j) / (1 + step(z[i])) + matrix_product(A, B)[i, k] * D(z[i], z[k])
    kinds = {kind for kind, _ in mutants(e, frozenset([i, k]), [n, m], [A, B, z, y])}
    assert kinds >= {"sign", "term dropped", "term doubled", "factor dropped", "factor doubled", "delta dropped", "another number",
                     "denominator dropped", "fraction turned", "exponent", "wrong range", "sum dropped", "another index",
                     "index shifted", "indices exchanged", "another array", "transposed", "order of matrices",
                     "function dropped", "wrong side of the kink"}


def test_an_equivalent_line_is_listed_and_proved():
    t = Theory("t")
    x = t.scalar("x")
    lemma = t.derive((x - 1)**2).step((1 - x)**2).done("square")
    refused, equivalent, accepted = attack(lemma, most=60)
    assert not accepted and refused
    double = t.derive(x * delta(1, 1)).step(x, by=derivation.delta_rule).done("double")
    assert not attack(double, most=60)[2]


def test_an_accepting_kernel_is_exposed(monkeypatch):
    monkeypatch.setattr(mutate, "check_step", lambda *args, **more: ())
    assert attack(THEOREMS["softmax"].build(), most=8)[2]
