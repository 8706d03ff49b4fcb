"""`python -m tv`."""

from __future__ import annotations

from tv.cli import main

if __name__ == "__main__":
    main()
