"""`python -m megac`."""

from __future__ import annotations

from megac.cli import main

if __name__ == "__main__":
    main()
