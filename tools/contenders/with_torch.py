"""PyTorch as its own documentation trains: modules, the fused SGD, no gradient where none is wanted."""
import os

import torch
from torch import nn
from torch.nn import functional as F
from work import some

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def dense(W, bias=True):
    layer = nn.Linear(*W.shape, bias=bias)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(W.T))
        if bias:
            layer.bias.zero_()
    return layer


def kernels(W):
    layer = nn.Conv2d(W.shape[1], W.shape[0], W.shape[2])
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(W))
        layer.bias.zero_()
    return layer


def network(weights, bias=True):
    layers = []
    for W in weights:
        layers += [dense(W, bias), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _train(make, X, y, order, batch, rate):
    X, y, order = map(torch.from_numpy, (X, y, order))

    def start():
        net = make()
        optimizer = torch.optim.SGD(net.parameters(), lr=rate, fused=True)

        def go():
            total = torch.zeros(())
            for index in order.split(batch):
                loss = F.cross_entropy(net(X[index]), y[index])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(index)
            mean = total.item() / len(order)
            return lambda: [mean, F.cross_entropy(net(X[:512]), y[:512]).item()]
        return go
    return start


def train(X, y, order, batch, weights, bias, rate, seed):
    return _train(lambda: network(weights, bias), X, y, order, batch, rate)


def train_images(X, y, order, batch, weights, bias, rate, seed):
    first, second, last = weights
    return _train(lambda: nn.Sequential(kernels(first), nn.ReLU(), kernels(second), nn.ReLU(), nn.Flatten(), dense(last)),
                  X, y, order, batch, rate)


def convolution(X, W, b, dY):
    X, W, b = (torch.from_numpy(a).requires_grad_() for a in (X, W, b))
    dY = torch.from_numpy(dY)

    def go():
        Y = F.conv2d(X, W, b)
        gradients = torch.autograd.grad(Y, (X, W, b), dY)
        return lambda: [x for a in (Y, *gradients) for x in some(a.detach())]
    return lambda: go


def loss(Z, y):
    Z, y = torch.from_numpy(Z).requires_grad_(), torch.from_numpy(y)

    def go():
        value = F.cross_entropy(Z, y)
        dZ, = torch.autograd.grad(value, Z)
        return lambda: [value.item(), *some(dZ)]
    return lambda: go


def predict(X, weights):
    net, X = network(weights).eval(), torch.from_numpy(X)

    @torch.inference_mode()
    def go():
        S = net(X).softmax(1)
        return lambda: some(S)
    return lambda: go
