"""Puts the real output of commands into README.md, between `<!-- output: COMMAND -->` and `<!-- end -->`.

    python docs/update_readme.py [--check]

`--check` writes nothing and fails if a section is not what its command prints (times and memory aside).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
_SECTION = re.compile(r"(<!-- output: (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
_VARIES = re.compile(r"\d+\.\d+ s|\d+ MB")


def output_of(command: str) -> str:
    """What a command prints, as an indented block under the command itself."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100"}
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode in (126, 127):  # the shell found no such command
        sys.exit(done.stderr)
    shown = done.stdout.rstrip().splitlines() or done.stderr.rstrip().splitlines()
    return "\n".join(["```", f"$ {command}", *shown, "```", ""])


def updated(text: str) -> str:
    return _SECTION.sub(lambda m: f"{m[1]}{output_of(m[2])}{m[4]}", text)


def main() -> int:
    readme = ROOT / "README.md"
    before = readme.read_text(encoding="utf-8")
    after = updated(before)
    if "--check" in sys.argv[1:]:
        same = _VARIES.sub("", before) == _VARIES.sub("", after)
        print("README.md is up to date" if same else "README.md differs from what its commands print")
        return 0 if same else 1
    readme.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
