"""The command line. Every way out of it is one of six exit codes: see `tv.verdict.Verdict`; 130 where it was interrupted."""

from __future__ import annotations

from tv.cli.entry import main, run

__all__ = ["main", "run"]
