"""What became of the mutants, by operator: the counts, the text of the table, and what speaks against a verdict.

An entry of a row: `compiles`, `same_ir` (its Kernel IR is the original's but for names and places), `verdict`, `truth` (harmful:
an execution shows a defect; harmless: proved, or equal in all tries;
undecided: no try came to an end; not run), `replayed` (its counterexample, once more),
`tolerance` (by tolerance, whether five normal inputs show nothing), `wrong` (an execution contradicts the verdict), `gpu`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any

Row = dict[str, Any]
MARKS = ("<!-- mutants -->", "<!-- end of mutants -->")
NAMES_AT_MOST = 40


@dataclass(slots=True)
class Counts:
    """Of one operator. passes_*: harmful mutants that a tolerance test on five normal inputs lets pass."""

    mutants: int = 0
    same_ir: int = 0
    undecided: int = 0
    not_run: int = 0
    harmless: int = 0
    harmless_proved: int = 0
    harmful: int = 0
    proof_fails: int = 0
    replayed: int = 0
    unknown: int = 0
    wrong_proofs: int = 0
    false_refutations: int = 0
    passes_coarse: int = 0
    passes_fine: int = 0

    def add(self, row: Row) -> None:
        verdict, truth = row["verdict"], truth_of(row)
        self.mutants += 1
        self.same_ir += bool(row["same_ir"])
        self.undecided += truth == "undecided"
        self.not_run += truth == "not run"
        self.harmless += truth == "harmless"
        self.harmless_proved += truth == "harmless" and verdict == "proved"
        self.wrong_proofs += verdict == "proved" and bool(complaint(row))
        self.false_refutations += verdict == "refuted" and bool(complaint(row))
        if truth != "harmful":
            return
        self.harmful += 1
        self.proof_fails += verdict != "proved"
        self.replayed += verdict == "refuted" and bool(row.get("replayed"))
        self.unknown += verdict not in ("proved", "refuted")
        found = (row.get("gpu") or {}).get("tolerance") or row.get("tolerance") or {}
        self.passes_coarse += bool(found.get("0.01"))
        self.passes_fine += bool(found.get("0.0001"))


def truth_of(row: Row) -> str:
    """harmful | harmless | undecided | not run, a GPU's word included."""
    bits = str((row.get("gpu") or {}).get("bits", ""))
    if bits.startswith("shows"):
        return "harmful"
    return "harmless" if bits == "permitted" and row["truth"] == "undecided" else str(row["truth"])


def complaint(row: Row) -> str:
    """What speaks against a row's verdict; "" for nothing."""
    bits = str((row.get("gpu") or {}).get("bits", ""))
    if row.get("verdict") == "proved" and bits.startswith("shows"):
        return f"proved, but a GPU {bits}"
    if row.get("verdict") == "refuted" and bits == "permitted":
        return "refuted, but a GPU's bits are permitted ones"
    return str(row.get("wrong", ""))


def judged(rows: Iterable[Row]) -> list[Row]:
    """The rows of mutants: those that compile, and whose life came to its end."""
    return [r for r in rows if r.get("compiles") and "verdict" in r]


def counted(rows: Iterable[Row]) -> dict[str, Counts]:
    """By operator, `all` last."""
    out: dict[str, Counts] = {}
    every = Counts()
    for r in sorted(judged(rows), key=lambda r: r["operator"]):
        out.setdefault(r["operator"], Counts()).add(r)
        every.add(r)
    return {**out, "all": every}


def survivors(rows: Iterable[Row]) -> list[Row]:
    """Harmful mutants that no proof failed on, and those of which a check says nothing: what there is left to do."""
    return [r for r in judged(rows) if truth_of(r) == "harmful" and r["verdict"] != "refuted"]


def requirements(counts: dict[str, Counts]) -> list[tuple[str, bool]]:
    """What is asked of the whole, and whether it holds."""
    a = counts["all"]
    largest = max((c.mutants for n, c in counts.items() if n != "all"), default=0)
    return [
        (f"at least 3,000 distinct mutants that compile: {a.mutants}", a.mutants >= 3000),
        (f"no operator more than 15 % of them: {_share(largest, a.mutants)}", largest <= 0.15 * a.mutants),
        (
            f"at least 80 % of them with another Kernel IR: {_share(a.mutants - a.same_ir, a.mutants)}",
            a.same_ir <= 0.2 * a.mutants,
        ),
        (f"no harmful one proved: {a.wrong_proofs}", not a.wrong_proofs),
        (
            f"at least 60 % of the harmful ones refuted with replay: {_share(a.replayed, a.harmful)}",
            a.replayed >= 0.6 * a.harmful,
        ),
        (f"no harmless one refuted: {a.false_refutations}", not a.false_refutations),
    ]


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "0 of 0"


HEAD = (
    "operator", "mutants", "same IR", "harmless", "of these proved", "harmful", "caught: proof fails", "refuted with replay", "unknown",
    "proved", "false refutations", "pass 1e-2", "pass 1e-4", "undecided", "not run",
)  # fmt: skip


def text(rows: Sequence[Row], how: str) -> str:
    """The table as Markdown. how: the run in words."""
    lines = ["| " + " | ".join(HEAD) + " |", "|---" + "|---:" * (len(HEAD) - 1) + "|"]
    for name, c in counted(rows).items():
        cells = (
            c.mutants, c.same_ir, c.harmless, c.harmless_proved, c.harmful, c.proof_fails, c.replayed, c.unknown, c.wrong_proofs,
            c.false_refutations, c.passes_coarse, c.passes_fine, c.undecided, c.not_run,
        )  # fmt: skip
        label = f"**{name}**" if name == "all" else f"`{name}`"
        lines.append(f"| {label} | " + " | ".join(map(str, cells)) + " |")
    return "\n".join([how, "", *lines])


def record(rows: Sequence[Row], head: Row) -> Row:
    """What is kept of a run, as JSON: the machine, counts by operator, survivors and what speaks against a verdict by name."""
    names = [f.name for f in fields(Counts)]
    found = judged(rows)
    return {
        **head,
        "counts": {n: dict(zip(names, astuple(c), strict=True)) for n, c in counted(rows).items()},
        "skipped": sum("skipped" in r for r in rows),
        "no_kernel": sum(r.get("compiles") is False for r in rows),
        "ended": [r["name"] for r in rows if "ended" in r],
        "survivors": [
            {k: r[k] for k in ("name", "told", "why")} | {"shown_by": r.get("shown_by", "a GPU")}
            for r in survivors(rows)
        ],
        "against": [{"name": r["name"], "told": r["told"], "why": complaint(r)} for r in found if complaint(r)],
    }


def placed(document: str, table: str) -> str:
    """A document with the table between its marks. ValueError where it has none."""
    before, first, rest = document.partition(MARKS[0])
    _, last, after = rest.partition(MARKS[1])
    if not first or not last:
        raise ValueError(f"no {MARKS[0]} ... {MARKS[1]}")
    return f"{before}{first}\n{table}\n{last}{after}"
