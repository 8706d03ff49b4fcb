"""Index sets: quasi-affine expressions, and isl behind one exact, total, budgeted door."""

from tv.sets.affine import ZERO, Affine, Dim, Quotient, Ranges, Sym
from tv.sets.algebra import Remainder, Sets
from tv.sets.dataflow import SameTime, Source, Sources, Touch, dataflow
from tv.sets.formulas import FALSE, TRUE, Formula
from tv.sets.spaces import Map, Set

__all__ = [
    "FALSE",
    "TRUE",
    "ZERO",
    "Affine",
    "Dim",
    "Formula",
    "Map",
    "Quotient",
    "Ranges",
    "Remainder",
    "SameTime",
    "Set",
    "Sets",
    "Source",
    "Sources",
    "Sym",
    "Touch",
    "dataflow",
]
