"""Checked derivations."""

from . import activations, conv, dense, losses, network
from .registry import THEOREMS
