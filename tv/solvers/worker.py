"""The process that a solver runs in: `worker.py SOLVER CPU_SECONDS MEMORY_MB STEPS`, SMT-LIB text on stdin.

Prints `unsat`, or `sat` and a line `NAME VALUE` for each bit-vector variable, or `unknown`; then `end`. Ends with status 0
only then. It imports nothing of tv, so that it starts as fast as its solver does.
"""

from __future__ import annotations

import resource
import sys

MB = 1 << 20


def main() -> None:
    solver, cpu_s, memory_mb, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    limit(resource.RLIMIT_CPU, cpu_s)
    limit(resource.RLIMIT_DATA, memory_mb * MB)
    text = sys.stdin.read()
    answer = {"bitwuzla": bitwuzla, "z3": z3}[solver](text, steps)
    sys.stdout.write("\n".join([*answer, "end"]) + "\n")
    sys.stdout.flush()


def limit(what: int, most: int) -> None:
    """Lowers a limit; one that is lower already stays."""
    soft, hard = resource.getrlimit(what)
    known = [v for v in (most, soft, hard) if v != resource.RLIM_INFINITY]
    resource.setrlimit(what, (min(known), hard))


def bitwuzla(text: str, _: int) -> list[str]:
    import bitwuzla as b

    options = b.Options()
    options.set(b.Option.PRODUCE_MODELS, True)
    parser = b.Parser(b.TermManager(), options)
    parser.parse(text, True, False)
    solver = parser.bitwuzla()
    result = solver.check_sat()
    if result == b.Result.UNSAT:
        return ["unsat"]
    if result != b.Result.SAT:
        return ["unknown"]
    variables = [v for v in parser.get_declared_funs() if v.sort().is_bv()]
    return ["sat", *(f"{v.symbol()} {int(solver.get_value(v).value(2), 2)}" for v in variables)]


def z3(text: str, steps: int) -> list[str]:
    import z3 as z

    solver = z.Solver()
    solver.set("rlimit", steps)
    solver.from_string(text)
    result = solver.check()
    if result == z.unsat:
        return ["unsat"]
    if result != z.sat:
        return ["unknown"]
    model = solver.model()
    values = [(d.name(), model[d]) for d in model.decls() if d.arity() == 0]
    return ["sat", *(f"{n} {v.as_long()}" for n, v in values if z.is_bv_value(v))]


if __name__ == "__main__":
    main()
