"""
What a survivor gains from a record that is merged into it: one named rule per field, as data.

Theory. A record is read as paths (``person.email``, ``discovery.budget``, ``fields.tier``, ``tags``). Per path the
table says which rule holds: the survivor's value wins and blanks are filled (`first`); values that only make sense
together move as a group or not at all, when whatever is there already agrees (`whole`; an amount with its currency is
one value); what are many things is united, equal ones once (`union`); consents tighten; the greatest number wins where
the host says so of a custom field (`maximum`). Money is never added up. Where the two are with different companies, the
survivor's company is kept as it is. What was redacted is neither filled nor fills anything. What does not go on is
listed; it stays readable on the tombstone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final, TypeAlias

from attrs import evolve, field, frozen

from leadflow.conversion.carrying import Unmapped
from leadflow.conversion.filling import same_company
from leadflow.conversion.mappingpaths import FieldKind, kind_of
from leadflow.dealparts import ContactRole
from leadflow.fields import Fields
from leadflow.lead import Lead
from leadflow.opportunity import Opportunity
from leadflow.party import Company, Person, tighten
from leadflow.prospect import Prospect
from leadflow.redaction import REDACTED
from leadflow.validation import member

__all__ = ["MERGE_RULES", "FieldRule", "Gain", "MergeRule", "Mergeable", "filled_paths", "gain"]

Mergeable: TypeAlias = Lead | Prospect | Opportunity
"""What may be merged."""


class MergeRule(StrEnum):
    """How the values of two records become one."""

    FIRST = "first"
    WHOLE = "whole"
    UNION = "union"
    TIGHTEN = "tighten"
    MAXIMUM = "maximum"
    SURVIVOR = "survivor"


to_merge_rule = member(MergeRule)


@frozen
class FieldRule:
    """
    The rule of one field, or of a group of them.

    Attributes:
        rule: A `MergeRule`.
        paths: The fields; ``.*`` stands for every name.
        same: Of a union, what makes two items the same; by default, being equal.
    """

    rule: MergeRule
    paths: tuple[str, ...]
    same: Callable[[Any], object] | None = field(default=None, eq=False, repr=False)


def _first(*paths: str) -> tuple[FieldRule, ...]:
    return tuple(FieldRule(MergeRule.FIRST, (path,)) for path in paths)


def _whole(*paths: str) -> FieldRule:
    return FieldRule(MergeRule.WHOLE, paths)


def _union(path: str, same: str | None = None) -> FieldRule:
    return FieldRule(MergeRule.UNION, (path,), None if same is None else attrgetter(same))


_SHARED: Final = (
    *_first("owner", "source", "campaign", "discovery.*", "fields.*"),
    _union("tags"),
    _union("product_interest", "product"),
    _union("engagements"),
    _union("touches"),
    FieldRule(MergeRule.TIGHTEN, ("consents",)),
)
_LEAD: Final = (
    *_first("person.name", "person.email", "person.handle", "person.job_title", "person.seniority"),
    *_first("person.department", "person.language"),
    _whole("person.phone", "person.country"),
    *_first("company.name", "company.domain", "company.industry", "company.employees", "company.revenue"),
    *_first("company.email"),
    _whole("company.country", "company.region", "company.city", "company.phone"),
    _union("company.technologies"),
    *_first("estimated_value"),
    *_SHARED,
)

MERGE_RULES: Final[Mapping[type[Mergeable], tuple[FieldRule, ...]]] = {
    Lead: _LEAD,
    Prospect: (*_LEAD, *_first("lead_id", "account_id", "contact_id"), _union("opportunity_ids")),
    Opportunity: (
        *(FieldRule(MergeRule.SURVIVOR, (path,)) for path in ("name", "type", "origin", "reason")),
        *_first("account_id"),
        _whole("amount", "recurring"),
        *_first("expected_close", "next_step"),
        _union("needs"),
        _union("objections", "words"),
        _union("competitors"),
        _union("contact_roles", "contact_id"),
        _union("team", "user"),
        _union("proposals", "number"),
        _union("milestones", "code"),
        *_SHARED,
    ),
}
"""Per kind of record the rule of each field. What is not here (status, stage, dates, evidence) is the survivor's."""

_BLANK: Final[tuple[object, ...]] = (None, (), frozenset())
# What a survivor's event tells by what came along, rather than by the new value.
_ALONG: Final = frozenset({"engagements", "touches", "consents"})
# Values of which one is the greater: numbers among each other, the others among their own kind.
_NUMBERS: Final = frozenset({FieldKind.INTEGER, FieldKind.FLOAT, FieldKind.DECIMAL})
_ORDERED: Final = frozenset({FieldKind.YES_NO, FieldKind.DATE, FieldKind.DATETIME, FieldKind.DURATION})


@frozen
class Gain:
    """
    What a survivor gains from one other record.

    Attributes:
        values: What its event tells, by attribute.
        sources: Per path that the survivor has a value of, the records it came from.
        left: What does not go on.
    """

    values: dict[str, Any]
    sources: dict[str, tuple[str, ...]]
    left: tuple[Unmapped, ...]


@frozen
class _Outcome:
    """What one path comes to: its value, what came along, whether either side had a part in it, whose is left."""

    value: Any
    mine: bool
    theirs: bool
    added: tuple[Any, ...] = ()
    lost: Any = None
    why: str = ""
    mine_lost: bool = False


def gain(survivor: Mergeable, other: Lead | Prospect | Opportunity, custom: Mapping[str, MergeRule]) -> Gain:
    """
    Return what a survivor gains from another record, by the rules of what the other is.

    Args:
        survivor: Who goes on: of the same kind, or the prospect behind a qualified lead.
        other: Who ends.
        custom: The rules of custom fields that are not `first`, by name.
    """
    changed: dict[str, Any] = {}
    along: dict[str, Any] = {}
    sources: dict[str, tuple[str, ...]] = {}
    left: list[Unmapped] = []
    elsewhere = _works_elsewhere(survivor, other)
    for rule, paths in _expanded(MERGE_RULES[type(other)], survivor, other, custom):
        # The domain or the size of one company says nothing of another.
        kept = FieldRule(MergeRule.SURVIVOR, paths) if elsewhere and _head(paths[0]) == "company" else rule
        for path, outcome in _outcomes(kept, paths, survivor, other):
            if outcome.mine or outcome.theirs:
                ids = ((survivor.id, outcome.mine), (other.id, outcome.theirs))
                sources[path] = tuple(id_ for id_, has in ids if has)
            if outcome.theirs:
                changed[path] = outcome.value
                along[path] = outcome.added
            if outcome.lost not in _BLANK:
                whose = survivor if outcome.mine_lost else other
                why = outcome.why or f"{survivor} keeps its own"
                left.append(Unmapped(path, outcome.lost, why, of=whose.id))
    values = {name: _built(survivor, other, name, changed) for name in dict.fromkeys(map(_head, changed))}
    return Gain(values | {name: along[name] for name in _ALONG & along.keys()}, sources, tuple(left))


def _works_elsewhere(survivor: Mergeable, other: Mergeable) -> bool:
    """Return whether both have a company, and not the same one."""
    if isinstance(survivor, Opportunity) or isinstance(other, Opportunity):
        return False
    if survivor.company is None or other.company is None:
        return False
    emails = [record.person.email if record.person else None for record in (survivor, other)]
    return not same_company(survivor.company, other.company, *emails)


def filled_paths(record: Mergeable) -> list[str]:
    """Return the paths of everything that is known of a record."""
    expanded = _expanded(MERGE_RULES[type(record)], record, record, {})
    return [path for _, paths in expanded for path in paths if _read(record, path) not in (*_BLANK, REDACTED)]


def _expanded(
    rules: Iterable[FieldRule], one: Mergeable, other: Mergeable, custom: Mapping[str, MergeRule]
) -> Iterator[tuple[FieldRule, tuple[str, ...]]]:
    """Yield each rule with its paths, those with a star once per name that either record has."""
    for rule in rules:
        head, _, name = rule.paths[0].partition(".")
        if name != "*":
            yield rule, rule.paths
            continue
        names = {key: None for record in (one, other) for key, _ in _items(getattr(record, head))}
        for key in names:
            own = custom.get(key) if head == "fields" else None
            yield rule if own is None else FieldRule(own, rule.paths), (f"{head}.{key}",)


def _items(value: Any) -> Iterable[tuple[str, Any]]:  # noqa: ANN401 - Fields or a Discovery
    return value.items() if isinstance(value, Fields) else value


def _read(record: Mergeable, path: str) -> Any:  # noqa: ANN401 - of the path's own type
    head, _, name = path.partition(".")
    value = getattr(record, head)
    if not name or value is None:
        return value
    return dict(_items(value)).get(name) if head in ("fields", "discovery") else getattr(value, name)


def _head(path: str) -> str:
    return path.partition(".")[0]


def _outcomes(
    rule: FieldRule, paths: tuple[str, ...], survivor: Mergeable, other: Mergeable
) -> Iterator[tuple[str, _Outcome]]:
    pairs = [(path, _read(survivor, path), _read(other, path)) for path in paths]
    if rule.rule is MergeRule.WHOLE:
        agrees = all(mine is None or mine == theirs for _, mine, theirs in pairs)
        moves = agrees and any(mine != theirs for _, mine, theirs in pairs)
        for path, mine, theirs in pairs:
            # What agrees is told again, so that an event never tells half of a group.
            together = moves and theirs is not None
            yield path, _Outcome(theirs, mine is not None, theirs=True) if together else _one(mine, theirs, takes=False)
        return
    if rule.rule is MergeRule.SURVIVOR:
        yield from ((path, _one(mine, theirs, takes=False)) for path, mine, theirs in pairs)
        return
    [(path, mine, theirs)] = pairs
    match rule.rule:
        case MergeRule.UNION:
            yield path, _united(mine, theirs, rule.same)
        case MergeRule.TIGHTEN:
            holds = tighten(*mine, *theirs)
            added = tuple(said for said in holds if said not in mine)
            lost = tuple(said for said in theirs if said not in holds)
            kept = any(said in mine for said in holds)
            yield path, _Outcome(holds, kept, bool(added), added, lost, "a tighter or later one holds")
        case MergeRule.MAXIMUM:
            outcome = _one(mine, theirs, takes=_greater(theirs, mine))
            why = "" if _comparable(mine, theirs) else f"{survivor} keeps its own: the two cannot be compared"
            yield path, evolve(outcome, why=outcome.why or why)
        case _:
            yield path, _one(mine, theirs, takes=mine in _BLANK)


def _one(mine: Any, theirs: Any, *, takes: bool) -> _Outcome:  # noqa: ANN401 - of the path's own type
    if REDACTED in (mine, theirs) or theirs in _BLANK or (type(mine) is type(theirs) and mine == theirs):
        return _Outcome(mine, mine not in _BLANK, theirs=False)
    if takes:
        return _Outcome(theirs, mine=False, theirs=True, lost=mine, why="the greater one holds", mine_lost=True)
    return _Outcome(mine, mine not in _BLANK, theirs=False, lost=theirs)


def _greater(theirs: Any, mine: Any) -> bool:  # noqa: ANN401 - of the field's own type
    if mine in _BLANK or theirs in _BLANK:
        return mine in _BLANK
    # What has no greater and less to it stays as it is: a text ("9" comes after "10"), a set, two currencies.
    return _comparable(mine, theirs) and bool(theirs > mine)


def _comparable(mine: Any, theirs: Any) -> bool:  # noqa: ANN401 - of the field's own type
    one, other = kind_of(mine), kind_of(theirs)
    if one is FieldKind.MONEY is other:
        return bool(mine.currency == theirs.currency)
    return (one is other and one in _ORDERED) or (one in _NUMBERS and other in _NUMBERS)


def _united(mine: Any, theirs: Any, same: Callable[[Any], object] | None) -> _Outcome:  # noqa: ANN401 - collections
    if theirs in _BLANK:
        return _Outcome(mine, mine not in _BLANK, theirs=False)
    mine = type(theirs)() if mine is None else mine
    if isinstance(mine, frozenset):
        return _Outcome(mine | theirs, bool(mine), bool(theirs - mine))
    key = same or (lambda item: item)
    known = {key(item): item for item in mine}
    added = tuple(item for item in theirs if key(item) not in known)
    lost = tuple(item for item in theirs if key(item) in known and known[key(item)] != item)
    if mine and added and isinstance(added[0], ContactRole):
        added = tuple(evolve(role, primary=False) for role in added)
        lost = tuple(role for role in lost if evolve(role, primary=known[key(role)].primary) != known[key(role)])
    return _Outcome((*mine, *added), bool(mine), bool(added), added, lost)


def _built(survivor: Mergeable, other: Mergeable, head: str, changed: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return the new value of an attribute from the values of its paths."""
    if head in changed:
        return changed[head]
    parts = {path.partition(".")[2]: value for path, value in changed.items() if _head(path) == head}
    mine = getattr(survivor, head)
    match mine:
        case Fields():
            return Fields({**mine, **parts})
        case Person() | Company():
            return evolve(mine, **parts)
        case None:
            return getattr(other, head)
        case discovery:
            return discovery.but(tuple(parts.items()))
