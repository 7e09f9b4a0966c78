"""What the annotations say: the few types that most functions of nnlib take and return."""
from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike as ArrayLike
from numpy.typing import DTypeLike as DTypeLike
from numpy.typing import NDArray as NDArray

# float32 or float64. Complex numbers pass through too, for the complex-step derivative; they are not
# named here, since a product of "real or complex" arrays would count as complex.
Array: TypeAlias = NDArray[np.floating]
Arrays: TypeAlias = dict[str, Array]  # parameters or gradients by name
Labels: TypeAlias = NDArray[np.integer]
Loss: TypeAlias = Array | np.floating | float  # an array with reduction="none", else one number
InputGradient: TypeAlias = Array | Any  # None with input_gradient=False; "| Any" spares all others a check for it
Shape: TypeAlias = tuple[int, ...]
