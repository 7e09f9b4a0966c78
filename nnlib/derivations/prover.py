"""The prover: rewrites both sides by the cited reasons, then compares normal forms.

A rule that is not cited is not applied.  So a step that is true but does not follow
from its reasons is not proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from .language import (Add, Array, D, Div, Entry, Expr, Fun, Func, Index, MatrixProduct, Mul, Neg, Num, Pow, Size, Sum,
                       children, delta, exp, free_indices, fresh, log, relu, replace_indices, step, tanh, walk,
                       with_children)
from .normal import Ring, Undecided, minus, plus, scaled

Use: TypeAlias = tuple[str, Any]  # what a reason allows: a kind, and what it is about

RULES = {
    "quotient": {"quotient"}, "product": {"product"}, "power": {"power"}, "linearity": {"linearity"},
    "differentiation": {"quotient", "product", "power", "linearity", "function", "entry"},
}


# --- derivatives --------------------------------------------------------------

def depends(e: Expr, array: Array, cut: Sequence[Array] = ()) -> bool:
    """True where an expression may change with the entries of `array`, the arrays in `cut` held fixed."""
    if isinstance(e, MatrixProduct):
        return any(depends_array(a, array, cut) for a, _ in e.args[0])
    if isinstance(e, Entry) and depends_array(e.args[0], array, cut):
        return True
    if isinstance(e, Fun) and e.args[0].definition and depends(e.args[0].definition[1], array, cut):
        return True
    if isinstance(e, D) and e.args[1].args[0] not in cut and depends_array(e.args[1].args[0], array, cut):
        return True
    return any(depends(c, array, cut) for c in children(e))


def depends_array(a: Array, array: Array, cut: Sequence[Array]) -> bool:
    if a == array:
        return True
    if a in cut:
        return False
    if a.definition:
        return depends(a.definition[1], array, cut)
    return any(depends_array(b, array, cut) for b in a.depends or ())


def differentiate(e: Expr, rules: set[str], smooth: Callable[[Expr], bool]) -> Expr:
    """Apply the cited rules to every derivative in e; `smooth(u)` says that no kink is at u."""
    if isinstance(e, D):
        return derivative(*e.args, rules, smooth)
    return with_children(e, [differentiate(c, rules, smooth) for c in children(e)])


def derivative(y: Expr, x: Entry, rules: set[str], smooth: Callable[[Expr], bool]) -> Expr:
    def d(u: Expr) -> Expr:
        return derivative(u, x, rules, smooth)
    kind = type(y)
    if "entry" in rules and not depends(y, x.args[0]):
        return Num(0)
    if "entry" in rules and kind is Entry and y.args[0] == x.args[0]:
        return product_of([delta(i, j) for i, j in zip(y.args[1], x.args[1])])
    if "linearity" in rules:
        if kind in (Add, Neg):
            return with_children(y, [d(c) for c in y.args])
        if kind is Sum:
            body, j = y.args
            if j in free_indices(x):           # the sum must not capture an index of x
                new = fresh(j, free_indices(body) | free_indices(x))
                body, j = replace_indices(body, {j: new}), new
            return Sum(d(body), j)
        if kind is Div and not depends(y.args[1], x.args[0]):
            return Div(d(y.args[0]), y.args[1])
        if kind is Mul:
            still = [f for f in y.args if not depends(f, x.args[0])]
            if still:
                moving = [f for f in y.args if f not in still]
                return product_of([*still, d(product_of(moving))])
    if "quotient" in rules and kind is Div:
        u, v = y.args
        return Div(Add(Mul(d(u), v), Neg(Mul(u, d(v)))), Pow(v, 2))
    if "product" in rules and kind is Mul:
        return Add(*[product_of([*y.args[:n], d(f), *y.args[n + 1:]]) for n, f in enumerate(y.args)])
    if "power" in rules and kind is Pow:
        u, n = y.args
        return product_of([Num(n), Pow(u, n - 1), d(u)])
    if "function" in rules and kind is Fun:
        slope = derivative_of_function(y.args[0], y.args[1], smooth)
        if slope is not None:
            return Mul(slope, d(y.args[1]))
    if isinstance(y, MatrixProduct) and rules & {"entry"}:
        return d(written_out(y))
    return D(y, x)


def derivative_of_function(f: Func, u: Expr, smooth: Callable[[Expr], bool]) -> Expr | None:
    """f′(u), or None where there is no rule, or where u may sit on a kink."""
    if f is exp:
        return exp(u)
    if f is log:
        return Div(Num(1), u)
    if f is tanh:
        return Add(Num(1), Neg(Pow(tanh(u), 2)))
    if f is relu and smooth(u):
        return step(u)
    if f is step and smooth(u):
        return Num(0)
    return f.prime(u) if f.opaque and f.prime else None


def product_of(factors: Iterable[Expr]) -> Expr:
    factors = [f for f in factors if f != Num(1)]
    return Mul(*factors) if len(factors) > 1 else factors[0] if factors else Num(1)


def written_out(e: MatrixProduct) -> Expr:
    """The entry of a product of two or more matrices as sums."""
    (first, turned), *rest = e.args[0]
    row, column = e.args[1:]
    if not rest:
        return first[column, row] if turned else first[row, column]
    taken = free_indices(row) | free_indices(column)
    j = fresh(Index("r", first.shape[0 if turned else 1]), taken)
    return Sum(Mul(first[j, row] if turned else first[row, j],
                   written_out(MatrixProduct(tuple(rest), j, column))), j)


def chain(e: Expr, through: Sequence[Array]) -> Expr:
    """∂y/∂x = Σ ∂y/∂u ∂u/∂x over the entries u of the named intermediates.

    Applied where y depends on x through them and in no other way; they must not
    depend on each other.
    """
    if not isinstance(e, D):
        return with_children(e, [chain(c, through) for c in children(e)])
    y, x = e.args
    if x.args[0] in through or (isinstance(y, Entry) and y.args[0] in through):
        return e
    if depends(y, x.args[0], cut=through) or not any(depends(y, u) for u in through):
        return e
    parts = []
    for u in through:
        if any(v != u and depends_array(u, v, ()) for v in through):
            raise Undecided(f"{u.name} depends on another intermediate")
        indices = []
        for n, size in enumerate(u.shape):
            indices.append(fresh(Index(f"c{n}", size), free_indices(e)))
        product = Mul(D(y, u[tuple(indices)]), D(u[tuple(indices)], x))
        parts.append(Sum(product, *indices) if indices else product)
    return Add(*parts) if len(parts) > 1 else parts[0]


# --- definitions, equations ---------------------------------------------------

def unfold(e: Expr, what: Any) -> Expr:
    """Replace entries of a defined array, or values of a defined function, by the definition."""
    if isinstance(e, D) and e.args[1].args[0] is what:
        return e                       # y is read as a function of this array: nothing to unfold
    if isinstance(e, MatrixProduct) and any(a is what for a, _ in e.args[0]):
        return unfold(written_out(e), what)
    if isinstance(e, Entry) and e.args[0] is what and what.definition:
        params, body = what.definition
        if any(not inside(i, n) for i, n in zip(e.args[1], what.shape)):
            return e                   # outside its range the entry is 0, whatever the formula says
        return replace_indices(body, dict(zip(params, e.args[1])))
    new = [unfold(c, what) for c in children(e)]
    if isinstance(e, D) and any(isinstance(n, D) for n in walk(new[0])):
        return e                       # there is no second derivative in the language
    e = with_children(e, new)
    if isinstance(e, Fun) and e.args[0] == what:
        parameter, body = what.definition
        return put_for(body, parameter, e.args[1])
    return e


def inside(i: Expr, size: Expr) -> bool:
    """True where an index expression evidently lies in 1..size."""
    if isinstance(i, Num):
        return isinstance(size, Num) and 1 <= i.args[0] <= size.args[0]
    base, shift = (i.args[0], i.args[1].args[0]) if isinstance(i, Add) and len(i.args) == 2 \
        and isinstance(i.args[1], Num) else (i, 0)
    if isinstance(base, Index) and isinstance(size, Add) and size.args[:-1] == (base.size,) \
            and isinstance(size.args[-1], Num):
        return shift in range(int(size.args[-1].args[0]) + 1)     # l and l + 1 where l runs over 1..L, in 1..L+1
    return (isinstance(i, Index) and i.size == size) or (isinstance(i, Entry) and i.args[0].values == size)


def put_for(e: Expr, entry: Entry, value: Expr) -> Expr:
    """Put an expression for a scalar; a definition's body is closed, so nothing can be captured
    but indices of `value` by sums of the body: those are renamed."""
    if e == entry:
        return value
    if isinstance(e, Sum) and e.args[1] in free_indices(value):
        body, j = e.args
        new = fresh(j, free_indices(body) | free_indices(value))
        e = Sum(replace_indices(body, {j: new}), new)
    return with_children(e, [put_for(c, entry, value) for c in children(e)])


def match(pattern: Expr, e: Expr, found: dict[Index, Expr], free: frozenset[Index],
          bound: tuple[tuple[Index, Index], ...] = ()) -> dict[Index, Expr] | None:
    """Find index expressions for the `free` indices of a pattern that turn it into e, or None."""
    if isinstance(pattern, Index):
        partner = dict(bound).get(pattern)
        if partner is not None or pattern not in free:
            return found if e == (partner or pattern) else None
        if any(b in free_indices(e) for _, b in bound) or not inside(e, pattern.size):
            return None
        return found if found.setdefault(pattern, e) == e else None
    if type(pattern) is not type(e):
        return None
    mine, theirs = children(pattern), children(e)
    if len(mine) != len(theirs):
        return None
    if [a for a in pattern.args if not isinstance(a, (Expr, tuple))] != \
            [a for a in e.args if not isinstance(a, (Expr, tuple))]:
        return None
    if isinstance(e, (Num, Size)):
        return found if pattern == e else None
    if isinstance(e, MatrixProduct) and pattern.args[0] != e.args[0]:
        return None
    if isinstance(e, Sum):
        if pattern.args[1].size != e.args[1].size:
            return None
        bound = (*(b for b in bound if b[0] != pattern.args[1]), (pattern.args[1], e.args[1]))
        mine, theirs = mine[:1], theirs[:1]
    for p, c in zip(mine, theirs):
        if match(p, c, found, free, bound) is None:
            return None
    return found


def rewrite(e: Expr, left: Expr, right: Expr, into_derivatives: bool = False) -> Expr:
    """Replace every instance of `left` by `right`.  An equation is no identity of functions:
    it is not applied inside a derivative, unless it holds all around the point."""
    found = match(left, e, {}, free_indices(left) | free_indices(right))
    if found is not None:
        return replace_indices(right, found)
    if isinstance(e, D) and not into_derivatives:
        return e
    if isinstance(e, D):
        return D(rewrite(e.args[0], left, right, True), e.args[1])
    return with_children(e, [rewrite(c, left, right, into_derivatives) for c in children(e)])


# --- the verdict --------------------------------------------------------------

def prove(a: Expr, b: Expr, reasons: Sequence[Use] = (), sizes: Iterable[Expr] = ()) -> bool:
    """Return True where a = b follows from the reasons, by the rules of the normal form.

    A reason is a pair (kind, data); see `derivation`.
    """
    try:
        return all(proved(*case, sizes) for case in sign_cases(a, b, reasons))
    except Undecided:
        return False


def sign_cases(a: Expr, b: Expr, reasons: Sequence[Use]) -> list[tuple[Expr, Expr, Sequence[Use]]]:
    """The cases z > 0, z < 0 and z = 0 of a step, if they are cited; else the step itself."""
    cited = [d for k, d in reasons if k == "sign"]
    if not cited:
        return [(a, b, reasons)]
    if len(cited) > 1 or any(isinstance(n, D) for e in (a, b) for n in walk(e)):
        raise Undecided("three cases for one number, and no derivatives")
    (z, above, below), = cited
    rest = [r for r in reasons if r[0] != "sign"]
    return [(a, b, [*rest, ("assumption", above)]), (a, b, [*rest, ("assumption", below)]),
            (put_for(a, z, Num(0)), put_for(b, z, Num(0)), rest)]


def proved(a: Expr, b: Expr, reasons: Sequence[Use], sizes: Iterable[Expr]) -> bool:
    kinds = [k for k, _ in reasons]
    assumed = [d for k, d in reasons if k == "assumption"]
    rules = set().union(*(RULES.get(k, ()) for k in kinds))
    rules -= set().union(*(RULES[d] for k, d in reasons if k == "without"))
    kept = {n.args[1].size for n in walk(b) if isinstance(n, Sum)}
    free = {i.size for i in free_indices(a) | free_indices(b)}
    ring = Ring(delta="delta" in kinds, keep=kept, inhabited=free | set(sizes),
                distinct=[(d.left, d.right) for d in assumed if d.relation == "distinct"],
                positive=[e for d in assumed for e in d.positives()],
                nonzero=[d.left for d in assumed if d.relation == "nonzero"], signs=kinds)

    def smooth(u: Expr) -> bool:
        return any(d.left is not None and d.relation != "distinct"
                   and match(d.left, u, {}, free_indices(d.left)) is not None for d in assumed)

    left, right = (rewritten(e, reasons, rules, smooth) for e in (a, b))
    difference = minus(ring.of(left), ring.of(right))
    multiples = [ring.of(m) for k, d in reasons if k == "multiple" for m in [d]]
    if not multiples:
        return ring.vanishes(difference)
    total = plus(*multiples)
    return any(ring.vanishes(plus(difference, scaled(total, sign))) for sign in (1, -1))


def rewritten(e: Expr, reasons: Sequence[Use], rules: set[str], smooth: Callable[[Expr], bool]) -> Expr:
    for kind, data in reasons:
        if kind == "definition":
            e = unfold(e, data)
    for kind, data in reasons:
        if kind == "chain":
            e = chain(e, data)
    for kind, data in reasons:
        if kind == "assumption" and data.relation in ("positive", "negative"):
            above = data.relation == "positive"
            e = rewrite(e, relu(data.left), data.left if above else Num(0), True)
            e = rewrite(e, step(data.left), Num(1 if above else 0), True)
            e = rewrite(e, relu(-data.left), Num(0) if above else -data.left, True)
            e = rewrite(e, step(-data.left), Num(0 if above else 1), True)
    if rules:
        e = differentiate(e, rules, smooth)
    for kind, data in reasons:
        if kind == "equation":
            e = rewrite(e, *data)
    return e


def conditions(e: Expr, reasons: Sequence[Use] = (), sizes: Iterable[Expr] = ()) -> list[tuple[str, Expr]]:
    """What must hold for e to be defined and is not evident: pairs (relation, expression)."""
    assumed = [d for k, d in reasons if k == "assumption"]
    for kind, data in reasons:
        if kind == "definition":
            e = unfold(e, data)
    found = []
    positive = [p for d in assumed for p in d.positives()]
    nonzero = [d.left for d in assumed if d.relation == "nonzero"]

    def look(node: Expr, known: set[Expr]) -> None:
        wanted = []
        if isinstance(node, Sum):
            known = known | {node.args[1].size}      # inside a sum its range is not empty
        if isinstance(node, Div):
            wanted = [("nonzero", u) for u in bases(node.args[1])]
        elif isinstance(node, Pow) and node.args[1] < 0:
            wanted = [("nonzero", u) for u in bases(node.args[0])]
        elif isinstance(node, Fun) and node.args[0] is log:
            wanted = [("positive", node.args[1])]
        ring = Ring(inhabited=known, positive=positive, nonzero=nonzero)
        for relation, u in wanted:
            evident = ring.is_nonzero if relation == "nonzero" else ring.positive
            if not evident(ring.of(u)) and (relation, u) not in found:
                found.append((relation, u))
        for c in children(node):
            look(c, known)

    look(e, {i.size for i in free_indices(e)} | set(sizes))
    return found


def bases(e: Expr) -> list[Expr]:
    """The factors of a denominator, without their powers."""
    if isinstance(e, Mul):
        return [u for f in e.args for u in bases(f)]
    return bases(e.args[0]) if isinstance(e, Pow) else [e]
