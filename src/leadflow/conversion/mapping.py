"""
Mapping: which field of a prospect goes to which field of an account, contact or deal, declared by the host.

Theory. Without a mapping everything lands where `leadflow.conversion.carrying` says. A `Rule` sends one more value
somewhere: from an attribute or custom field to another. It fills blanks; `overwrite` replaces what an existing record
has, field by field and only where it says so. A custom field that has a rule goes where its rules say, and only there;
any other value lands where it would anyway, too. The whole is data, checked when it is built: unknown paths, values
that do not fit, two sources for one target, and half of what only makes sense together are all refused, at once.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

from leadflow.conversion.mappingpaths import SOURCES, TARGETS, FieldKind, custom, group_of
from leadflow.errors import Problem, did_you_mean
from leadflow.fields import NO_FIELDS, Fields, fields_problems, to_fields
from leadflow.validation import built, check, code, coded, each, instance, invalid, member, shown, to_tuple

__all__ = ["NO_MAPPING", "ConversionMapping", "Rule"]

_RECORDS: Final = ("account", "contact", "opportunity")
_to_kind = member(FieldKind)


@frozen
class Rule:
    """
    One value and where it goes.

    >>> Rule("fields.branch", "account.company.industry")
    Rule(source='fields.branch', target='account.company.industry', overwrite=False)

    Attributes:
        source: Path in the prospect, e.g. ``person.department``, ``estimated_value``, ``discovery.need`` or
            ``fields.seats``.
        target: Path in what is made or used, e.g. ``account.company.industry``, ``contact.person.handle``,
            ``opportunity.expected_close`` or ``opportunity.fields.seats``.
        overwrite: Whether it replaces what an existing record has there.
    """

    source: str
    target: str
    overwrite: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check(
            "Rule",
            _path("source", self.source, SOURCES),
            _path("target", self.target, TARGETS, *_RECORDS),
            instance("overwrite", self.overwrite, bool, "True or False"),
        )

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}{' (overwriting)' if self.overwrite else ''}"


def _path(path: str, value: object, known: Iterable[str], *owners: str) -> Problem | None:
    wrong = code(path, value)
    if wrong is not None:
        return wrong
    given = str(value)
    name = custom(given, *owners)
    if name is not None:
        return code(path, name)
    prefixes = [f"{owner}.fields.<name>" for owner in owners] or ["fields.<name>"]
    if given in known:
        return None
    hint = did_you_mean(given, [*known, *prefixes])
    return Problem(path, f"is unknown: {shown(value)}{hint}")


def _rules(values: Iterable[Rule]) -> tuple[Rule, ...]:
    given: Any = dict(values) if isinstance(values, Mapping) else values
    if isinstance(given, dict):
        given = _from_pairs(given)
    rules = to_tuple(given)
    if isinstance(rules, tuple) and all(isinstance(rule, Rule) for rule in rules):
        return tuple(sorted(rules, key=lambda rule: (rule.target, rule.source)))
    return rules


def _from_pairs(given: Mapping[Any, Any]) -> tuple[Rule, ...]:
    """Return a rule for each source and target; what is wrong with any of them is said at once."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    for source, targets in given.items():
        for target in targets if isinstance(targets, list | tuple) else (targets,):
            try:
                rules.append(Rule(source, target))
            except ValueError as error:
                problems += [problem.under(f"rules[{source!r}]") for problem in getattr(error, "problems", ())]
    if problems:
        raise invalid("ConversionMapping", *problems)
    return tuple(rules)


def _kinds(values: Mapping[str, Any]) -> Fields:
    # `Fields` are what a mapping from names to values is here: immutable, hashable, picklable.
    given: Any = values
    return to_fields({path: _to_kind(kind) for path, kind in given.items()} if isinstance(given, Mapping) else given)


@frozen
class ConversionMapping:
    """
    The rules by which values go to fields of the host's own choice.

    >>> mapping = ConversionMapping({"fields.seats": "opportunity.fields.seats"}, kinds={"fields.seats": "integer"})
    >>> ConversionMapping.from_dict(mapping.to_dict()) == mapping
    True

    Attributes:
        rules: `Rule` values, or a mapping from source to target (or a list of them); kept sorted.
        kinds: What kind of value custom fields hold, by path (``fields.seats``, ``account.fields.tier``): a `FieldKind`
            or its value. Needed for a custom field that goes to an attribute; elsewhere checked where it is given.

    Raises:
        InvalidError: Naming every unknown path, every value that does not fit its target, every target with two
            sources, and every rule that would move a part of what belongs together.
    """

    rules: tuple[Rule, ...] = field(default=(), converter=_rules)
    kinds: Fields = field(default=NO_FIELDS, kw_only=True, converter=_kinds)

    def __attrs_post_init__(self) -> None:
        strange = [*each("rules", self.rules, instance, Rule, "a Rule"), *self._kind_problems()]
        check("ConversionMapping", *(strange if any(strange) else self._problems()))

    def __bool__(self) -> bool:
        return bool(self.rules)

    def _kind_problems(self) -> list[Problem | None]:
        problems: list[Problem | None] = [*fields_problems("kinds", self.kinds)]
        if problems:
            return problems
        for path, kind in self.kinds.items():
            at = f"kinds[{path!r}]"
            if not (custom(path) or custom(path, *_RECORDS)):
                problems.append(Problem(at, "must be the path of a custom field, e.g. 'fields.seats'"))
            problems.append(coded(at, kind, FieldKind))
        return problems

    def _problems(self) -> Iterable[Problem | None]:
        by_target: dict[str, list[Rule]] = {}
        for rule in self.rules:
            by_target.setdefault(rule.target, []).append(rule)
        for target, rules in by_target.items():
            if len(rules) > 1:
                sources = ", ".join(repr(rule.source) for rule in rules)
                yield Problem(target, f"must have one source, got {sources}")
            yield from (self._misfit(rule) for rule in rules)
            yield _half(rules[0], by_target)

    def _misfit(self, rule: Rule) -> Problem | None:
        target, source = self.kind_of(rule.target), self.kind_of(rule.source)
        if target is None or source is target:
            return None
        if source is None:
            message = f"holds {target.value}; say what {rule.source!r} holds, with kinds={{{rule.source!r}: ...}}"
            return Problem(rule.target, message)
        return Problem(rule.target, f"holds {target.value}, got {rule.source!r}, which holds {source.value}")

    def kind_of(self, path: str) -> FieldKind | None:
        """Return what kind of value a source or target holds; None for a custom field of which that is not said."""
        declared = self.kinds.get(path)
        return FieldKind(str(declared)) if declared is not None else SOURCES.get(path, TARGETS.get(path))

    @property
    def claimed(self) -> frozenset[str]:
        """The names of the prospect's custom fields that have a rule."""
        names = (custom(rule.source) for rule in self.rules)
        return frozenset(name for name in names if name is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return the mapping as plain values, e.g. for JSON."""
        return {
            "rules": [
                {"source": rule.source, "target": rule.target, **({"overwrite": True} if rule.overwrite else {})}
                for rule in self.rules
            ],
            "kinds": {path: str(kind) for path, kind in self.kinds.items()},
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "ConversionMapping":
        """
        Return the mapping that `to_dict` made plain.

        Raises:
            InvalidError: Naming everything that is unknown, missing or wrong, with its path.
        """
        check("ConversionMapping.from_dict", instance("", plain, Mapping, "a mapping"))
        problems: list[Problem | None] = [
            Problem(f"[{name!r}]", f"is unknown{did_you_mean(str(name), ('rules', 'kinds'))}")
            for name in plain
            if name not in ("rules", "kinds")
        ]
        rules: list[Rule] = []
        given = plain.get("rules", ())
        if not isinstance(given, (list, tuple)):
            problems.append(Problem("rules", f"must be a list, got {shown(given)}", is_type=True))
            given = ()
        for position, item in enumerate(given):
            path = f"rules[{position}]"
            if not isinstance(item, Mapping) or not {"source", "target"} <= item.keys() <= _PARTS:
                rule = f"must be a mapping with source, target and perhaps overwrite, got {shown(item)}"
                problems.append(Problem(path, rule, is_type=not isinstance(item, Mapping)))
                continue
            try:
                rules.append(Rule(**item))
            except ValueError as error:
                problems += [problem.under(path) for problem in getattr(error, "problems", ())]
        return built("ConversionMapping.from_dict", lambda: cls(rules, kinds=plain.get("kinds", {})), *problems)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per rule."""
        return [
            {
                "source": rule.source,
                "target": rule.target,
                "overwrite": rule.overwrite,
                "kind": self.kind_of(rule.source),
            }
            for rule in self.rules
        ]


_PARTS: Final = frozenset({"source", "target", "overwrite"})


def _half(rule: Rule, by_target: Mapping[str, list[Rule]]) -> Problem | None:
    """Say that a rule writes a part of what moves together, or one part overwriting and another not."""
    group = group_of(rule.target)
    missing = [path for path in group if path not in by_target]
    if missing:
        return Problem(rule.target, f"moves together with {', '.join(missing)}; give each a rule, or none of them")
    if any(by_target[path][0].overwrite != rule.overwrite for path in group):
        return Problem(rule.target, f"moves together with {', '.join(group)}; overwrite all of them, or none")
    return None


NO_MAPPING: Final = ConversionMapping()
"""Everything lands where it lands by default."""
