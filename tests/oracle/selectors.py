"""Label selectors (metav1.LabelSelector), and the two that compare with the subject's namespace."""

from __future__ import annotations

import re
from typing import Any

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
PREFIX = re.compile(r"([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?/")

Manifest = dict[str, Any]
Labels = dict[str, str]


def selects(selector: Manifest, labels: Labels) -> bool:
    """Tell whether a label selector selects something with these labels."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != (value or ""):  # null is ""
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


def is_decided(selector: Manifest) -> bool:
    """Tell whether it can be said of each condition whether it holds."""
    return decided_part(selector) == selector


def decided_part(selector: Manifest) -> Manifest:
    """Return the selector without the conditions of which nobody can say whether they hold."""
    part = dict(selector)
    if labels := selector.get("matchLabels"):
        part["matchLabels"] = {
            key: value for key, value in labels.items() if _is_key(key) and _is_value(value or "")
        }
    if expressions := selector.get("matchExpressions"):
        part["matchExpressions"] = [item for item in expressions if _is_decided(item)]
    return part


def _is_decided(expression: Manifest) -> bool:
    values = expression.get("values") or []
    has_values = expression["operator"] in ("In", "NotIn")
    return (
        _is_key(expression["key"])
        and expression["operator"] in ("In", "NotIn", "Exists", "DoesNotExist")
        and bool(values) == has_values
        and all(map(_is_value, values))
    )


def _is_key(key: str) -> bool:
    return NAME.fullmatch(PREFIX.sub("", key, count=1)) is not None


def _is_value(value: str) -> bool:
    return not value or NAME.fullmatch(value) is not None


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
