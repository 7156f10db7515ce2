"""Small changes to a module, each of which some test should notice."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_NAMES = {
    "DROP": "RETURN",
    "RETURN": "DROP",
    "ACCEPT": "DROP",
    "INGRESS": "EGRESS",
    "EGRESS": "INGRESS",
    "SADDR": "DADDR",
    "DADDR": "SADDR",
    "IPV4": "IPV6",
    "IPV6": "IPV4",
    "TCP": "UDP",
    "_ACCEPT": "_DENY",
    "_DENY": "_ACCEPT",
    "_INGRESS": "_EGRESS",
    "_EGRESS": "_INGRESS",
    "Jump": "Goto",
    "Goto": "Jump",
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "sorted": "list",
}
"""Verdicts, directions, fields, families, and functions that are easily mistaken."""


@dataclass(frozen=True, slots=True)
class Change:
    """One piece of a module, by its place, and what stands there instead."""

    line: int
    column: int
    end_line: int
    end_column: int
    before: str
    after: str

    def applied(self, source: str) -> str:
        """Return the module with the change; columns are bytes, as `ast` counts them."""
        lines = source.encode().split(b"\n")
        first, last = self.line - 1, self.end_line - 1
        head, tail = lines[first][: self.column], lines[last][self.end_column :]
        lines[first : last + 1] = [head + self.after.encode() + tail]
        return b"\n".join(lines).decode()


def changes(source: str) -> list[Change]:
    """Return all changes to a module, in the order of their places."""
    tree = ast.parse(source)
    quiet = {id(part) for node in ast.walk(tree) for part in _unjudged(node)}
    found = [
        Change(
            node.lineno,
            node.col_offset,
            node.end_lineno or node.lineno,
            node.end_col_offset or node.col_offset,
            ast.unparse(node),
            f"({ast.unparse(other)})" if isinstance(node, ast.expr) else ast.unparse(other),
        )
        for node in ast.walk(tree)
        if id(node) not in quiet and isinstance(node, ast.expr | ast.Continue | ast.Break)
        for other in _others(node)
    ]
    return sorted(found, key=lambda each: (each.line, each.column, each.after))


def _unjudged(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node that have no effect, or are cut at other places: types, texts."""
    match node:
        case ast.FunctionDef(args=arguments, returns=returns, decorator_list=decorators):
            annotated = [a.annotation for a in ast.walk(arguments) if isinstance(a, ast.arg)]
            for part in (*annotated, returns, *decorators):
                yield from ast.walk(part) if part else ()
        case ast.AnnAssign(annotation=annotation):
            yield from ast.walk(annotation)
        case ast.Assign(value=ast.Subscript() | ast.BinOp(op=ast.BitOr()) as alias):
            yield from ast.walk(alias)
        case ast.JoinedStr() | ast.Raise() | ast.Assert() | ast.match_case():
            yield from ast.walk(node.pattern if isinstance(node, ast.match_case) else node)
        case ast.Call(func=ast.Name(id="isinstance" | "assert_never")):
            yield from ast.walk(node)
        case ast.keyword(arg="strict" | "gc"):  # what zip forbids does not happen; gc is speed
            yield from ast.walk(node)


def _others(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:
    """Yield what the node becomes; operators first."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=right) if type(op) in _COMPARISONS:
            yield ast.Compare(left, [_COMPARISONS[type(op)]()], right)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            yield values[0]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            yield ast.BinOp(left, _OPERATORS[type(op)](), right)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield ast.IfExp(test, orelse, body)
        case _:
            yield from _other_values(node)


def _other_values(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:
    match node:
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
        case ast.Attribute(value=value, attr=name) if name in _NAMES:
            yield ast.Attribute(value, _NAMES[name])
        case ast.Name(id=name, ctx=ast.Load()) if name in _NAMES:
            yield ast.Name(_NAMES[name])
        case ast.Tuple(elts=[*first, _], ctx=ast.Load()) if len(first) > 1:
            yield ast.Tuple(first, ast.Load())
        case ast.Continue():
            yield ast.Pass()
        case _:
            return
