"""The floor: the matrix products of a training step alone, into arrays that are made once."""
import numpy as np


def train(X, y, order, batch, weights, bias, rate, seed):
    if len(weights) != 2:
        return None
    first, second = weights
    A = X[:batch].copy()
    Z, D = np.ones((2, batch, first.shape[1]), np.float32)
    out, dW1, dW2 = np.ones((batch, second.shape[1]), np.float32), np.empty_like(first), np.empty_like(second)

    def go():
        for _ in range(0, len(order), batch):
            np.matmul(A, first, out=Z)
            np.matmul(Z, second, out=out)
            np.matmul(Z.T, out, out=dW2)
            np.matmul(out, second.T, out=D)
            np.matmul(A.T, D, out=dW1)
            out.fill(1)
        return lambda: []
    return lambda: go
