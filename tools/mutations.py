"""Small changes of a module's source, as a person may make them by mistake: one changed comparison, constant, argument and so on.

Only what a program does is changed: no annotation, docstring, decorator, assertion or text of a message.
"""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import dataclass

# Operator -> what it is changed to: the next boundary, and the opposite.
COMPARISONS: dict[type[ast.cmpop], tuple[str, tuple[str, ...]]] = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: (r"is\s+not", ("is",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: (r"not\s+in", ("in",)),
}
ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: (r"\+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: (r"\*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: (r"\*\*", "*"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: (r"\|", "&"),
}
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any"}
OF_TYPES = {"isinstance", "issubclass"}  # a swapped or changed type is an error at once
COMMUTATIVE = {*FUNCTIONS, "maximum", "minimum"}


@dataclass(frozen=True)
class Mutation:
    """A change of the bytes from `start` to `end`.

    Attributes:
        kind: what was changed, such as "comparison".
        line: the line, from 1.
    """

    kind: str
    line: int
    start: int
    end: int
    replacement: bytes

    def apply(self, source: bytes) -> bytes:
        """Return the changed source."""
        return source[: self.start] + self.replacement + source[self.end :]

    def diff(self, source: bytes, name: str) -> str:
        """Return the change as a unified diff of one line of context."""
        before, after = (text.decode("utf-8").splitlines() for text in (source, self.apply(source)))
        return "\n".join(difflib.unified_diff(before, after, name, f"{name} ({self.kind})", n=1, lineterm=""))


def mutations(source: bytes) -> list[Mutation]:
    """Return all changes of a module's source that are still Python, in the order of the source."""
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    different = {mutation.apply(source): mutation for mutation in sorted(finder.found, key=lambda one: one.start)}
    return [mutation for text, mutation in different.items() if _is_python(text)]


def _is_python(source: bytes) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


class _Finder(ast.NodeVisitor):
    def __init__(self, source: bytes) -> None:
        self.found: list[Mutation] = []
        self._source = source
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    # What is changed

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            pattern, others = COMPARISONS[type(operator)]
            for other in others:
                self._between("comparison", left, right, pattern, other)
        for side in sides:
            if not isinstance(side, ast.Tuple | ast.List | ast.Set):  # the order of `in (a, b)` does not matter
                self.visit(side)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        pattern, other = ARITHMETIC.get(type(node.op), ("", ""))
        if pattern and not _is_text(node):
            self._between("arithmetic", node.left, node.right, pattern, other)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if type(node.op) in ARITHMETIC:
            pattern, other = ARITHMETIC[type(node.op)]
            self._between("arithmetic", node.target, node.value, f"{pattern}=", f"{other}=")
        self._statement("statement removed", node)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._between("boolean", left, right, word, other)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._replace("negation removed", node, b"(" + self._text(node.operand) + b")")
        elif isinstance(node.op, ast.USub):
            self._replace("sign removed", node, self._text(node.operand))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._replace("constant", node, repr(not value).encode())
        elif isinstance(value, int):
            for other in (value + 1, value - 1):
                self._replace("constant", node, (f"({other})" if other < 0 else str(other)).encode())
        elif isinstance(value, float):
            for other in (value * 2 or 1.0, value / 2):
                self._replace("constant", node, repr(other).encode())
        elif isinstance(value, str) and value and not re.search(r"\s.*\S", value):  # one with words is a message
            self._replace("constant", node, repr(f"{value}x").encode())

    def visit_If(self, node: ast.If) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._condition(test)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in OF_TYPES:
            self.visit(node.args[0])
            return
        if isinstance(node.func, ast.Name) and name in FUNCTIONS:
            self._replace("function", node.func, FUNCTIONS[name].encode())
        if name not in COMMUTATIVE:
            self._swap("swapped arguments", node.args)
        self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        if isinstance(node.ctx, ast.Load):
            self._swap("swapped values", node.elts)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._statement("statement removed", node)
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets):
            self._statement("statement removed", node)
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            self._replace("nothing returned", node, b"return None")
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._statement("raise removed", node)  # what it says is a message

    def visit_Break(self, node: ast.Break) -> None:
        self._statement("statement removed", node)

    def visit_Continue(self, node: ast.Continue) -> None:
        self._statement("statement removed", node)

    # What is left as it is

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if any(isinstance(one, ast.Name) and one.id == "overload" for one in node.decorator_list):
            return
        for one in (*node.args.defaults, *node.args.kw_defaults, *node.body):
            if one is not None:
                self.visit(one)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for one in node.body:
            self.visit(one)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        for one in node.body:
            self.visit(one)

    def _ignore(self, node: ast.AST) -> None:
        pass

    # The parts of a formatted text have no true positions before Python 3.12, and it is a message as a rule.
    visit_JoinedStr = visit_Assert = visit_Import = visit_ImportFrom = _ignore  # noqa: N815

    # How

    def _condition(self, test: ast.expr) -> None:
        changed_elsewhere = (isinstance(test, ast.Compare) and len(test.ops) == 1) or (
            isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
        )
        if not changed_elsewhere:
            self._replace("condition negated", test, b"(not (" + self._text(test) + b"))")

    def _statement(self, kind: str, node: ast.stmt) -> None:
        self._replace(kind, node, b"pass")

    def _swap(self, kind: str, nodes: list[ast.expr]) -> None:
        if len(nodes) < 2 or any(isinstance(node, ast.Starred) for node in nodes[:2]):
            return
        first, second = nodes[:2]
        between = self._source[self._end(first) : self._start(second)]
        self._add(kind, first.lineno, self._start(first), self._end(second), self._text(second) + between + self._text(first))

    def _between(self, kind: str, left: ast.expr, right: ast.expr, pattern: str, other: str) -> None:
        """Change the operator between two expressions."""
        start, end = self._end(left), self._start(right)
        gap = self._source[start:end].decode("utf-8")
        changed = re.sub(pattern, lambda _: other, gap, count=1)
        self._add(kind, left.end_lineno or left.lineno, start, end, changed.encode("utf-8"))

    def _replace(self, kind: str, node: ast.expr | ast.stmt, replacement: bytes) -> None:
        self._add(kind, node.lineno, self._start(node), self._end(node), replacement)

    def _add(self, kind: str, line: int, start: int, end: int, replacement: bytes) -> None:
        if self._source[start:end] != replacement:
            self.found.append(Mutation(kind, line, start, end, replacement))

    def _start(self, node: ast.expr | ast.stmt) -> int:
        return self._lines[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None  # noqa: PT018
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.expr) -> bytes:
        return self._source[self._start(node) : self._end(node)]


def _is_text(node: ast.BinOp) -> bool:
    """Whether texts are put together: what comes of another operator is an error at once."""
    sides = (node.left, node.right)
    return any(isinstance(side, ast.JoinedStr) or isinstance(getattr(side, "value", None), str) for side in sides)
