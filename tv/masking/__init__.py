"""Other values of a graph's tensors that mean the same: softmaxes over the keys that a mask leaves, without the mask."""

from tv.masking.alternatives import ASSUMED, FROM_ZERO, Alternative, alternatives
from tv.masking.possible import Possible, Supposition, suppositions
from tv.masking.rows import Bound, bounds_of_extremes

__all__ = [
    "ASSUMED",
    "FROM_ZERO",
    "Alternative",
    "Bound",
    "Possible",
    "Supposition",
    "alternatives",
    "bounds_of_extremes",
    "suppositions",
]
