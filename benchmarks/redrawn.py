"""Every case of the corpus drawn anew, against the verdict of its original. `make redrawn SEED=n`; exit 1 on a difference.

The copies lie in a temporary folder: other names, other files, no comments, other sizes. Verdict, relation or kind of
obligation, and line have to be those of the original (the line: where its text has moved to).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE)]

from redraw import Copy, redraw

from tv.cli.session import engine, run_checks
from tv.expectation import mismatch
from tv.obligation import Relation
from tv.request import CheckRequest
from tv.verdict import CheckResult

CORPUS = HERE.parent / "corpus"
TIMEOUT_S, MEMORY_MB = 300.0, 8000


@dataclass(frozen=True, slots=True)
class Row:
    """One copy's result; difference: "" where it is what the original states."""

    name: str
    copy: Copy
    result: CheckResult
    difference: str


# What these try is how macros, digraphs and names are read: the very text that renaming takes apart.
ABOUT_TEXT = {
    "attack/alignment_of_struct",
    "attack/assertion_left_out",
    "attack/assertion_left_out_of_build",
    "attack/assertion_that_counts",
    "attack/comment_closed_behind_blanks",
    "attack/condition_on_defined_by_macro",
    "attack/condition_on_host_macro",
    "attack/condition_on_library_macro",
    "attack/condition_on_macro_of_header",
    "attack/condition_on_macro_of_host_library",
    "attack/digraph_directive",
    "attack/enumerator_of_another_namespace",
    "attack/enumerator_of_size_in_own_list",
    "attack/enumerator_unsigned_in_own_list",
    "attack/header_once_by_operator",
    "attack/include_by_angle_brackets",
    "attack/include_guard_of_system_header",
    "attack/include_within_include",
    "attack/launch_number_of_size_of_constant",
    "attack/launch_number_of_type_in_parentheses",
    "attack/line_number_behind_comment",
    "attack/line_number_behind_splice",
    "attack/line_number_in_argument",
    "attack/macro_asked_about_by_header",
    "attack/macro_called_by_way_of_nothing",
    "attack/macro_declares_two_arrays",
    "attack/macro_given_as_nothing",
    "attack/macro_negates_negative",
    "attack/macro_of_host_header_called",
    "attack/macro_of_other_letters",
    "attack/macro_of_system_header_called",
    "attack/macro_parameter_beside_number",
    "attack/macro_saved_in_host_function",
    "attack/macro_that_counts_in_headers",
    "attack/overload_of_header_s_function",
    "attack/promise_never_to_return",
    "attack/reference_by_decltype",
    "attack/reference_named_by_typedef",
    "attack/restrict_behind_auto",
    "attack/restrict_behind_named_types",
    "attack/splice_behind_other_letter",
    "attack/standard_maximum_of_nan",
    "attack/variable_bound_to_size_too_large",
    "attack/variable_set_by_the_host",
}


def case_names() -> list[str]:
    """`family/case` of every case of the corpus that has names to change."""
    return sorted({p.parent.relative_to(CORPUS).as_posix() for p in CORPUS.rglob("kernel.cu")} - ABOUT_TEXT)


def is_good(name: str) -> bool:
    """Is the case stated to be proved?"""
    return (CORPUS / name / "kernel.cu").read_text().startswith("// tv: proved")


def run_redrawn(
    names: Sequence[str], out: Path, seed: int, jobs: int = 1, timeout_s: float = TIMEOUT_S
) -> Iterator[Row]:
    """Draws the cases anew into `out` and checks the copies, `jobs` at a time; rows come as checks end."""
    engine("check")  # imported once, and not again in the child process of every check
    copies = [redraw(CORPUS / name, out / str(place), seed) for place, name in enumerate(names)]
    for place, result in run_checks([_request(c) for c in copies], jobs, timeout_s, MEMORY_MB):
        yield Row(names[place], copies[place], result, mismatch(copies[place].wanted, result))


def _request(copy: Copy) -> CheckRequest:
    return CheckRequest(str(copy.kernel), str(copy.model), require=copy.wanted.relation or Relation.REASSOC)


def main() -> int:
    options = _options()
    names = [n for n in case_names() if options.only in n and (is_good(n) or not options.good)]
    started, differing, done = time.monotonic(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        out = Path(options.keep or folder)
        for row in run_redrawn(names, out, options.seed, options.jobs, options.timeout):
            done += 1
            mark = "DIFFERS" if row.difference else "ok"
            print(f"{mark:<8}{row.name:<55}{row.copy.wanted!s:<18}{row.result.time_s:>7.2f} s", flush=True)
            if row.difference:
                differing.append(row)
    print(f"seed {options.seed}: {done} cases, {len(differing)} differ, {time.monotonic() - started:.1f} s")
    for row in sorted(differing, key=lambda r: r.name):
        print(f"  {row.name}: stated {row.copy.wanted}, found {row.difference}")
    return 0 if names and done == len(names) and not differing else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name holds this")
    parser.add_argument("--good", action="store_true", help="leave out the kernels with a defect")
    parser.add_argument("--keep", metavar="DIR", help="write the copies there and leave them")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, metavar="SECONDS", help="for each case")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
