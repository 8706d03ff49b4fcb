"""Questions about scalars, put to SMT solvers: terms as SMT-LIB text, and the text to z3 and bitwuzla in processes of their own.

The text is the object: it is a function of the terms alone, and the same text is asked, dumped and kept in a certificate.
"""

from tv.solvers.answer import Answer, GaveUp, Model, Valid
from tv.solvers.asking import ask
from tv.solvers.smtlib import Shared, lemma_text

__all__ = ["Answer", "GaveUp", "Model", "Shared", "Valid", "ask", "lemma_text"]
