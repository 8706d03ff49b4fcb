"""SVG elements as text."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

ADVANCE = 0.56  # of the font's size that a letter is wide, about


def tag(name: str, *inside: str, **attributes: object) -> str:
    """An element; `inside` is markup already. Attributes that are Python's words end in an underscore, and underscores
    are hyphens."""
    given = "".join(f' {k.rstrip("_").replace("_", "-")}="{escape(_text(v))}"' for k, v in attributes.items())
    return f"<{name}{given}>{''.join(inside)}</{name}>" if inside else f"<{name}{given}/>"


def _text(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)


def title(text: str) -> str:
    """What is shown where the pointer rests on the element that it stands in."""
    return tag("title", escape(text))


def words(text: str, x: float, y: float, room: float | None = None, size: float = 12, **attributes: object) -> str:
    """A line of text; cut where it is longer than the room, and whole where the pointer rests on it."""
    shown = cut(text, room, size)
    whole = [title(text)] if shown != text else []
    return tag("text", escape(shown), *whole, x=x, y=y, font_size=size, **attributes)


def cut(text: str, room: float | None, size: float) -> str:
    if room is None or len(text) * size * ADVANCE <= room:
        return text
    return text[: max(1, int(room / (size * ADVANCE)) - 1)] + "\N{HORIZONTAL ELLIPSIS}"


def document(width: float, height: float, style: str, inside: Iterable[str]) -> str:
    return tag(
        "svg", tag("style", style), *inside, xmlns="http://www.w3.org/2000/svg", width=width, height=height,
        viewBox=f"0 0 {_text(float(width))} {_text(float(height))}", font_family="Helvetica, Arial, sans-serif",
    )  # fmt: skip
