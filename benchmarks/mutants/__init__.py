"""Mutants of the corpus's right kernels and of their graphs: which of them does a check catch? `make mutants`.

source.py          a kernel's text as tokens, functions and statements; a change of it
synchronising.py, indexing.py, computing.py, rewriting.py, launching.py, graphing.py
                   the operators: each gives, for a text, a specification or a graph, all changes of its kind
population.py      all mutants of all cases, and the seeded sample of them
compiling.py       does nvcc's front end take the text? by NVRTC, which needs no GPU, else by nvcc
normal.py          a Kernel IR without names and places, to be compared with another
running.py         a launch on random normal inputs, and whether the result passes a tolerance test
life.py            one mutant: compiled, compared, checked, and judged by execution
table.py           what became of all of them, by operator
"""
