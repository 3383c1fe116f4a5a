"""
What a mapping makes of one prospect: the values that its rules find, and how they enter a record.

Theory. A value enters a new record before anything else does; into one that is there it fills a blank, or replaces what
is there if its rule overwrites. What belongs together (`GROUPS`) enters as a whole, blanks included, or not at all:
over what is there only if nothing known would be lost. A value that its target cannot hold is a reason to refuse.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final, TypeVar

import attrs
from attrs import frozen

from leadflow.conversion.mapping import ConversionMapping, Rule
from leadflow.conversion.mappingpaths import GROUPS, TARGETS, custom, kind_of, values_of
from leadflow.conversion.refusals import RefusalCode, RefusalReason
from leadflow.discovery import NOTHING_LEARNT
from leadflow.errors import InvalidError
from leadflow.fields import Fields, FieldValue
from leadflow.party import Company, Person
from leadflow.prospect import Prospect
from leadflow.validation import shown, text

__all__ = ["Mapped", "blank"]

_Party = TypeVar("_Party", Person, Company)

_NAMES: Final = (".name", ".source", ".campaign")
# Where a record keeps who it is about.
_PARTIES: Final[Mapping[type, str]] = {Person: "contact.person", Company: "account.company"}


def blank(value: object) -> bool:
    """Whether nothing is known of something."""
    return value is None or value in ((), frozenset(), NOTHING_LEARNT)


@frozen(slots=False)  # what is found in the prospect is found once, on first use
class Mapped:
    """
    A mapping and the prospect it is applied to.

    Attributes:
        mapping: The rules.
        prospect: Whose values they read.
    """

    mapping: ConversionMapping
    prospect: Prospect

    @cached_property
    def found(self) -> Mapping[str, tuple[FieldValue, Rule]]:
        """The values that are known, by target, each with its rule."""
        if not self.mapping:
            return {}
        known = values_of(self.prospect)
        return {rule.target: (known[rule.source], rule) for rule in self.mapping.rules if rule.source in known}

    @cached_property
    def misfits(self) -> Mapping[str, str]:
        """Which values their targets cannot hold, by target, and why."""
        if not self.found:
            return {}
        wrong = dict(self._wrong())
        for kind, path in _PARTIES.items():
            try:
                kind("x", **{name: value for name, value in self._under(path).items() if name != "name"})
            except InvalidError as error:
                for problem in error.problems:
                    wrong.setdefault(f"{path}.{problem.path.partition('[')[0]}", problem.message)
        return wrong

    def reasons(self) -> tuple[RefusalReason, ...]:
        """Return why values cannot go where the mapping sends them."""
        return tuple(
            RefusalReason(
                RefusalCode.INVALID_VALUE, f"{rule}, from {self.found[target][1].source!r} by the mapping", path=target
            )
            for target, rule in self.misfits.items()
        )

    def _wrong(self) -> Iterator[tuple[str, str]]:
        for target, (value, rule) in self.found.items():
            kind = self.mapping.kind_of(rule.source) or self.mapping.kind_of(target)
            problem = text("", value) if target.endswith(_NAMES) and target in TARGETS else None
            if kind is not None and kind_of(value) is not kind:
                yield target, f"must hold {kind.value}, got {shown(value)}"
            elif problem is not None:
                yield target, problem.message

    def of(self, target: str, held: object = None) -> FieldValue | None:
        """Return what goes to a target that now holds something; None: nothing does."""
        value, rule = self.found.get(target, (None, None))
        return value if rule is not None and (blank(held) or rule.overwrite) else None

    def fields(self, kind: str, held: Fields, *, is_heir: bool) -> Fields:
        """
        Return the custom fields of a record of a kind that holds some now.

        Args:
            kind: ``account``, ``contact`` or ``opportunity``.
            held: What it holds.
            is_heir: Whether the fields that no rule names go to it.
        """
        new: dict[str, FieldValue] = {}
        for target in self.found:
            name = custom(target, kind)
            value = None if name is None else self.of(target, held.get(name))
            if name is not None and value is not None:
                new[name] = value
        if is_heir:
            claimed = self.mapping.claimed
            loose = {n: v for n, v in self.prospect.fields.items() if n not in claimed and n not in held}
            new = {**loose, **new}
        return Fields({**held, **new}) if new else held

    def into(self, party: _Party, *, is_new: bool = False) -> _Party:
        """Return a person or company with what is mapped to it; the same object if nothing changes."""
        found = self._under(_PARTIES[type(party)])
        if not found:
            return party
        together = {name for group in GROUPS[type(party)] for name in group}
        changes = {
            name: value
            for name, value in found.items()
            if name not in together and (is_new or blank(getattr(party, name)) or self._overwrites(party, name))
        }
        for group in GROUPS[type(party)]:
            wanted = {name: found.get(name) for name in group}
            if any(wanted.values()) and (is_new or self._enters(party, wanted)):
                changes |= wanted
        changes = {name: value for name, value in changes.items() if getattr(party, name) != value}
        return attrs.evolve(party, **changes) if changes else party

    def _enters(self, party: Person | Company, wanted: Mapping[str, Any]) -> bool:
        held = {name: getattr(party, name) for name in wanted}
        if any(self._overwrites(party, name) for name in wanted):
            return all(wanted[name] is not None for name, value in held.items() if value is not None)
        return all(value in (None, wanted[name]) for name, value in held.items())

    def _overwrites(self, party: Person | Company, name: str) -> bool:
        found = self.found.get(f"{_PARTIES[type(party)]}.{name}")
        return found is not None and found[1].overwrite

    def _under(self, path: str) -> dict[str, Any]:
        prefix = f"{path}."
        return {
            target.removeprefix(prefix): value for target, (value, _) in self.found.items() if target.startswith(prefix)
        }
