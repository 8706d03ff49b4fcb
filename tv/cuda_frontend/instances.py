"""Names of template instances as a spec writes them: `scale<float, 256>`."""

from __future__ import annotations

import re

from tv.cuda_frontend import syntax as ast
from tv.diagnostic import BadInput
from tv.source import Span

_NUMBER = re.compile(r"-?[0-9][0-9a-fA-FxXuUlL]*$")
_TYPE = re.compile(r"[A-Za-z_][\w: ]*$")


def template_arguments(name: str, span: Span) -> tuple[ast.TypeSyntax | ast.Expr, ...]:
    """The arguments in `name<...>`: types, integers, true and false. Raises BadInput for anything else."""
    m = re.fullmatch(r"\s*[\w:]+\s*<(.*)>\s*", name, re.DOTALL)
    if m is None:
        raise BadInput(
            "TV0121", f"`{name}` is not the name of a template instance", span, "write it like scale<float, 256>"
        )
    found: list[ast.TypeSyntax | ast.Expr] = []
    for word in (w.strip() for w in m.group(1).split(",")):
        if word == "" and m.group(1).strip() == "":
            continue
        if word in ("true", "false"):
            found.append(ast.Name(span, word))
        elif _NUMBER.match(word):
            number = ast.Number(span, word.removeprefix("-"))
            found.append(ast.Unary(span, "-", number) if word.startswith("-") else number)
        elif _TYPE.match(word):
            found.append(ast.NamedType(span, " ".join(word.split())))
        else:
            raise BadInput("TV0121", f"the template argument `{word}`", span, "a type or an integer")
    return tuple(found)


def canonical(name: str) -> str:
    """`scale< float,256 >` as `scale<float, 256>`."""
    if "<" not in name:
        return name.strip()
    base, rest = name.split("<", 1)
    words = [" ".join(w.split()) for w in rest.rsplit(">", 1)[0].split(",")]
    return f"{base.strip()}<{', '.join(words)}>"
