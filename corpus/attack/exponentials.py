"""The graphs of the cases in which nvcc knows a call's argument at some of the places where one text stands."""

from __future__ import annotations

from graphs import F32, I32, I64, Graph, graph_of, times_exp_of_index

AS_FLOAT = {"to": F32}
TIMES_EXP_OF_C = graph_of(
    [("Exp", "c", "e"), ("Mul", "xe", "y")], {"x": (F32, [32])}, {"y": (F32, [32])}, {"c": (F32, [1], [1.0])}
)


def times_exp_of_both() -> Graph:
    """y[r, t] = x[r, t] * (exp(r), exp(t))."""
    nodes = [
        ("Range", ["zero", "rounds", "one"], "r0"),
        ("Range", ["zero", "threads", "one"], "t0"),
        *(("Reshape", [f"{v}0", f"along_{v}"], f"{v}1") for v in "rt"),
        *(("Cast", [f"{v}1"], f"{v}2") for v in "rt"),
        *(("Exp", [f"{v}2"], f"{v}3") for v in "rt"),
        *(("Expand", [f"{v}3", "full"], f"{v}4") for v in "rt"),
        ("Concat", ["r4", "t4"], "f"),
        ("Mul", "xf", "y"),
    ]
    stored = {n: (I32, [], [v]) for n, v in (("zero", 0), ("one", 1), ("rounds", 4), ("threads", 32))}
    shapes = {n: (I64, [3], v) for n, v in (("along_r", [4, 1, 1]), ("along_t", [1, 32, 1]), ("full", [4, 32, 1]))}
    ends = {"x": (F32, [4, 32, 2])}, {"y": (F32, [4, 32, 2])}
    return graph_of(nodes, *ends, stored | shapes, r2=AS_FLOAT, t2=AS_FLOAT, f={"axis": 2})


BELOW_DATUM = graph_of(
    [
        ("Range", ["zero", "threads", "one"], "r"),
        ("LessOrEqual", "rn", "m"),
        ("Cast", "r", "f"),
        ("Neg", "f", "g"),
        ("Exp", "g", "e"),
        ("Mul", "xe", "p"),
        ("Where", ["m", "p", "nothing"], "y"),
    ],
    {"x": (F32, [32]), "n": (I32, [1])},
    {"y": (F32, [32])},
    {n: (I32, [], [v]) for n, v in (("zero", 0), ("one", 1), ("threads", 32))} | {"nothing": (F32, [], [0.0])},
    f=AS_FLOAT,
)
TIMES_EXP_OF_THREAD = times_exp_of_index([32], [32])

EXPONENTIALS: dict[str, Graph] = {
    "constant_bound_to_equal_tensor": TIMES_EXP_OF_C,
    "constant_bound_to_tensor": TIMES_EXP_OF_C,
    "constant_expression_bound_to_tensor": TIMES_EXP_OF_C,
    "constant_member_bound_to_tensor": TIMES_EXP_OF_C,
    "exponential_of_block_and_thread": times_exp_of_both(),
    "exponential_of_pinned_thread_in_a_pair": times_exp_of_both(),
    "exponential_of_round_beside_a_thread": times_exp_of_both(),
    "exponential_of_round_in_a_pair": times_exp_of_both(),
    "exponential_of_thread_as_a_float": TIMES_EXP_OF_THREAD,
    "exponential_of_thread_below_datum": BELOW_DATUM,
    "exponential_of_thread_between_floats": TIMES_EXP_OF_THREAD,
    "exponential_of_thread_by_stored_number": TIMES_EXP_OF_THREAD,
    "exponential_of_thread_by_stored_truth": TIMES_EXP_OF_THREAD,
    "exponential_of_thread_in_either_arm": TIMES_EXP_OF_THREAD,
    "exponential_of_thread_kept_in_memory": TIMES_EXP_OF_THREAD,
    "exponential_of_thread_in_one_round": times_exp_of_index([2, 32], [1, 32]),
}
