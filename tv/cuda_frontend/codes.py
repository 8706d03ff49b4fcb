"""The diagnostic codes of the CUDA readers, with the paragraph that `tv explain` prints."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0101": "The kernel file cannot be opened.",
    "TV0102": "The kernel file is not text that a compiler could read: it is not UTF-8, holds null bytes, or is larger than the reader's "
    "limit of 2 MiB. Check the kernel apart from generated tables.",
    "TV0103": "A comment, string or character literal is opened and never closed.",
    "TV0104": "Brackets, statements or expressions are nested deeper than the reader follows, or a few lines stand for very much: macros that "
    "expand to macros, functions that call each other twice, a value of a million scalars. The limits keep a damaged or hostile file from "
    "exhausting the stack, the memory and your patience.",
    "TV0105": "The preprocessor stopped: `#error`, a directive that is not well formed, a macro used with the wrong number of "
    "arguments, an `#if` that is never closed.",
    "TV0106": "An `#include` was not found. Only the folder of the including file (by quotes, not by angle brackets), the folders named by "
    "`include` (or -I), and the reader's own headers for CUDA names are searched, in this order; nothing else on the machine is read.",
    "TV0107": "An `#if` asks for the value of a macro that is not defined. The C standard would take it as 0 and silently "
    "choose a branch; a proof about the wrong branch is worth nothing, so define the macro (`defines`, -D) or use `#ifdef`. "
    "Or what a macro becomes here is another's choice: a call of it with a directive inside, `__LINE__` after `#line` or in a statement "
    "over several lines, `__COUNTER__`, `defined` that comes out of a macro, `assert` where NDEBUG has changed.",
    "TV0108": "The file is not the C or CUDA C++ that the reader knows: a syntax error at this place. Where the file uses words of C++ and "
    "nothing shows that the text is damaged, it is called unsupported: a compiler may well take it.",
    "TV0109": "A user's macro or declaration has the name of a CUDA built-in, or of a macro that nvcc has from its headers. Its uses would mean one thing to the compiler and "
    "another to a reader that knows the built-in, so it is refused; rename it.",
    "TV0110": "A lexical construct that is legal but not read: trigraphs, digraphs, raw strings, multi-character constants, wide literals, "
    "names with `$` or with letters beyond ASCII.",
    "TV0111": "A language construct that the reader does not turn into Kernel IR. It is named in the message. Nothing is guessed: "
    "rewrite the construct, or try the other reader with `--frontend clang`.",
    "TV0112": "A name that is neither declared in the file nor a CUDA built-in that the reader knows. If it is a built-in, its meaning has "
    "to be written down before a proof may use it; the help line names the nearest known one.",
    "TV0113": "A type error: an operation on operands for which C++ or CUDA defines none, or a conversion that does not exist.",
    "TV0114": "Two parts of one expression, whose order the language leaves open, change and use the same variable or memory. "
    "What the compiler makes of it is its own choice; write two statements.",
    "TV0115": "A pointer that may point into one of several memory objects, depending on data or on the path taken. Every access must name "
    "one object; use an offset into one array, or branch on the condition and write the accesses twice.",
    "TV0116": "A device function that calls itself, directly or through others. Functions are inlined, so recursion has no finite form.",
    "TV0117": "An expression that has to be a constant here (an array extent, a shuffle width, a wait count, a `static_assert`) is not one.",
    "TV0118": "A `static_assert` of the file is false for this build.",
    "TV0119": "A `return` inside a loop, or at a place that is not the end of a path, of a device function that is inlined.",
    "TV0120": "A compile option whose effect on every arithmetic operation is not modelled (`ftz`, `fast_math`, `prec_div = false`, "
    "`prec_sqrt = false`).",
    "TV0121": "The launch names a kernel, or an instance of a template, that the file does not define.",
    "TV0122": "A definition appears twice, or two with different types share a name.",
    "TV0123": "The libclang reader is not available, or refused a construct, by name.",
    "TV0124": "A variable is read on a path on which nothing was assigned to it, or in its own initializer, where it is already "
    "in scope and hides an outer variable of that name.",
    "TV0125": "A `#pragma` whose effect is not known to the reader.",
    "TV0126": "A pointer is used after the scope of the local variable that it points to has ended: the function has returned, or the "
    "block is left. The memory then belongs to nobody, and compilers make what they like of the access.",
    "TV0127": "A store to a variable that was defined `const`, through a pointer or reference whose `const` was cast away. Compilers "
    "may take the variable's first value wherever it is read.",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0101": "name an existing file that may be read",
    "TV0113": "convert one of the operands, as nvcc would ask for it",
    "TV0117": "use a number, a macro or a `constexpr`",
    "TV0122": "rename one of them",
    "TV0123": "write it with plain structs and `__device__` functions",
}
