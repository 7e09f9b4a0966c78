"""The convolution of `conv2d`, computed one row of pixels at a time by matrix products.

The plain function gathers every window into one large array: p·q copies of the image, most of them in
steps of a few numbers. Here the arrays lie in memory as (h, c, w, m), the sample last. Then the q
horizontal shifts of the image, B[r, v, c, s, i] = X_ic(r)(s+v), are copied in long pieces, and what a
row r of the output needs, the p rows B[r] … B[r+p−1], is already one matrix of p·q·c rows:

    Y[r] = W B[r:r+p],    dW = Σ_r dY[r] B[r:r+p]ᵀ,    dB[r] = Wᵀ dY[r−p+1:r+1],

without a copy for the vertical shifts, and dX adds up the q shifts of dB. The page `cost` derives and
measures it; the tests hold it to `conv2d` and `conv2d_backward`. Results are views in the usual order
of the axes, (m, c, h, w); what comes next computes on them as they lie.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from .checks import in_range, numbers
from .conv import checked_kernels
from .kinds import Array, ArrayLike, DTypeLike, InputGradient, Shape


class Rows:
    """Convolutions of one shape, in arrays that are made once and written again by each call.

    >>> rows = Rows((1, 1, 1, 3), (1, 1, 1, 2), 0, np.float64)  # an image of 1 × 3 pixels, a kernel of 1 × 2
    >>> rows.forward(np.array([[[[1.0, 2.0, 4.0]]]]), np.array([[[[1.0, -1.0]]]]))
    array([[[[-1., -2.]]]])
    """

    def __init__(self, shape: Shape, kernels: Shape, padding: int, dtype: DTypeLike) -> None:
        m, c, h, w = shape
        k, _, p, q = kernels
        self.kernels, self.padding, self.dtype = kernels, padding, dtype
        self.framed = np.zeros((h + 2 * padding, c, w + 2 * padding, m), dtype)  # its frame stays 0
        rows, columns = h + 2 * padding - p + 1, w + 2 * padding - q + 1
        self.B = np.empty((h + 2 * padding, q, c, columns, m), dtype)
        self.Y = np.empty((rows, k, columns, m), dtype)
        self.D = np.empty_like(self.Y)
        self.out = _samples_first(self.Y)

    def forward(self, X: Array, W: Array, b: Array | None = None) -> Array:
        """Return Y = conv2d(X, W, b, padding).

        >>> rows = Rows((1, 1, 1, 3), (1, 1, 1, 2), 0, np.float64)
        >>> rows.forward(np.array([[[[1.0, 2.0, 4.0]]]]), np.array([[[[1.0, 1.0]]]]), np.array([10.0]))
        array([[[[13., 16.]]]])
        """
        k, c, p, q = self.kernels
        self.shift(X)
        W = W.transpose(0, 2, 3, 1).reshape(k, p * q * c)
        for r, Y in enumerate(self.Y):
            np.matmul(W, _matrix(self.B[r:r + p], p * q * c), out=_matrix(Y, k))
            if b is not None:
                Y += b[:, None, None]
        return self.out

    def shift(self, X: Array) -> None:
        """Write the horizontal shifts of X into B.

        >>> rows = Rows((1, 1, 1, 3), (1, 1, 1, 2), 0, np.float64)
        >>> rows.shift(np.array([[[[1.0, 2.0, 4.0]]]]))
        >>> rows.B[0, 0].ravel(), rows.B[0, 1].ravel()
        (array([1., 2.]), array([2., 4.]))
        """
        P, (h, _, w) = self.padding, self.framed.shape[:3]
        copy_samples_last(X, self.framed[P:h - P, :, P:w - P])
        for v in range(self.kernels[3]):
            self.B[:, v] = self.framed[:, :, v:v + self.B.shape[3]]

    def make_input_gradient(self) -> Array:
        """Return an array for dX, which lies in memory as the rows do.

        >>> Rows((5, 2, 8, 9), (4, 2, 3, 3), 0, np.float64).make_input_gradient().shape
        (5, 2, 8, 9)
        """
        h, c, w, m = self.framed.shape
        return _samples_first(np.empty((h - 2 * self.padding, c, w - 2 * self.padding, m), self.dtype))

    def backward(self, dY: Array, W: Array, dX: Array | None, dW: Array, db: Array | None) -> None:
        """Write dX, dW and db for the X that was shifted last; dX and db may be None.

        >>> rows = Rows((1, 1, 1, 3), (1, 1, 1, 2), 0, np.float64)
        >>> rows.shift(np.array([[[[1.0, 2.0, 3.0]]]]))
        >>> dX, dW, db = rows.make_input_gradient(), np.empty((1, 1, 1, 2)), np.empty(1)
        >>> rows.backward(np.array([[[[1.0, 0.0]]]]), np.array([[[[1.0, -1.0]]]]), dX, dW, db)
        >>> dX, dW, db
        (array([[[[ 1., -1.,  0.]]]]), array([[[[1., 2.]]]]), array([1.]))
        """
        k, c, p, q = self.kernels
        D = dY.transpose(2, 1, 3, 0)
        if not D.flags.c_contiguous:
            copy_samples_last(dY, self.D)
            D = self.D
        # the long side of dW first: with the short side first the matrix library may need twice the time
        by_row: Any = sum(_matrix(self.B[r:r + p], p * q * c) @ _matrix(d, k).T for r, d in enumerate(D))
        dW[...] = by_row.reshape(p, q, c, k).transpose(3, 2, 0, 1)
        if db is not None:
            np.sum(D, axis=(0, 2, 3), out=db)
        if dX is not None:
            self._input_gradient(D, W, dX.transpose(2, 1, 3, 0))

    def _input_gradient(self, D: Array, W: Array, dX: Array) -> None:
        k, c, p, q = self.kernels
        P, (columns, m) = self.padding, D.shape[2:]
        dB, row = np.empty((q, c, columns, m), self.dtype), np.empty((c, columns + q - 1, m), self.dtype)
        # row r of the image meets row u of the kernel in row r − u of the output
        W = W[:, :, ::-1].transpose(3, 1, 2, 0).reshape(q * c, p, k)
        for r in range(P, P + len(dX)):
            first, end = max(0, r - p + 1), min(len(D), r + 1)
            at = first - (r - p + 1)
            part = W[:, at:at + end - first].reshape(q * c, -1)
            np.matmul(part, _matrix(D[first:end], part.shape[1]), out=_matrix(dB, q * c))
            row[...] = 0
            for v in range(q):
                row[:, v:v + columns] += dB[v]
            dX[r - P] = row[:, P:row.shape[1] - P]


def _matrix(rows: Array, height: int) -> Array:
    return rows.reshape(height, -1)


def _samples_first(rows: Array) -> Array:
    return rows.transpose(3, 1, 0, 2)


def copy_samples_last(images: Array, rows: Array) -> None:
    """Write images (m, c, h, w) into rows (h, c, w, m).

    >>> rows = np.empty((1, 1, 2, 2))
    >>> copy_samples_last(np.array([[[[1.0, 2.0]]], [[[3.0, 4.0]]]]), rows)
    >>> rows
    array([[[[1., 3.],
             [2., 4.]]]])
    """
    # samples that lie 4096 bytes apart, or a multiple of it, share a few places of the cache: sixteen fit at a time
    few = 16 if images.strides[0] % 4096 == 0 else len(images)
    images = images.transpose(2, 1, 3, 0)
    for i in range(0, images.shape[3], few):
        rows[..., i:i + few] = images[..., i:i + few]


@in_range
def conv2d_by_rows(X: ArrayLike, W: ArrayLike, b: ArrayLike | None = None, padding: int = 0) -> Array:
    """Return `conv2d(X, W, b, padding)`, computed row by row.

    >>> conv2d_by_rows([[[[1.0, 2.0, 3.0]]]], [[[[1.0, -1.0]]]])
    array([[[[-1., -1.]]]])
    """
    X, W, padding = checked_kernels(X, W, padding)
    b = None if b is None else numbers("b", b, shape=W.shape[:1])
    dtype = np.result_type(X, W) if b is None else np.result_type(X, W, b)
    return Rows(X.shape, W.shape, padding, dtype).forward(X, W, b)


@in_range
def conv2d_by_rows_backward(dY: ArrayLike, X: ArrayLike, W: ArrayLike, padding: int = 0,
                            input_gradient: bool = True) -> tuple[InputGradient, Array, Array]:
    """Return `conv2d_backward(dY, X, W, padding, input_gradient)`, computed row by row.

    >>> conv2d_by_rows_backward([[[[1.0, 0.0]]]], [[[[1.0, 2.0, 3.0]]]], [[[[1.0, -1.0]]]])
    (array([[[[ 1., -1.,  0.]]]]), array([[[[1., 2.]]]]), array([1.]))
    """
    X, W, padding = checked_kernels(X, W, padding)
    dY = numbers("dY", dY)
    rows = Rows(X.shape, W.shape, padding, np.result_type(dY, X, W))
    numbers("dY", dY, shape=rows.out.shape)
    dX = rows.make_input_gradient() if input_gradient else None
    dW, db = np.empty(W.shape, rows.dtype), np.empty(len(W), rows.dtype)
    rows.shift(X)
    rows.backward(dY, W, dX, dW, db)
    return dX, dW, db
