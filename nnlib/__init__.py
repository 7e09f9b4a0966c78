"""nnlib: feed-forward neural networks in plain NumPy, one function for one formula of the book.

The names below are loaded when they are first used, so that `nnlib.derivations`, which needs SymPy
and not NumPy, can be imported where there is no NumPy.
"""
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers
    from .activations import *
    from .conv import *
    from .data import *
    from .files import *
    from .gradcheck import *
    from .half_planes import *
    from .hard_threshold import *
    from .initial import *
    from .layers import *
    from .linear import *
    from .loops import *
    from .losses import *
    from .metrics import *
    from .network import *
    from .training import *

__version__ = "0.1.0"

_HOMES = {
    "activations": """identity identity_backward step step_backward sigmoid sigmoid_backward tanh
        tanh_backward relu relu_backward softplus softplus_backward log_sum_exp log_sum_exp_backward
        softmax softmax_backward softmax_jacobian activation""",
    "linear": "matmul_backward dense dense_backward augment neuron neuron_backward",
    "conv": "conv2d conv2d_backward",
    "losses": """one_hot squared_error squared_error_backward sigmoid_cross_entropy
        sigmoid_cross_entropy_backward cross_entropy cross_entropy_backward softmax_cross_entropy
        softmax_cross_entropy_backward""",
    "initial": "small he glorot initial_weights",
    "layers": "Dense Conv2d Flatten Activation",
    "network": "Network dense_network regression_network binary_network class_network",
    "training": "SGD falling minibatches History train DivergedError",
    "metrics": "accuracy confusion_matrix calibration dead_units",
    "files": "save load",
    "gradcheck": "numerical_gradient relative_error gradient_check",
    "loops": "dense_loops conv2d_loops",
    "hard_threshold": "threshold_at line_pieces line_ones fit_line threshold_network",
    "half_planes": "plane_regions plane_border",
    "data": "load_mnist pixels shift_images Standardizer xor rings",
}
_HOME = {name: module for module, names in _HOMES.items() for name in names.split()}
__all__ = sorted(_HOME)


if not TYPE_CHECKING:  # else any name would do; pragma: no branch
    def __getattr__(name):
        if name not in _HOME:
            raise AttributeError(f"module 'nnlib' has no attribute {name!r}")
        return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
