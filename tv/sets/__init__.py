"""Index sets: quasi-affine expressions, and isl behind one exact, total, budgeted door."""

from tv.sets.affine import FALSE, TRUE, ZERO, Affine, Dim, Formula, Quotient, Ranges, Sym
from tv.sets.algebra import Map, Remainder, Set, Sets
from tv.sets.dataflow import SameTime, Source, Sources, Touch, dataflow

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
