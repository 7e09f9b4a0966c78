"""Two-dimensional convolution on batches of images with many channels.

As in the networks' literature, "convolution" here slides the kernel without flipping it
(mathematicians say cross-correlation). Images are (m, c, h, w): sample, channel, row, column.
Kernels are (k, c, p, q): output channel, input channel, row, column.
"""
from __future__ import annotations

import numpy as np

from .checks import in_range, numbers, whole
from .kinds import Array, ArrayLike, InputGradient, Shape


@in_range
def conv2d(X: ArrayLike, W: ArrayLike, b: ArrayLike | None = None, padding: int = 0) -> Array:
    """Return Y_iors = Σ_cuv W_ocuv X_ic(r+u−P)(s+v−P) + b_o, with X zero outside the image.

    X has shape (m, c, h, w), W (k, c, p, q), b (k,), Y (m, k, h + 2P − p + 1, w + 2P − q + 1),
    where P is `padding`; o, r, s, u, v count from 0. A kernel of 2P + 1 rows and columns keeps
    the size of the image. Raises ValueError where shapes do not fit. Source: S4-35 … S4-37.

    >>> conv2d([[[[1.0, 2.0, 3.0]]]], [[[[1.0, -1.0]]]])
    array([[[[-1., -1.]]]])
    """
    X, W, padding = checked_kernels(X, W, padding)
    Y = _correlate(_pad(X, padding), W)
    return Y if b is None else Y + numbers("b", b, shape=W.shape[:1])[:, None, None]


@in_range
def conv2d_backward(dY: ArrayLike, X: ArrayLike, W: ArrayLike, padding: int = 0,
                    input_gradient: bool = True) -> tuple[InputGradient, Array, Array]:
    """Return (dX, dW, db) for Y = conv2d(X, W, b, padding).

    dW_ocuv = Σ_irs dY_iors X_ic(r+u−P)(s+v−P), db_o = Σ_irs dY_iors, and dX is the convolution
    of dY with the kernels flipped in both directions. Shapes are those of X, W and b. With
    `input_gradient=False` dX is None: where X is data, nobody wants its gradient (S2-80).
    Source: S4-38, S4-39.

    >>> dX, dW, db = conv2d_backward([[[[1.0, 0.0]]]], [[[[1.0, 2.0, 3.0]]]], [[[[1.0, -1.0]]]])
    >>> dX, dW, db
    (array([[[[ 1., -1.,  0.]]]]), array([[[[1., 2.]]]]), array([1.]))
    """
    X, W, padding = checked_kernels(X, W, padding)
    m, c, h, w = X.shape
    k, c, p, q = W.shape
    dY = numbers("dY", dY, shape=(m, k, h + 2 * padding - p + 1, w + 2 * padding - q + 1))
    windows = _windows(_pad(X, padding), dY.shape[2:])  # (m, c, p, q, rows, columns)
    dW = np.tensordot(dY, windows, axes=([0, 2, 3], [0, 4, 5]))
    db = dY.sum(axis=(0, 2, 3))
    if not input_gradient:
        return None, dW, db
    flipped = W[:, :, ::-1, ::-1].swapaxes(0, 1)
    spread = np.pad(dY, ((0,), (0,), (p - 1,), (q - 1,)))
    dX = _correlate(spread, flipped)[:, :, padding:padding + h, padding:padding + w]
    return dX, dW, db


def checked_kernels(X: ArrayLike, W: ArrayLike, padding: int) -> tuple[Array, Array, int]:
    """Return X and W as arrays with four axes and `padding` as an int, as `conv2d` computes with them.

    Raises ValueError where the channels of X and W differ or the kernels are larger than the image.

    >>> X, W, padding = checked_kernels([[[[1, 2]]]], [[[[1, 1, 1]]]], 1)
    >>> X
    array([[[[1., 2.]]]])
    >>> checked_kernels(X, W, 0)
    Traceback (most recent call last):
    ValueError: W of shape (1, 1, 1, 3) does not fit into X of shape (1, 1, 1, 2) with padding 0
    """
    X = numbers("X", X, ndim=4)
    W = numbers("W", W, shape=(None, X.shape[1], None, None))
    padding = whole("padding", padding, least=0)
    if any(n + 2 * padding < k for n, k in zip(X.shape[2:], W.shape[2:])):
        raise ValueError(f"W of shape {W.shape} does not fit into X of shape {X.shape} with padding {padding}")
    return X, W, padding


def _pad(X: Array, padding: int) -> Array:
    return np.pad(X, ((0, 0), (0, 0), (padding, padding), (padding, padding))) if padding else X


def _windows(X: Array, size: Shape) -> Array:
    return np.lib.stride_tricks.sliding_window_view(X, size, axis=(2, 3))


def _correlate(X: Array, W: Array) -> Array:
    k, c, p, q = W.shape
    windows = _windows(X, (p, q))  # (m, c, rows, columns, p, q)
    return np.tensordot(windows, W, axes=([1, 4, 5], [1, 2, 3])).transpose(0, 3, 1, 2)
