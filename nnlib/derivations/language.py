"""The language in which theorems are written: expressions over indexed arrays.

An expression is an immutable tree and stays as its author wrote it: nothing is
evaluated, reordered or cancelled on the way.  (SymPy's own trees fold `1 + e - 1`
and capture indices in sums, so they are not used here.)

* `Size`   a symbolic size such as K: a whole number, 0 included unless `least` says more
* `Index`  an index such as k, which runs over 1, ..., its size
* `Array`  an array with a symbolic shape; `z[k]` is an entry.  An entry outside the
  shape is 0: this one convention makes padding work.  An array is data, or defined
  by an expression, or an unknown smooth function of other arrays (`depends`).
* `Sum(body, k)` runs over the whole range of k; `delta(i, j)` is 1 where i = j, else 0
* `D(y, x)` is the partial derivative of y by the entry x.  It never evaluates itself.
  If x is an entry of a defined array, y is read as a function of that array.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias, TypeVar

Kind = TypeVar("Kind")

DEEPEST = 100      # parts inside each other: what walks through them calls itself
DIGITS = 1000      # of a number


class Expr:
    """A node: its class and its arguments, compared by structure."""

    args: tuple[Any, ...]
    __array_ufunc__ = None       # or NumPy would multiply an expression into each entry of an array

    def __init__(self, *args: Any) -> None:
        self.args = args
        self._hash = hash((type(self).__name__, args))
        parts = (part for a in args for part in (a if isinstance(a, tuple) else (a,)))
        self.depth: int = 1 + max((part.depth for part in parts if isinstance(part, Expr)), default=0)
        if self.depth > DEEPEST:
            raise RecursionError(f"an expression has at most {DEEPEST} parts inside each other: "
                                 "give a name to an inner one, by t.define")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._hash == other._hash and self.args == other.args

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.args))})"

    def __add__(self, other: Operand) -> Expr:
        return Add(*terms(self), *terms(lift(other)))

    def __radd__(self, other: Operand) -> Expr:
        return lift(other) + self

    def __sub__(self, other: Operand) -> Expr:
        return Add(*terms(self), Neg(lift(other)))

    def __rsub__(self, other: Operand) -> Expr:
        return lift(other) - self

    def __neg__(self) -> Expr:
        return Neg(self)

    def __mul__(self, other: Operand) -> Expr:
        if isinstance(self, Neg):
            return Neg(self.args[0] * other)
        if isinstance(self, Num) and self.args[0] < 0:
            return Neg(Num(-self.args[0]) * other)
        return Mul(*factors(self), *factors(lift(other)))

    def __rmul__(self, other: Operand) -> Expr:
        return lift(other) * self

    def __truediv__(self, other: Operand) -> Expr:
        if isinstance(self, Neg):
            return Neg(self.args[0] / other)
        if isinstance(self, Num) and self.args[0] < 0:
            return Neg(Num(-self.args[0]) / other)
        return Div(self, lift(other))

    def __rtruediv__(self, other: Operand) -> Expr:
        return lift(other) / self

    def __pow__(self, n: int) -> Expr:
        if type(n) is not int or abs(n) > 999:
            raise TypeError(f"an exponent is a whole number of at most 3 digits (exp takes any), but {told(n)} came")
        return Pow(self, n)


class Num(Expr):
    """A rational number."""

    args: tuple[Fraction]


class Add(Expr):
    """A sum of two or more terms, in the order written."""

    args: tuple[Expr, ...]


class Neg(Expr):
    """Minus its argument."""

    args: tuple[Expr]


class Mul(Expr):
    """A product of two or more factors, in the order written."""

    args: tuple[Expr, ...]


class Div(Expr):
    """A fraction."""

    args: tuple[Expr, Expr]


class Pow(Expr):
    """A base and an exponent, a Python integer."""

    args: tuple[Expr, int]


class Sum(Expr):
    """`Sum(body, i, j)`: the sum over the whole ranges of the indices.

    >>> from nnlib.derivations import Theory
    >>> t = Theory("example")
    >>> K = t.size("K")
    >>> i, z = t.indices("i", K), t.array("z", K)
    >>> Sum(z[i]**2, i)
    Sum(Pow(Entry(z, (i,)), 2), i)
    """

    args: tuple[Expr, Index]

    def __init__(self, body: Operand, *indices: Index) -> None:
        if len(indices) > 1:
            body, indices = Sum(body, *indices[1:]), indices[:1]
        if not indices or not isinstance(indices[0], Index):
            raise TypeError("a sum runs over an index, such as j of Sum(z[j], j), but "
                            f"{told(indices[0]) if indices else 'none'} came")
        super().__init__(lift(body), indices[0])


class Delta(Expr):
    """Kronecker's delta of two index expressions."""

    args: tuple[Expr, Expr]


class Fun(Expr):
    """A function applied to an argument: `Fun(func, arg)`."""

    args: tuple[Func, Expr]


class Entry(Expr):
    """An entry of an array: `Entry(array, indices)`."""

    args: tuple[Array, tuple[Expr, ...]]


class D(Expr):
    """The partial derivative of an expression by an entry, not evaluated.

    >>> from nnlib.derivations import Theory
    >>> x = Theory("example").scalar("x")
    >>> D(x**2, x)
    D(Pow(Entry(x, ()), 2), Entry(x, ()))
    """

    args: tuple[Expr, Entry]

    def __init__(self, y: Operand, x: Expr) -> None:
        if not isinstance(x, Entry):
            raise TypeError(f"a derivative is taken by a scalar or an entry of an array, z[i], but {told(x)} came")
        if any(isinstance(n, D) for n in walk(lift(y))):
            raise ValueError("second derivatives are not part of the language")
        super().__init__(lift(y), x)


class MatrixProduct(Expr):
    """The entry (i, j) of a product of matrices: `(((X, True), (G, False)), i, j)` is (XᵀG)_ij."""

    args: tuple[tuple[tuple[Array, bool], ...], Expr, Expr]


class Size(Expr):
    """A symbolic size; `args` are its name, its LaTeX and its least value."""

    args: tuple[str, str, int]

    def __repr__(self) -> str:
        return self.args[0]


class Index(Expr):
    """An index; `args` are its name and the size of its range."""

    args: tuple[str, Expr]

    @property
    def size(self) -> Expr:
        return self.args[1]

    def with_size(self, size: Expr) -> Index:
        return Index(self.args[0], size)

    def __repr__(self) -> str:
        return self.args[0]


class Func:
    """A function of one number: built in, opaque (smooth, unknown), or defined by `definition`."""

    def __init__(self, name: str, latex: str, opaque: bool = False, definition: tuple[Entry, Expr] | None = None,
                 order: int = 0) -> None:
        self.name, self.latex, self.opaque, self.order = name, latex, opaque, order
        self.definition = definition
        # None unless the function is opaque, as all are whose slope is asked for
        self.prime: Func | Any = Func(name + "'", latex + "'", True, None, 1) if opaque and not order else None

    @property
    def built_in(self) -> bool:
        return not self.opaque and not self.definition

    def __eq__(self, other: object) -> bool:
        """True where both are declared alike, as for arrays."""
        return self is other or isinstance(other, Func) and not self.built_in and not other.built_in and \
            all(getattr(self, a) == getattr(other, a) for a in ("name", "latex", "opaque", "definition", "order"))

    def __hash__(self) -> int:
        return hash(self.name)

    def __call__(self, argument: Operand) -> Fun:
        return Fun(self, lift(argument))

    def __repr__(self) -> str:
        return self.name


class Array:
    """An array: name, LaTeX, shape, and what it is (see the module's head)."""

    def __init__(self, name: str, latex: str, shape: Iterable[Operand],
                 definition: tuple[tuple[Index, ...], Expr] | None = None, depends: tuple[Array, ...] | None = None,
                 values: Expr | None = None) -> None:
        self.name, self.latex, self.shape = name, latex, tuple(map(as_size, shape))
        self.definition, self.depends, self.values = definition, depends, values

    def same_as(self, other: Array) -> bool:
        """True where both are declared alike: a name alone is no proof of that."""
        mine, theirs = ((a.name, a.latex, a.shape, a.definition, a.values) for a in (self, other))
        return self is other or (mine == theirs and len(self.depends or ()) == len(other.depends or ())
                                 and all(a.same_as(b) for a, b in zip(self.depends or (), other.depends or ())))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Array) and self.same_as(other)

    def __hash__(self) -> int:
        return hash((self.name, self.shape))

    __iter__ = __array_ufunc__ = None      # by its items, an array would be a list without an end

    def __getitem__(self, indices: Operand | tuple[Operand, ...]) -> Entry:
        indices = indices if isinstance(indices, tuple) else (indices,)
        if len(indices) != len(self.shape):
            raise IndexError(f"{self.name} has {len(self.shape)} {'index' if len(self.shape) == 1 else 'indices'}, "
                             f"but {told(indices)} came")
        return Entry(self, tuple(map(as_index, indices)))

    def __call__(self) -> Entry:
        return self[()]

    def __repr__(self) -> str:
        return self.name


def told(x: object) -> str:
    """What came, for a message: a part of its text, and its type where Python's own text does not show it."""
    try:
        text = repr(x)[:60]
    except ValueError:           # a number of thousands of digits has no text
        return f"a very long {type(x).__name__}"
    return text if type(x).__module__ == "builtins" else f"{text} ({type(x).__name__})"


def check(value: object, kind: type[Kind] | tuple[type[Kind], ...], words: str) -> Kind:
    """Return the value if it is of this kind, or raise: `words` say what is expected."""
    if not isinstance(value, kind):
        raise TypeError(f"{words}, but {told(value)} came")
    return value


def check_all(values: object, kind: type[Kind], words: str) -> tuple[Kind, ...]:
    """Return the values as a tuple if all are of this kind, or raise."""
    found = tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else (values,)
    return tuple(check(value, kind, words) for value in found)


def lift(x: object) -> Expr:
    """Return a Python number as an expression, and an expression as it is."""
    if isinstance(x, Expr):
        return x
    if isinstance(x, (int, Fraction)) and not isinstance(x, bool):
        q = Fraction(x)
        if max(abs(q.numerator), q.denominator) >= 10 ** DIGITS:
            raise ValueError(f"a number has at most {DIGITS} digits, but {told(x)} came")
        return Num(q)
    raise TypeError(f"{told(x)} is neither an expression nor an exact number")


def whole(e: Expr) -> bool:
    """True for an expression that is a whole number at sight."""
    if isinstance(e, Num):
        return e.args[0].denominator == 1
    if isinstance(e, Entry):
        return e.args[0].values is not None
    return isinstance(e, (Index, Size)) or isinstance(e, (Add, Neg, Mul)) and all(map(whole, e.args))


def as_index(x: object) -> Expr:
    """Return an index expression, or raise: it is a whole number, made of indices, sizes and numbers."""
    e = lift(x)
    if not whole(e):
        raise TypeError(f"an index is made of indices, sizes and whole numbers, such as i or l + 1, but {told(x)} came")
    return e


def as_size(x: object) -> Expr:
    """Return the size of an axis, or raise: it is a whole number, made of sizes and numbers."""
    e = lift(x)
    numbers = whole(e) and not any(isinstance(part, (Index, Entry)) for part in walk(e))
    if not numbers or isinstance(e, Num) and e.args[0] < 0:
        raise TypeError(f"a size is made of sizes and whole numbers, such as n or n + 1, but {told(x)} came")
    return e


def terms(e: Expr) -> tuple[Expr, ...]:
    return e.args if isinstance(e, Add) else (e,)


def factors(e: Expr) -> tuple[Expr, ...]:
    return e.args if isinstance(e, Mul) else (e,)


def delta(i: Operand, j: Operand) -> Delta:
    """Kronecker's delta: 1 where the indices are equal, else 0.

    >>> from nnlib.derivations import Theory
    >>> t = Theory("example")
    >>> i, j = t.indices("i j", t.size("K"))
    >>> delta(i, j)
    Delta(i, j)
    """
    return Delta(as_index(i), as_index(j))


def matrix_product(*matrices: Array | tuple[Array, str]) -> Entries:
    """`matrix_product((X, "T"), G)[a, b]` is the entry (a, b) of XᵀG.

    >>> from nnlib.derivations import Theory
    >>> from nnlib.derivations.display import latex
    >>> t = Theory("example")
    >>> m, n, k = t.size("m"), t.size("n"), t.size("k")
    >>> i, j = t.indices("i", n), t.indices("j", k)
    >>> print(latex(matrix_product((t.array("X", m, n), "T"), t.array("G", m, k))[i, j]))
    (X^{\\top} G)_{ij}
    """
    pairs: list[tuple[Array, bool]] = []
    for m in matrices or (None,):
        turned = isinstance(m, tuple) and len(m) == 2 and m[1] == "T"
        a = m[0] if isinstance(m, tuple) and turned else m
        if not isinstance(a, Array) or len(a.shape) != 2:
            raise TypeError('a product of matrices is made of arrays of 2 axes, such as X, or (X, "T") for XᵀG, '
                            f"but {told(a)} came")
        pairs.append((a, turned))
    shapes = [a.shape[::-1] if turned else a.shape for a, turned in pairs]
    if any(a[1] != b[0] for a, b in zip(shapes, shapes[1:])):
        raise ValueError("matrices that follow each other do not fit: "
                         f"their shapes are {', '.join(map(repr, shapes))}")
    return Entries(tuple(pairs))


class Entries:
    """A product of matrices, before it is asked for an entry."""

    def __init__(self, pairs: tuple[tuple[Array, bool], ...]) -> None:
        self.pairs = pairs

    __iter__ = None

    def __getitem__(self, ij: tuple[Operand, Operand]) -> MatrixProduct:
        if not isinstance(ij, tuple) or len(ij) != 2:
            raise TypeError(f"an entry of a product of matrices has 2 indices, but {told(ij)} came")
        return MatrixProduct(self.pairs, *map(as_index, ij))


Operand: TypeAlias = Expr | int | Fraction
Symbol: TypeAlias = Size | Index | Array | Func

exp = Func("exp", r"\exp")
log = Func("log", r"\log")
tanh = Func("tanh", r"\tanh")
relu = Func("relu", r"\max")      # max(0, z)
step = Func("step", r"\mathbf{1}")  # 1 where z >= 0, else 0


def children(e: Expr) -> tuple[Expr, ...]:
    """The sub-expressions of a node, in order."""
    if isinstance(e, Entry):
        return e.args[1]
    if isinstance(e, Index):
        return ()          # its size says where it runs; it is no part of its value
    return tuple(a for a in e.args if isinstance(a, Expr))


def with_children(e: Expr, new: Iterable[Expr]) -> Expr:
    """The same node with other sub-expressions."""
    if isinstance(e, Entry):
        return Entry(e.args[0], tuple(new))
    if isinstance(e, Index):
        return e
    new = iter(new)
    args = [next(new) if isinstance(a, Expr) else a for a in e.args]
    return type(e)(*args)


def walk(e: Expr) -> Iterator[Expr]:
    yield e
    for c in children(e):
        yield from walk(c)


def free_indices(e: Expr) -> frozenset[Index]:
    """The indices of an expression that no sum in it binds."""
    if isinstance(e, Index):
        return frozenset([e])
    found = frozenset().union(*map(free_indices, children(e)))
    return found - {e.args[1]} if isinstance(e, Sum) else found


def replace_indices(e: Expr, mapping: Mapping[Index, Expr]) -> Expr:
    """Put expressions for free indices; a bound index is renamed before it can capture one."""
    if isinstance(e, Index):
        return mapping.get(e, e)
    if isinstance(e, Sum):
        body, j = e.args
        mapping = {i: v for i, v in mapping.items() if i != j}
        if any(j in free_indices(v) for v in mapping.values()):
            taken = free_indices(body).union(*map(free_indices, mapping.values()))
            new = fresh(j, taken)
            body, j = replace_indices(body, {j: new}), new
        return Sum(replace_indices(body, mapping), j)
    return with_children(e, [replace_indices(c, mapping) for c in children(e)])


def fresh(j: Index, taken: Iterable[Index]) -> Index:
    """An index with the range of j and a name that none of `taken` has."""
    names, new = {t.args[0] for t in taken}, j
    while new.args[0] in names:
        new = Index(new.args[0] + "'", j.size)
    return new


def arrays_of(e: Expr) -> dict[str, Array]:
    """All arrays an expression speaks of, also through definitions and dependence."""
    found, todo = {}, [e]
    while todo:
        for node in walk(todo.pop()):
            new = []
            if isinstance(node, Entry):
                new = [node.args[0]]
            elif isinstance(node, MatrixProduct):
                new = [a for a, _ in node.args[0]]
            elif isinstance(node, Fun) and node.args[0].definition:
                todo.append(node.args[0].definition[1])
            for a in new:
                if a.name not in found:
                    found[a.name] = a
                    todo += [a.definition[1]] if a.definition else []
                    todo += [d[tuple(Index("?", n) for n in d.shape)] for d in a.depends or ()]
    return found
