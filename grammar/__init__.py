"""Grammars of the text forms: the printed Program (ir.lark)."""
