"""Solvers are asked in processes of their own; one that dies, hangs or talks nonsense has said nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tv.solvers import GaveUp, Model, Valid, ask, asking
from tv.solvers.asking import Limits

VALID = "(set-logic ALL)(declare-const v0 (_ BitVec 8))(assert (not (= (bvadd v0 v0) (bvshl v0 #x01))))(check-sat)"
FALSE = "(set-logic ALL)(declare-const v0 (_ BitVec 8))(assert (not (= (bvadd v0 #x01) v0)))(assert (= v0 #x07))"
PRODUCT = 1099511627689 * 999999999989  # of two primes, which a solver would have to find
HARD = f"""(set-logic ALL)
(declare-const a (_ BitVec 40)) (declare-const b (_ BitVec 40))
(assert (= (bvmul ((_ zero_extend 40) a) ((_ zero_extend 40) b)) (_ bv{PRODUCT} 80)))
(assert (bvugt a (_ bv1 40))) (assert (bvugt b (_ bv1 40)))
"""


@pytest.mark.parametrize("solver", asking.SOLVERS)
def test_each_solver_answers(solver: str) -> None:
    assert ask(VALID, solvers=(solver,)) == Valid(solver)
    assert ask(FALSE, solvers=(solver,)) == Model(solver, (("v0", 7),))


def test_the_first_answer_decides() -> None:
    assert ask(VALID) == Valid("bitwuzla")
    assert ask(VALID, solvers=("nobody", "z3")) == Valid("z3")


@pytest.mark.parametrize(
    "text", ["", "(assert", "(set-logic ALL)(assert (= x y))", "\x00", "(declare-const v0 (_ BitVec 8))"]
)
def test_no_question_is_no_proof(text: str) -> None:
    assert not isinstance(ask(text), Valid)


def test_a_solver_that_is_not_there_gave_up() -> None:
    answer = ask(VALID, solvers=("nobody",))
    assert isinstance(answer, GaveUp)
    assert answer.reasons[0].startswith("nobody failed")


@pytest.mark.parametrize(
    "program",
    [
        "",
        "print('unsat')",
        "print('end')",
        "print('unsat'); print('sat'); print('end')",
        "print('unsat'); print('end'); raise SystemExit(3)",
        "print('unsat'); print('end', flush=True); import os; os.abort()",
        "print('sat'); print('v0 what'); print('end')",
        "print('UNSAT'); print('end')",
        "print('unknown'); print('end')",
        "import sys; sys.stdout.buffer.write(b'\\xff\\xfe')",
    ],
)
def test_anything_but_a_whole_answer_is_none(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text(program)
    monkeypatch.setattr(asking, "WORKER", worker)
    answer = ask(VALID)
    assert isinstance(answer, GaveUp)
    assert len(answer.reasons) == 2


def test_a_process_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = tmp_path / "worker.py"
    worker.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(asking, "WORKER", worker)
    answer = ask(VALID, Limits(wall_s=0.3), ("z3",))
    assert answer == GaveUp(("z3 did not end within 0.3 s",))


def test_a_question_that_is_too_hard_has_no_answer() -> None:
    answer = ask(HARD, Limits(cpu_s=1, steps=1000))
    assert isinstance(answer, GaveUp), answer
    assert answer.reasons[0].startswith("bitwuzla was ended by signal")
    assert answer.reasons[1] == "z3 gave up"


def test_a_solver_has_only_so_much_memory() -> None:
    answer = ask(HARD, Limits(memory_mb=1), ("bitwuzla",))
    assert isinstance(answer, GaveUp), answer


def test_a_check_without_lemmas_imports_no_solver() -> None:
    program = (
        "import sys, tv.check; print(sorted(m for m in sys.modules if m.startswith(('tv.solvers', 'z3', 'bitwuzla'))))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
