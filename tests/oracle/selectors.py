"""Label selectors (metav1.LabelSelector), and the two that compare with the subject's namespace."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]
Labels = dict[str, str]


def selects(selector: Manifest, labels: Labels) -> bool:
    """Tell whether a label selector selects something with these labels."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    return all(_holds(item, labels) for item in selector.get("matchExpressions") or [])


def _holds(expression: Manifest, labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return key not in labels or labels[key] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise ValueError(f"operator {expression['operator']}")


def selects_namespace(selector: Manifest, labels: Labels, subject: Labels) -> bool:
    """Tell whether a namespace with ``labels`` is selected, seen from the subject's namespace."""
    if "namespaceSelector" in selector:  # AdminNetworkPolicy's first spelling wraps it
        return selects_namespace(selector["namespaceSelector"], labels, subject)
    if "sameLabels" in selector:
        keys = selector["sameLabels"]
        comparable = bool(keys) and all(key in subject and key in labels for key in keys)
        return comparable and all(labels[key] == subject[key] for key in keys)
    if "notSameLabels" in selector:
        keys = selector["notSameLabels"]
        comparable = bool(keys) and all(key in subject and key in labels for key in keys)
        return comparable and any(labels[key] != subject[key] for key in keys)
    return selects(selector, labels)
