r'''Derivations whose every step is checked, for symbolic sizes.

How to write a theorem
----------------------
Declare the symbols in a `Theory`, start a chain with `derive`, add lines with `step`,
finish with `done`.  A step is checked when it is written.  It raises `FalseStep` (with
numbers), `Unproved`, `Vacuous`, or `Refused` (say, a reason that is not needed).

>>> from nnlib.derivations import *
>>> t = Theory("softmax")
>>> K = t.size("K")                                  # any K, 0 included; least=1 excludes 0
>>> i, j, k = t.indices("i j k", K)                  # single letters; each runs over 1..K
>>> z = t.array("z", K)                              # data; 0 outside its shape
>>> s = t.define("s", [k], exp(z[k]) / Sum(exp(z[j]), j))
>>> d = t.derive(D(s[k], z[i]))
>>> d = d.step(D(exp(z[k]) / Sum(exp(z[j]), j), z[i]), by=definition(s))
>>> d = d.step(s[k] * (delta(k, i) - s[i]), by=(differentiation, delta_rule, definition(s)))
>>> lemma = d.done("softmax_jacobian")
>>> from nnlib.derivations.display import latex
>>> print(latex(lemma.right))
s_k (\delta_{ki} - s_i)

In a notebook a lemma shows itself as an aligned block with the reasons beside the lines.
`step(expr, by=..., words="split the fraction")`: `words` is prose for the reader, shown
with the reasons; nothing checks it.

Symbols
-------
* `t.size(name, latex, least=0)`, `t.indices("i j", size)`; a size may be a number (2) or n + 1
* `t.array(name, *shape, latex=, values=)`: data.  With `values=K` its entries are whole
  numbers 1..K and may stand as an index: `Y = t.define("Y", [i, k], delta(k, c[i]))`
* `t.scalar(name)`; `t.define(name, [indices], body)`: `L = t.define("L", [], ...)[()]` is a number
* `t.unknown("L", Z)[()]`: an unknown smooth function of the array Z (an upstream loss);
  `G = t.define("G", [i, j], D(L, Z[i, j]))` gives its gradient a name
* `t.opaque("sigma", r"\sigma")`: an unknown smooth function, `sigma.prime` its derivative;
  `t.function("sigma", x, 1 / (1 + exp(-x)), latex=r"\sigma")`: a known one, x a scalar of t
* `exp`, `log`, `tanh`, `relu` (max(0, z)), `step` (1 where z >= 0), `Sum(body, i, j)`,
  `delta(i, j)`, `D(y, x[i])`, `matrix_product((X, "T"), G)[i, j]` for the entry (i, j) of XᵀG.
  If x is a *defined* array, D(y, x[i]) reads y as a function of x.

Reasons
-------
Without a reason a step must follow by algebra: ring, finite sums, fractions, exp, log.

* `delta_rule`: deltas collapse, δ_ii = 1
* `definition(s)`: of an array or function, in either direction
* `quotient_rule`, `product_rule`, `power_rule`, `linearity`: that rule alone;
  `differentiation`: all rules and the derivatives of the elementary functions
* `chain_rule(Z)`: y depends on x through the array Z (or several) and in no other way
* `by_lemma(lemma)`: its left side becomes its right side, for any indices; or, as a linear
  combination, `by_lemma(lemma, times=g[i], at={k: i}, over=[i])`
* `given(h)`: h from `t.hypothesis("rows sum to 1", Sum(Y[i, k], k), 1)` (used like a lemma),
  or h from `t.assume("away from the kink", z, "nonzero")` ("positive", "negative")
* `sign_cases(z)`: the cases z > 0, z < 0, z = 0 of a scalar; inside `step`, `same_sign` drops positive
  factors and `monotone` turns e^a - e^b into a - b
* `cases(k, i, same, other)`: from a lemma for k = i and one begun by `t.derive(e, distinct=(k, i))`

A reason that the step does not need is refused, so cite as few as possible.
`d.convention(D(relu(z), z), at={z: 0}, value=0)` states a value at a kink; it is no step.
`lemma.without(h)[0]` is a counterexample if the hypothesis h is needed;
`lemma.attempt(n, expr, by)` tries another step n and returns the refusal, with its numbers.

A derivation typed by a student
-------------------------------
`Problem(t, left, goal, by=(rule, ...))` states an equation without its lines;
`problem.check(["D(...)", "s_j - y_j"])` checks typed lines, each against the one before, by one rule each.

How to add one to the list
--------------------------
Write it in the module named like the NumPy module, as a function without arguments that
returns the lemma, and put `@theorem(chapter="softmax", code="activations.softmax_backward")`
above.  Its docstring is the sentence of the theorem; the names of function and lemma
agree.  Calling the function again returns the same lemma, so theorems cite each other by
calling: `jacobian = softmax()`.  `THEOREMS` holds them by name.  `python -m nnlib.derivations` prints the table,
`python -m nnlib.derivations softmax` only the theorems with that in their name.

The lock: `evaluator(lemma, [n, c, x, y])(np, sizes, W=W, G=G)` evaluates the proved right
side on data, axes in the order given (alphabetical if not); `sizes` maps names to numbers.
'''

from .derivation import (FalseStep, KernelBug, Refused, Theory, Unproved, Vacuous, by_lemma, cases, chain_rule,
                         definition, delta_rule, differentiation, given, linearity, monotone, power_rule, product_rule,
                         quotient_rule, same_sign, sign_cases)
from .language import D, Sum, delta, exp, log, matrix_product, relu, step, tanh
from .reference import evaluator
from .registry import THEOREMS, theorem

from . import activations, linear, losses, network, conv, training  # noqa: F401  (each registers its theorems)
from .challenge import challenge  # after the theorems
from .lines import Problem

__all__ = ["D", "FalseStep", "KernelBug", "Problem", "Refused", "Sum", "THEOREMS", "Theory", "Unproved", "Vacuous",
           "by_lemma", "cases", "chain_rule", "challenge", "definition", "delta", "delta_rule", "differentiation",
           "evaluator", "exp", "given", "linearity", "log", "matrix_product", "monotone", "power_rule", "product_rule",
           "quotient_rule", "relu", "same_sign", "sign_cases", "step", "tanh", "theorem"]
