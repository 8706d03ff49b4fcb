"""Diagnostic codes of the graph front end, TV03xx: code -> what it means and what to do."""

from __future__ import annotations

CODES: dict[str, str] = {
    "TV0301": "The file is not an ONNX model, or onnx's own checker rejects it. Export it again, or run `onnx.checker` on it to see the whole report.",
    "TV0302": "The graph is inconsistent: types or shapes of a node's operands do not fit its operator, a name is defined twice, "
    "a tensor is used before it is made, or has no type.",
    "TV0303": "A dimension of the graph is open (a `dim_param` or no size at all) and nothing says what it is. Bind a kernel "
    'parameter to it: `n = { symbol = "N", min = 1, max = 4096 }`, or name the dimension with `dim = "..."`.',
    "TV0304": "A shape, axis, index or another operand that must be known is not stored in the file. Save that tensor inline.",
    "TV0305": "A named input or output of the model (or of the `[model]` table) does not exist or cannot be cut there.",
    "TV0310": "The operator has no meaning in `tv`. `tv ops` lists the operators that have one.",
    "TV0311": "An attribute, or a value of one, changes the operator's meaning in a way that `tv` does not know. It is never ignored.",
    "TV0312": "The operator is known, but not on this element type.",
    "TV0313": "The operator is known, but this use of it is not: the message says which.",
    "TV0314": "A shape or index computation leaves affine arithmetic (a product of two open sizes, a division by one).",
    "TV0330": "A check of the graph's own index maps failed: `tv` has misread a shape. Please report the model.",
    "TV0320": "Two open sizes have to be equal (or one has to be 1) for the graph to make sense, and what is known of the symbols does not decide it.",
}

# What to do, where a message does not say it better.
FIXES: dict[str, str] = {
    "TV0301": "export the model anew, and run `onnx.checker.check_model` on it",
    "TV0302": "the model breaks ONNX's own rules: export it anew, and run `onnx.checker.check_model` with `full_check=True` on it",
    "TV0303": "bind a parameter to the dimension as a symbol, or export the model with fixed sizes",
    "TV0304": "store the tensor in the model: an initializer with its data, or a Constant",
    "TV0305": "`tv graph` prints the tensors that the model has",
    "TV0310": "`tv ops` lists the operators that have a meaning; `[model] inputs` and `outputs` cut the graph around this one",
    "TV0311": "export the model without it, or cut the graph around the node with `[model] inputs` and `outputs`",
    "TV0312": "cast the operands to a type that `tv ops` names, or cut the graph around the node",
    "TV0313": "write it with other operators, or cut the graph around the node with `[model] inputs` and `outputs`",
    "TV0314": "fix one of the sizes, or cut the graph around the node with `[model] inputs` and `outputs`",
    "TV0320": "give both sizes one symbol, or narrow their ranges",
    "TV0330": "this is a defect of tv: please report the kernel, the model and the specification",
}
