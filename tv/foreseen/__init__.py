"""What a compiler may know of a kernel's values while it compiles."""

from tv.foreseen.opaque import integers_from, of_results, shows_data
from tv.foreseen.values import Foreseen
from tv.foreseen.variants import EXTREMA, INTEGER, computes_integers

__all__ = ["EXTREMA", "INTEGER", "Foreseen", "computes_integers", "integers_from", "of_results", "shows_data"]
