"""A cursor over a decoded manifest: every look reports what is wrong, with its place, and goes on.

A field that is null counts as absent, and an item that is null as ``{}`` or ``""``, as Go decodes
JSON. In custom resources null is not understood: a server drops it, whatever was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from msgspec import Struct

from ..errors import Place
from .hints.hint import (
    for_both,
    for_empty_list,
    for_field,
    for_list,
    for_mapping,
    for_number,
    for_string,
    for_word,
)
from .problems import OnUnknown, Problems, describe, number_text, one_of, path_text, quote

T = TypeVar("T")
NO_HINTS: Mapping[str, str] = MappingProxyType({})


class Cursor(Struct, frozen=True):
    """A value with its place; looks return None after they reported an error."""

    value: object
    place: Place
    problems: Problems
    custom: bool = False

    def error(self, message: str, hint: str = "") -> None:
        """Report that the value is wrong."""
        self.problems.error(self._message(message), self.place, hint)

    def warning(self, message: str, hint: str = "") -> None:
        """Report something about the value that does not stop the compilation."""
        self.problems.warning(self._message(message), self.place, hint)

    def unknown(self, message: str, hint: str = "") -> None:
        """Report a value that is not understood."""
        self.problems.unknown(self._message(message), self.place, hint)

    def condition(self, message: str, hint: str = "") -> None:
        """Report a wrong condition on labels; in a custom resource no server has looked at it."""
        if self.custom:
            self.undecided(message, hint)
        else:
            self.error(message, hint)

    def undecided(self, message: str, hint: str = "") -> None:
        """Report a condition on labels of which nobody can say whether it holds."""
        self.problems.undecided += 1
        self.unknown(message, hint)

    def _message(self, message: str) -> str:
        where = path_text(self.place.path)
        return f"{where}: {message}" if where else message

    def child(self, step: str | int, value: object) -> Cursor:
        """Return a value inside this one."""
        return Cursor(value, self.place.child(step), self.problems, self.custom)

    def mapping(self) -> dict[str, Cursor] | None:
        """Return the entries of a mapping that are not null; none if it is null."""
        entries = self.entries()
        if entries is None:
            return None
        return {key: field for key, field in entries.items() if field.value is not None}

    def entries(self, known: Sequence[str] = ()) -> dict[str, Cursor] | None:
        """Return all entries of a mapping, none if it is null; hints speak of what is known."""
        if self.value is None and not self.custom:
            return {}
        if not isinstance(self.value, dict):
            hint = for_mapping(self.place.path, self.value, known)
            self.error(f"must be a mapping, not {describe(self.value)}", hint)
            return None
        child = self.child
        return {key: child(key, value) for key, value in self.value.items()}

    def strings(self) -> dict[str, Cursor]:
        """Return the entries of a mapping from strings to strings, in which null is ``""``."""
        entries = self.entries() or {}
        return {key: field for key, field in entries.items() if field.is_understood()}

    def is_understood(self, hint: str = "") -> bool:
        """Tell whether the value is not null, or may be; report that it may not."""
        if self.value is None and self.custom:
            self.unknown("must not be null", hint)
            return False
        return True

    def fields(self, *known: str, hints: Mapping[str, str] = NO_HINTS) -> ObjectCursor | None:
        """Return the known fields of a mapping; report the others, with hints for some."""
        entries = self.entries(known)
        if entries is None:
            return None
        present, refused = {}, []
        for key in known:
            field = entries.get(key)
            if field is not None and field.value is not None:
                present[key] = field
            elif field is not None and not field.is_understood(hints.get(key, "")):
                refused.append(key)
        strange = [key for key in entries if key not in known]
        fields = ObjectCursor(self, present, strange, refused)
        if strange:
            fields.report_strange(known, hints)
        return fields

    def items(self, minimum: int, maximum: int | None = None) -> tuple[Cursor, ...]:
        """Return the items of a list, after a report if there are too few or too many."""
        if not isinstance(self.value, list):
            hint = for_list(self.place.path, self.value)
            self.error(f"must be a list, not {describe(self.value)}", hint)
            return ()
        count = len(self.value)
        if count < minimum:
            self.error("must not be empty", for_empty_list(self.place.path))
        if maximum is not None and count > maximum:
            self.error(f"must have at most {maximum} items, not {count}")
        return tuple([self.child(index, value) for index, value in enumerate(self.value)])

    def string(self, maximum: int | None = None) -> str | None:
        """Return a string of at most so many characters."""
        if self.value is None and not self.custom:
            return ""
        if not isinstance(self.value, str):
            hint = for_string(self.place.path, self.value)
            self.error(f"must be a string, not {describe(self.value)}", hint)
            return None
        if maximum is not None and len(self.value) > maximum:
            self.error(f"must have at most {maximum} characters, not {len(self.value)}")
            return None
        return self.value

    def integer(self, low: int, high: int) -> int | None:
        """Return a whole number between low and high, both included."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            hint = for_number(self.place.path, self.value)
            self.error(f"must be a whole number, not {describe(self.value)}", hint)
            return None
        if not low <= self.value <= high:
            self.error(f"must be between {low} and {high}, not {number_text(self.value)}")
            return None
        return self.value

    def choice(self, choices: Mapping[str, T], report: Report | None = None) -> T | None:
        """Return what one of the words stands for; ``report`` reports others, if not as errors."""
        word = self.string()
        if word is None:
            return None
        if word not in choices:
            hint = for_word(self.place.path, word, choices)
            report = report or Cursor.error
            report(self, f"must be {one_of(tuple(choices))}, not {quote(word)}", hint)
            return None
        return choices[word]


Report = Callable[..., None]
"""A method of Field that reports: the field, a message, a hint if there is one."""


class ObjectCursor(Struct, frozen=True):
    """The known fields of a mapping that are present; ``strange`` are its unknown keys.

    ``refused`` are known fields that were reported because they are null.
    """

    owner: Cursor
    present: Mapping[str, Cursor]
    strange: Sequence[str]
    refused: Sequence[str]

    @property
    def is_empty(self) -> bool:
        """Tell whether the mapping has no field, known, unknown or null."""
        return not (self.present or self.strange or self.refused)

    def get(self, name: str) -> Cursor | None:
        """Return a field if it is present."""
        return self.present.get(name)

    def require(self, name: str) -> Cursor | None:
        """Return a field; report its absence, which is an error whatever becomes of the unknown."""
        found = self.present.get(name)
        reported = name in self.refused and self.owner.problems.on_unknown is OnUnknown.ERROR
        if found is None and not reported:
            self.owner.error(f"the field '{name}' is required")
        return found

    def read(self, name: str, look: Callable[[Cursor], T | None], default: T) -> T:
        """Return what a look at an optional field gives, or the default."""
        found = self.present.get(name)
        value = None if found is None else look(found)
        return default if value is None else value

    def items(self, name: str, minimum: int = 0, maximum: int | None = None) -> tuple[Cursor, ...]:
        """Return the items of an optional list; none if it is absent."""
        found = self.present.get(name)
        return () if found is None else found.items(minimum, maximum)

    def only(self, names: Iterable[str]) -> Cursor | None:
        """Return the one field of these that is present; report two, but not the lack of any."""
        found = [name for name in names if name in self.present]
        if len(found) > 1:
            self.owner.error(f"only one of {one_of(found, 'and')} can be set", for_both(found))
            return None
        return self.present[found[0]] if found else None

    def report_strange(self, known: Sequence[str], hints: Mapping[str, str]) -> None:
        """Report keys that are not known, each at its place."""
        path, values = self.owner.place.path, self.owner.value
        for name in self.strange:
            value = values.get(name) if isinstance(values, dict) else None
            self.owner.problems.unknown(
                f"{path_text((*path, name))}: unknown field",
                self.owner.place.key(name),
                hints.get(name) or for_field(path, name, value, known),
            )


def understood(field: Cursor, look: Callable[[Cursor], T | None]) -> T | None:
    """Return whom a policy may select: an unknown part is an error, as nothing can fail closed.

    A condition that nobody can say whether it holds was left out: who meets the others may be
    selected, and for them all rules must fail closed.
    """
    problems = field.problems
    before = problems.unknowns - problems.undecided
    value = look(field)
    unknown = problems.unknowns - problems.undecided > before
    if unknown and problems.on_unknown is OnUnknown.FAIL_CLOSED:
        field.error("whom the policy selects cannot be told", "an unknown field may change it")
        return None
    return value
