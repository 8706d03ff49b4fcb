"""Other values of a graph's tensors that mean the same: softmaxes over the keys that a mask leaves, without the mask."""

from tv.masking.alternatives import ASSUMED, FROM_ZERO, Alternative, alternatives
from tv.masking.possible import Possible, Supposition, suppositions

__all__ = ["ASSUMED", "FROM_ZERO", "Alternative", "Possible", "Supposition", "alternatives", "suppositions"]
