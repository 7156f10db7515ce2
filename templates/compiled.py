"""The templates of this folder as functions; tests/compiled_templates.py writes them."""

from __future__ import annotations

from typing import Any


def ipset(*, header: Any, sets: Any) -> str:
    """Return the text of ipset.j2."""
    parts: list[object] = []
    for line in header:
        parts += ["#", (" " if line else ""), line, "\n"]
    parts += ["\n# Loaded by ipset restore, before the rules of both families.\n"]
    for set in sets:
        parts += ["\n# ", set.name, ": ", set.note, "\n"]
        if set.aside:
            parts += ["create ", set.aside, " ", set.parameters, " -exist\nflush ", set.aside, "\n"]
            for entry in set.entries:
                parts += ["add ", set.aside, " ", entry, "\n"]
            parts += [
                "create ",
                set.name,
                " ",
                set.parameters,
                " -exist\nswap ",
                set.aside,
                " ",
                set.name,
                "\ndestroy ",
                set.aside,
                "\n",
            ]
        else:
            parts += ["create ", set.name, " ", set.parameters, " -exist\n"]
    return "".join(map(str, parts))


def iptables(*, header: Any, hooks: Any, tables: Any, unused: Any) -> str:
    """Return the text of iptables.j2."""
    parts: list[object] = []
    for line in header:
        parts += ["#", (" " if line else ""), line, "\n"]
    parts += [
        "\n# Loaded by iptables-restore --noflush (ip6tables-restore for IPv6), after the sets.\n"
    ]
    for table, chains in tables.items():
        parts += ["*", table, "\n"]
        for chain in chains:
            parts += [":", chain.name, " - [0:0]\n"]
        for chain in unused:
            parts += [":", chain, " - [0:0]\n"]
        for chain in chains:
            parts += ["\n# ", chain.note, "\n"]
            for rule in chain.rules:
                parts += [rule, "\n"]
        parts += ["\n"]
        for hook in hooks:
            parts += ["-I ", hook, " 1 -j CNPC-", hook, "\n"]
        parts += ["\n# Chains that another version may have left, declared above.\n"]
        for chain in unused:
            parts += ["-X ", chain, "\n"]
        parts += ["COMMIT\n\n"]
    parts += [
        "# The jumps that an earlier load had placed go. The first load after a boot has none, and ends here\n# with an error and everything in place; loading again ends well.\n"
    ]
    for table in tables:
        parts += ["*", table, "\n"]
        for hook in hooks:
            parts += [
                "-D ",
                hook,
                " -j CNPC-",
                hook,
                "\n-D ",
                hook,
                " -j CNPC-",
                hook,
                "\n-I ",
                hook,
                " 1 -j CNPC-",
                hook,
                "\n",
            ]
        parts += ["COMMIT\n"]
    return "".join(map(str, parts))


def nftables(*, chains: Any, header: Any, tables: Any) -> str:
    """Return the text of nftables.j2."""
    parts: list[object] = []
    for line in header:
        parts += ["#", (" " if line else ""), line, "\n"]
    parts += [
        "\n# Declared, deleted and declared again: whatever was there, this is all that there is afterwards.\ntable inet cnpc\ndelete table inet cnpc\ntable inet cnpc {\n"
    ]
    for kind, name, type, properties, elements, _ in tables:
        parts += ["\t", kind, " ", name, " {\n\t\ttype ", type, "\n"]
        for property in properties:
            parts += ["\t\t", property, "\n"]
        if elements:
            parts += ["\t\telements = {\n\t\t\t", elements, "\n\t\t}\n"]
        parts += ["\t}\n\n"]
    for index, (name, lines, _) in enumerate(chains, 1):
        parts += ["\tchain ", name, " {\n"]
        if lines:
            parts += ["\t\t", lines, "\n"]
        parts += ["\t}\n"]
        if not index == len(chains):
            parts += ["\n"]
    parts += ["}\n"]
    return "".join(map(str, parts))
