"""Diagnostic codes of the command line: what `tv explain` says about each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0001": """This system cannot start a process by `fork`. Every check runs in one of its own, so that a time limit, a
memory limit and a crash of a solver all end in an answer instead of silence.""",
    "TV0003": """A value given on the command line is not of the form that its option takes; `tv check --help` shows each.""",
    "TV0004": """A report could not be written. It is tried before the check starts, so that no result is lost.""",
    "TV0005": """There is no diagnostic of that code. `tv explain` without a code lists all of them.""",
    "TV0006": """A corpus case states its verdict in the first line of its `kernel.cu`: `// tv: proved reassoc` with the
strongest relation that holds, `// tv: refuted race` or `// tv: unknown equal` with the kind of the obligation that fails,
`// tv: unsupported` or `// tv: bad-input` with or without a code.""",
    "TV0007": """`tv test` looks for files called `kernel.cu` below a folder whose first line states a verdict, and found
none. A test run without a test is a failure.""",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0003": "see `tv --help`",
}
