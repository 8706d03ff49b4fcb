"""What names mean where a launch stands in host code: variables that keep what they are initialised with, and names of the file.

Host code is not parsed. A variable counts only where all that can be seen of it is of a known form: a declaration at the head of a
statement, with a whole type, in a block around the launch, and no other occurrence of its name that is not plainly a read. A name of
the file counts likewise only where no occurrence in the host function may declare another. What is plainly a read is listed here:
places at which C++ has no declarator, and takes the value of what stands there. Everything else is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pycparser import c_parser as cp

Tokens = list[Any]
OPEN, CLOSE = ("LPAREN", "LBRACE", "LBRACKET"), ("RPAREN", "RBRACE", "RBRACKET")
_NAME = ("ID", "TYPEID")
_SUMS = frozenset("PLUS MINUS DIVIDE MOD".split())  # after which no declarator stands, unlike `*`
_ARITHMETIC = _SUMS | {"TIMES"}
_COMPARES = frozenset("LT LE GE EQ NE".split())  # `>` may end template arguments
_STARTS = frozenset("SEMI LBRACE RBRACE".split())
_BEFORE = (
    _STARTS
    | _ARITHMETIC
    | _COMPARES
    | frozenset("LPAREN LBRACKET COMMA EQUALS RETURN CONDOP COLON LAND LOR LNOT".split())
)
_AFTER = _ARITHMETIC | _COMPARES | frozenset("COMMA SEMI RPAREN RBRACKET RBRACE COLON CONDOP LAND LOR".split())
_COMPARED = frozenset("SEMI RPAREN LAND LOR CONDOP".split())
_VALUED = _SUMS | {"EQUALS", "RETURN"}  # what stands after these is an expression
_HEADS = frozenset("IF WHILE SWITCH FOR".split())  # in whose parentheses, and behind them, an expression may begin
_LABELS = ("asm", "__asm", "__asm__")  # these may follow a declarator
_RECORDS = frozenset("struct class union enum namespace".split())


@dataclass(frozen=True, slots=True)
class Variable:
    """words: of its type, `const` and the like left out. mark: `=`, `(` or `{`, at `at`, before what it is initialised with."""

    name: str
    words: str
    constant: bool
    mark: str
    at: int


@dataclass(slots=True)
class Host:
    """The tokens of a host function. operators: does the file declare operators of its own, which may take references? by_value: its
    functions, and kernels, whose parameters are numbers and pointers, by value."""

    tokens: Tokens
    operators: bool = False
    by_value: frozenset[str] = frozenset()
    _around: list[int] = field(default_factory=list)  # of each token the bracket that is open around it, or -1
    _partner: dict[int, int] = field(default_factory=dict)  # of each bracket
    _opening: dict[int, int] = field(default_factory=dict)  # of each closing bracket
    _known: dict[str, bool] = field(default_factory=dict)  # what was found of a type, or of a function by value
    _configured: set[int] = field(default_factory=set)  # tokens between `<<<` and `>>>`
    _expressions: set[int] = field(default_factory=set)  # in launches and dim3 objects, with parentheses alone around
    _operands: set[int] = field(
        default_factory=set
    )  # names in launches and dim3 objects, which take their operands by value

    def __post_init__(self) -> None:
        stack: list[int] = []
        for i, t in enumerate(self.tokens):
            if t.type in CLOSE and stack:
                self._opening[i] = stack.pop()
                self._partner[self._opening[i]] = i
            self._around.append(stack[-1] if stack else -1)
            if t.type in OPEN:
                stack.append(i)
        regions = list(self._regions())
        for start, end, _ in regions:
            self._expressions.update(i for i in range(start, end) if self._in_parentheses(i, start))
        for start, end, taker in regions:
            if taker == "" or (self.keeps_type("dim3") if taker == "dim3" else self._by_value(taker)):
                self._operands.update(i for a, b in self._split(start, end) for i in self._plain(a, b))

    # ------------------------------------------------------------------------------------------------ what a name means
    def visible(self, launch: int) -> Iterator[Variable]:
        """Variables that have the value they were initialised with, at token `launch`."""
        tokens = self.tokens
        around = _blocks(tokens, launch)
        if any(_is_record(tokens, b) for b in around):
            return
        found: dict[str, list[Variable]] = {}
        for start in _statements(tokens):
            inside = _blocks(tokens, start)
            if start < launch and inside == around[: len(inside)] and inside:
                for v in _declared(tokens, start):
                    found.setdefault(v.name, []).append(v)
        for name, (v, *more) in found.items():
            reads = all(self.reads(i, v.constant, v.at) for i in self.places(name) if i != v.at - 1)
            if not more and reads and not self._qualified(name):
                yield v

    def keeps(self, name: str, launch: int) -> bool:
        """Does a constant or function of the file surely go by this name at the launch?"""
        if self.in_class(launch) or self._qualified(name):
            return False
        return self._by_value(name) or all(self.reads(i, True) or self._called(i) for i in self.places(name))

    def in_class(self, launch: int) -> bool:
        """May names of a class come before those of the file?"""
        return self._of_class() or any(_is_record(self.tokens, b) for b in _blocks(self.tokens, launch))

    def _of_class(self) -> bool:
        """May the function be a member of a class, whose names come first? It is defined as `S::f(...)` then."""
        body = next((i for i, t in enumerate(self.tokens) if t.type == "LBRACE"), 0)
        head = self.tokens[: body + 1]
        names = ("LPAREN", "RPAREN", "EQUALS", "LBRACE", "LBRACKET")  # behind what is declared
        return any("::" in str(a.value) and b.type in names for a, b in pairwise(head)) or any(
            "operator" in str(t.value) for t in head
        )

    def keeps_type(self, name: str) -> bool:
        """Is a type that CUDA declares nowhere in the function the name of something else?"""
        key = f"type {name}"
        if key not in self._known:
            self._known[key] = all(self._uses_type(i) for i in self.places(name))
        return self._known[key]

    def _uses_type(self, i: int) -> bool:
        """Does a type stand here, and not a declarator: behind what may stand in front of a type and of nothing that is declared, and
        before what is declared, or what is converted?"""
        outer, before, after, last = (self._type(k) for k in (i - 2, i - 1, i + 1, i + 2))
        if after in _NAME and str(self.tokens[i + 1].value) in _LABELS:
            return False
        if before == "COMMA":
            return after == "LPAREN" and i in self._configured
        if before == "LPAREN" and after == "RPAREN":
            operand = last in _NUMBERS or (last in _NAME and str(self.tokens[i + 2].value) not in _LABELS)
            return outer in _VALUED | {"SIZEOF"} or (operand and outer in ("LPAREN", "COMMA"))
        if before in ("CONST", "STATIC") or str(self.tokens[i - 1].value) == "constexpr":
            return after in (*_NAME, "CONST")  # `short const T(3)` declares T
        if before in _VALUED:
            return after == "LPAREN"
        if before == "LT":
            return after in (*_NAME, "LPAREN", "CONST", "COMMA", "GT")
        begins = self._begins(i) and after in (*_NAME, "LPAREN", "CONST")
        return begins or (before == "LPAREN" and after in (*_NAME, "CONST"))

    def _type(self, i: int) -> str:
        return str(self.tokens[i].type) if 0 <= i < len(self.tokens) else ""

    def _begins(self, i: int) -> bool:
        """Does a statement begin here? Behind the braces of a struct or the like a declarator does."""
        before = self._type(i - 1)
        closed = (a for a, b in self._partner.items() if b == i - 1)
        return before in ("SEMI", "LBRACE") or (
            before == "RBRACE" and not any(_is_record(self.tokens, a) for a in closed)
        )

    def _by_value(self, name: str) -> bool:
        """Is this a function whose parameters are numbers and pointers, and nothing else in this function?"""
        if name not in self._known:
            own = name in self.by_value and not self._of_class() and not self._qualified(name)
            self._known[name] = own and all(self._names_function(i) for i in self.places(name))
        return self._known[name]

    def _names_function(self, i: int) -> bool:
        """Does no declarator stand here, but a function that is called, launched or passed?"""
        before, after = self._type(i - 1), self._type(i + 1)
        if before in _VALUED | {"LT"} or after in ("LT", "LSHIFT"):
            return True  # before none of these, and behind none, stands what is declared
        if after != "LPAREN":
            return self._argument(i, -1)
        if i in self._expressions:
            return before in _ARITHMETIC | {"LPAREN", "COMMA", "LBRACE"}
        if before == "COMMA":
            k = self._around[i]
            return k > 0 and self._type(k) == "LPAREN" and self._type(k - 1) == "ID"
        if before == "RPAREN":
            return self._type(self._opening.get(i - 1, 0) - 1) in _HEADS | _VALUED
        return self._begins(i) or (before == "LPAREN" and self._in_expression(i - 1))

    def _in_expression(self, k: int) -> bool:
        """Does the parenthesis at k begin an expression, and no declarator? `T (f(a));` declares f."""
        before, outer = self._type(k - 1), self._type(k - 2)
        if before == "LPAREN" or (before in _NAME and outer == "LPAREN"):
            return self._in_expression(k - 1 if before == "LPAREN" else k - 2)
        return before in _HEADS | _VALUED | {"SIZEOF"} or (before in _NAME and outer in _VALUED)

    def places(self, name: str) -> list[int]:
        """Where a name occurs, members of something else apart."""
        named = (i for i, t in enumerate(self.tokens) if t.type in _NAME and t.value == name)
        return [i for i in named if i == 0 or self.tokens[i - 1].type not in ("PERIOD", "ARROW")]

    def _qualified(self, name: str) -> bool:
        return any("::" in str(t.value) and str(t.value).rsplit("::", 1)[-1] == name for t in self.tokens)

    # ------------------------------------------------------------------------------------------------ occurrences
    def reads(self, i: int, constant: bool, declared: int = -1) -> bool:
        """Is the occurrence at i plainly a read? constant: nothing may change the object, so that references to it do no harm.
        declared: where in the function it is."""
        tokens = self.tokens
        end = i + 2 if i + 1 < len(tokens) and tokens[i + 1].type == "PERIOD" else i  # a component, of a dim3
        if i in self._operands:
            return True
        if i < 2 or end + 2 >= len(tokens) or tokens[end].type not in _NAME:
            return False
        before, after = tokens[i - 1].type, tokens[end + 1].type
        launches = before == "LT" and tokens[i - 2].type == "LSHIFT"
        if before in _BEFORE and not launches and after in _ARITHMETIC | _COMPARES:
            return not self.operators
        if before in _SUMS or (before == "TIMES" and self._multiplied(i)):
            return after in _AFTER and not self.operators
        if before in _COMPARES and not launches:
            return after in _COMPARED and not self.operators
        if not constant:
            return False
        if (before == "LT" and after in ("GT", "COMMA", "RSHIFT")) or (before == "COMMA" and after in ("GT", "RSHIFT")):
            return True  # of a template, or a launch: a declarator stands behind a type
        return (before in ("EQUALS", "RETURN") and after in ("SEMI", "COMMA")) or self._argument(i, declared)

    def _multiplied(self, i: int) -> bool:
        """`a * name` where `*` declares no pointer: behind a number, a size, or a name that is itself an operand."""
        tokens, left = self.tokens, i - 2
        if tokens[left].type == "RPAREN":
            bracket = self._opening.get(left, 0)
            return bracket > 0 and tokens[bracket - 1].type == "SIZEOF"
        return tokens[left].type in _NUMBERS or (
            tokens[left].type in _NAME and tokens[left - 1].type in _VALUED | {"PERIOD", "ARROW"}
        )

    def _argument(self, i: int, declared: int) -> bool:
        """Does the place stand by itself among the arguments of a function? `T (name);` is a declaration, in another block."""
        tokens, k = self.tokens, self._around[i]
        alone = tokens[i - 1].type in ("LPAREN", "COMMA") and tokens[i + 1].type in ("COMMA", "RPAREN")
        if not alone or k < 2 or tokens[k].type != "LPAREN" or tokens[k - 1].type != "ID":
            return False
        single = tokens[i - 1].type == "LPAREN" and tokens[i + 1].type == "RPAREN"
        again = declared >= 0 and self._around[i] == k and self._around[k] == self._around[declared]  # which may not be
        return not single or tokens[k - 2].type in _VALUED or (again and tokens[k - 2].type in _STARTS)

    def _called(self, i: int) -> bool:
        """Is a function called here, or a kernel launched?"""
        before, after, next_ = (self.tokens[k].type if 0 <= k < len(self.tokens) else "" for k in (i - 1, i + 1, i + 2))
        if before in _STARTS | {"RPAREN", "ELSE"}:
            return (after == "LSHIFT" and next_ == "LT") or after == "LT"
        return before in _VALUED and after == "LPAREN"

    # ------------------------------------------------------------------------------------------------ operands by value
    def _regions(self) -> Iterator[tuple[int, int, str]]:
        """(first token, past the last, what takes them) of the operands of launches and of objects of type dim3."""
        tokens = self.tokens
        for i, t in enumerate(tokens):
            if t.type == "LSHIFT" and i + 2 < len(tokens) and tokens[i + 1].type == "LT":
                end = launch_end(tokens, i)
                if end:
                    self._configured.update(range(i + 2, end))
                    yield i + 2, end, ""
                    yield end + 3, self._partner.get(end + 2, end + 3), launched(tokens, i) or "?"
            elif t.value == "dim3" and 0 < i < len(tokens) - 3:
                at = i + 1 if tokens[i - 1].type == "EQUALS" else i + 2
                declares = self._begins(i) or tokens[i - 1].type == "CONST" or str(tokens[i - 1].value) == "constexpr"
                named = at == i + 1 or (declares and tokens[i + 1].type in _NAME)
                end = self._partner.get(at, 0) if named and tokens[at].type in ("LPAREN", "LBRACE") else 0
                if end and end + 1 < len(tokens) and tokens[end + 1].type in ("SEMI", "COMMA"):
                    yield at + 1, end, "dim3"

    def _in_parentheses(self, i: int, start: int) -> bool:
        """Do parentheses alone stand around the token, as far as the place where its region starts?"""
        k = self._around[i]
        while k >= start and self._type(k) == "LPAREN":
            k = self._around[k]
        return k < start

    def _split(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The operands between commas; none where `<` or `>` might hold a comma that is no such."""
        if any(self.tokens[i].type in ("LT", "GT", "RSHIFT", "LSHIFT") for i in range(start, end)):
            return
        around, at = self._around[start - 1], start
        for i in range(start, end):
            if self.tokens[i].type == "COMMA" and self._around[i] in (around, start - 1):
                yield at, i
                at = i + 1
        yield at, end

    def _plain(self, start: int, end: int) -> list[int]:
        """The names in an operand that is arithmetic of names, numbers and functions by value; none in any other."""
        found = []
        for i in range(start, end):
            before = self.tokens[i - 1].type if i > start else "COMMA"
            after = self.tokens[i + 1].type if i + 1 < end else "COMMA"
            t, operator = self.tokens[i], before in _ARITHMETIC | {"LPAREN", "COMMA"}
            name = str(t.value)
            takes = self.keeps_type(name) if name == "dim3" else self._by_value(name)
            calls = t.type in _NAME and after == "LPAREN" and takes
            if t.type in _NAME and before != "PERIOD":
                good = operator and (calls or after in _ARITHMETIC | {"RPAREN", "COMMA", "PERIOD"})
                found += [i]
            elif t.type == "LPAREN":
                good = operator or before in _NAME  # whose calls are looked at there
            else:
                good = t.type in _NUMBERS | _ARITHMETIC | {"RPAREN", "COMMA", "PERIOD"} or before == "PERIOD"
            if not good or (self.operators and t.type in _ARITHMETIC):
                return []
        return found


_NUMBERS = frozenset(k for k in ("INT_CONST_DEC", "INT_CONST_HEX", "INT_CONST_OCT", "INT_CONST_BIN", "FLOAT_CONST"))


def launched(tokens: Tokens, at: int) -> str:
    """The kernel's name before `<<<`, which stands at `at`; template arguments left out."""
    i = at - 1
    while i > 0 and tokens[at - 1].type == "GT" and tokens[i].type != "LT":
        i -= 1
    i -= tokens[at - 1].type == "GT"
    return str(tokens[i].value) if i >= 0 else ""


def launch_end(tokens: Tokens, at: int) -> int:
    """Where `>>>(` stands that ends the configuration begun by `<<<` at `at`; 0 where it does not."""
    depth = 0
    for i in range(at + 2, len(tokens) - 2):
        if depth == 0 and tokens[i].type == "RSHIFT":
            return i if (tokens[i + 1].type, tokens[i + 2].type) == ("GT", "LPAREN") else 0
        depth += (tokens[i].type in OPEN) - (tokens[i].type in CLOSE)
        if depth < 0 or tokens[i].type == "SEMI":
            return 0
    return 0


# ------------------------------------------------------------------------------------------------ declarations
def _blocks(tokens: Tokens, at: int) -> list[int]:
    """The open braces around a place, outermost first."""
    out: list[int] = []
    for i in range(at):
        if tokens[i].type == "LBRACE":
            out.append(i)
        elif tokens[i].type == "RBRACE" and out:
            out.pop()
    return out


def _is_record(tokens: Tokens, brace: int) -> bool:
    """May this brace open the body of a struct or the like, whose variables are members?"""
    if brace == 0 or tokens[brace - 1].type not in _STARTS | {"RPAREN", "RBRACKET", "ELSE", "DO", "COLON"}:
        return True
    depth, i = 0, brace - 1
    while i >= 0 and not (depth == 0 and tokens[i].type in ("SEMI", "LBRACE")):
        depth += (tokens[i].type in CLOSE) - (tokens[i].type in OPEN)
        if depth == 0 and str(tokens[i].value) in _RECORDS:
            return True
        i -= 1
    return False


def _statements(tokens: Tokens) -> Iterator[int]:
    """Where a statement may start."""
    depth = 0
    for i, t in enumerate(tokens):
        depth += (t.type in ("LPAREN", "LBRACKET")) - (t.type in ("RPAREN", "RBRACKET"))
        if depth == 0 and t.type in ("SEMI", "LBRACE", "RBRACE"):
            yield i + 1


def _declared(tokens: Tokens, start: int) -> Iterator[Variable]:
    """The variables of the declaration that starts here, if it is one, of plain objects alone."""
    i, words, constant = start, list[str](), False
    while i + 1 < len(tokens):
        word = str(tokens[i].value)
        if word in ("const", "constexpr"):
            constant = True
        elif tokens[i].type in cp._TYPE_SPEC_SIMPLE or (tokens[i].type in _NAME and not words and _follows(tokens, i)):
            words.append(word)
        else:
            break
        i += 1
    while (
        words
        and i + 1 < len(tokens)
        and tokens[i].type in _NAME
        and tokens[i + 1].type in ("EQUALS", "LPAREN", "LBRACE")
    ):
        yield Variable(str(tokens[i].value), " ".join(words), constant, tokens[i + 1].type, i + 1)
        i = _end(tokens, i + 1)
        if i >= len(tokens) or tokens[i].type != "COMMA":
            return
        i += 1


def _follows(tokens: Tokens, i: int) -> bool:
    """Is this name a type: does another name, or `const`, come next?"""
    return tokens[i + 1].type in (*_NAME, "CONST") or str(tokens[i + 1].value) == "constexpr"


def _end(tokens: Tokens, i: int) -> int:
    """The comma or semicolon that ends a declarator."""
    depth = 0
    while i < len(tokens) and not (depth == 0 and tokens[i].type in ("COMMA", "SEMI")):
        depth += (tokens[i].type in OPEN) - (tokens[i].type in CLOSE)
        i += 1
    return i
