"""
Journeys: how far somebody, or one deal, has come, and when.

Theory. A funnel counts journeys. A journey is a list of levels with the time each was reached, in the order of the
levels, and perhaps an end: won, or out for a reason. It is made from records (`journeys_of`), from the stages of deals
(`stage_journeys`) or from a host's own rows, and nothing later than the as-of time is in it. Whoever skips a level has
reached it: somebody who is at the third level has come past the second, at the same moment as they reached the third.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from attrs import field, frozen

from leadflow.dealparts import CountsAs
from leadflow.errors import InvalidError, Problem, did_you_mean
from leadflow.fields import NO_FIELDS, Fields, FieldValue
from leadflow.money import Money
from leadflow.validation import (
    aware,
    check,
    code,
    coded,
    each,
    instance,
    member,
    optional,
    text,
    to_instant,
    to_instant_or_none,
    to_tuple,
)

__all__ = ["ATTRIBUTES", "LEVELS", "WON", "Journey", "Levels", "Source", "Step"]

WON: Final = "won"
"""The last level of every funnel: the journey came to a win."""

ATTRIBUTES: Final = ("owner", "reason", "source")
"""What a journey says of itself, beside its fields."""

_COUNTS_AS = tuple(CountsAs)
_to_counts_as = member(CountsAs, none=True)


def _counts_as(value: CountsAs | str | None) -> CountsAs | None:
    return _to_counts_as(value)


def _codes(values: Mapping[str, str] | Iterable[str]) -> tuple[tuple[str, str], ...]:
    given: Any = values
    if isinstance(given, Mapping):
        return tuple(given.items())
    codes: Any = to_tuple(given)
    if not isinstance(codes, tuple):
        return codes  # type: ignore[no-any-return]  # refused by the check
    return tuple((one, one) if isinstance(one, str) else one for one in codes)


@frozen
class Levels:
    """
    The levels of a funnel, from the first to the win, with the names that people give them.

    >>> Levels({"lead": "MQL", "prospect": "SQL", "opportunity": "SQO"}).codes
    ('lead', 'prospect', 'opportunity', 'won')

    Attributes:
        named: Pairs of code and label; from a mapping, or from codes alone. ``won`` follows as the last one.

    Raises:
        InvalidError: If there is no level, or a code comes twice.
    """

    named: tuple[tuple[str, str], ...] = field(converter=_codes)

    def __attrs_post_init__(self) -> None:
        problems = each("named", self.named, _level_problem)
        if not any(problems):
            codes = [name for name, _ in self.named]
            if not codes:
                problems.append(Problem("named", "must hold at least one level, got none"))
            problems += [
                Problem("named", f"must not repeat, got {name!r} twice")
                for place, name in enumerate(codes)
                if name in codes[:place]
            ]
        check("Levels", *problems)
        if WON not in dict(self.named):
            object.__setattr__(self, "named", (*self.named, (WON, "Won")))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes, in order; the last is ``won``."""
        return tuple(name for name, _ in self.named)

    def label(self, level: str) -> str:
        """
        Return what people call a level.

        Raises:
            InvalidError: If there is no such level.
        """
        return self.named[self.place(level)][1]

    def place(self, level: str) -> int:
        """
        Return how far down a level is, from 0.

        Raises:
            InvalidError: If there is no such level.
        """
        known = ", ".join(self.codes)
        check("Levels", None if level in self.codes else Problem("level", f"must be one of {known}, got {level!r}"))
        return self.codes.index(level)


def _level_problem(path: str, value: object) -> Problem | None:
    if not (isinstance(value, tuple) and len(value) == 2):  # noqa: PLR2004 - code and label
        return Problem(path, f"must be a code, or a pair of code and label, got {value!r}", is_type=True)
    return code(path, value[0]) or text(path, value[1])


LEVELS: Final = Levels({"lead": "Lead", "prospect": "Prospect", "opportunity": "Opportunity", WON: "Won"})
"""From a lead to a win."""


@frozen
class Step:
    """
    That a level was reached.

    Attributes:
        level: Its code.
        at: When; aware.
    """

    level: str
    at: datetime = field(converter=to_instant)

    def __attrs_post_init__(self) -> None:
        check("Step", code("level", self.level), aware("at", self.at))


@frozen
class Source:
    """
    That something brought them, or brought them back.

    Attributes:
        name: In the host's words: a campaign, a channel, a source.
        at: When; aware.
    """

    name: str
    at: datetime = field(converter=to_instant)

    def __attrs_post_init__(self) -> None:
        check("Source", text("name", self.name), aware("at", self.at))


def _steps(values: "Iterable[Step | tuple[str, datetime]]") -> tuple[Step, ...]:
    return _pairs(values, Step)  # type: ignore[no-any-return]  # refused by the check


def _sources(values: "Iterable[Source | tuple[str, datetime]]") -> tuple[Source, ...]:
    return _pairs(values, Source)  # type: ignore[no-any-return]  # refused by the check


def _pairs(values: Any, kind: Any) -> Any:  # noqa: ANN401 - whatever was given; what is wrong is named by the check
    given: Any = to_tuple(values)
    if not isinstance(given, tuple):
        return given
    return tuple(_pair(one, kind) for one in given)


def _pair(one: Any, kind: Any) -> Any:  # noqa: ANN401 - as above
    """Return a pair as what it means; one that means nothing as it is, to be named together with all else."""
    try:
        return kind(*one) if isinstance(one, tuple) and len(one) == 2 else one  # noqa: PLR2004
    except InvalidError:
        return one


def _fields(values: Mapping[str, FieldValue]) -> Fields:
    given: Any = values
    return Fields.of(given) if isinstance(given, Mapping) else given


@frozen
class Journey:
    """
    How far one of them has come.

    >>> from datetime import UTC
    >>> start = datetime(2026, 3, 2, tzinfo=UTC)
    >>> journey = Journey("L-1", [("lead", start), ("prospect", start)], out_at=start, reason="no_budget")
    >>> journey.level, journey.is_open
    ('prospect', False)

    Attributes:
        id: Of the record it began with.
        steps: The levels reached, in order, at least one: `Step` values or pairs of level and time.
        out_at: When they fell out; None: they are still on the way, or won.
        reason: Why they fell out, as a code.
        counts_as: What falling out counts as; ``void`` ones are left out of every rate and time.
        value: What was won.
        sources: What brought them, `Source` values or pairs of name and time.
        owner: Whose it is.
        fields: Anything to break down by, such as a segment.

    Raises:
        InvalidError: With every problem found.
    """

    id: str
    steps: tuple[Step, ...] = field(converter=_steps)
    out_at: datetime | None = field(default=None, kw_only=True, converter=to_instant_or_none)
    reason: str | None = field(default=None, kw_only=True)
    counts_as: CountsAs | None = field(default=None, kw_only=True, converter=_counts_as)
    value: Money | None = field(default=None, kw_only=True)
    sources: tuple[Source, ...] = field(default=(), kw_only=True, converter=_sources)
    owner: str | None = field(default=None, kw_only=True)
    fields: Fields = field(default=NO_FIELDS, kw_only=True, converter=_fields)

    def __attrs_post_init__(self) -> None:
        strange = [
            code("id", self.id),
            *each("steps", self.steps, _pair_problem, Step, "a Step, or a pair of level and time"),
            optional(aware, "out_at", self.out_at),
            optional(code, "reason", self.reason),
            optional(coded, "counts_as", self.counts_as, _COUNTS_AS),
            optional(instance, "value", self.value, Money, "Money"),
            *each("sources", self.sources, _pair_problem, Source, "a Source, or a pair of name and time"),
            optional(text, "owner", self.owner),
            instance("fields", self.fields, Fields, "a mapping from names to values"),
        ]
        if not any(strange):
            strange += self._disorder()
        check(f"Journey {self.id!r}", *strange)

    def _disorder(self) -> list[Problem | None]:
        if not self.steps:
            return [Problem("steps", "must hold at least one, got none")]
        found: list[Problem | None] = []
        for place, (one, two) in enumerate(zip(self.steps, self.steps[1:], strict=False), 1):
            if two.at < one.at:
                found.append(Problem(f"steps[{place}].at", f"must not be before {one.at}, got {two.at}"))
            if two.level in [step.level for step in self.steps[:place]]:
                found.append(Problem(f"steps[{place}].level", f"must not repeat, got {two.level!r}"))
        last = self.steps[-1]
        if self.out_at is not None and self.out_at < last.at:
            found.append(Problem("out_at", f"must not be before {last.at}, got {self.out_at}"))
        if self.out_at is not None and last.level == WON:
            found.append(Problem("out_at", "must be None for a journey that was won"))
        if self.out_at is None and (self.reason is not None or self.counts_as is not None):
            found.append(Problem("out_at", "must be given with a reason for falling out, got None"))
        return found

    @property
    def level(self) -> str:
        """The last level reached."""
        return self.steps[-1].level

    @property
    def is_open(self) -> bool:
        """Whether it may still go on."""
        return self.out_at is None and self.level != WON

    @property
    def is_void(self) -> bool:
        """Whether it should never have counted."""
        return self.counts_as is CountsAs.VOID

    def value_of(self, name: str) -> object:
        """Return what it says: ``owner``, ``reason``, ``source`` (the earliest), or a field by name; else None."""
        match name:
            case "owner":
                return self.owner
            case "reason":
                return self.reason
            case "source":
                return min(self.sources, key=lambda source: source.at).name if self.sources else None
            case _:
                return self.fields.get(name)


def _pair_problem(path: str, value: Any, kind: Any, what: str) -> Problem | None:  # noqa: ANN401 - whatever was given
    if isinstance(value, tuple) and len(value) == 2:  # noqa: PLR2004 - it was refused, or it would be a kind by now
        name, rule = ("level", code) if kind is Step else ("name", text)
        return rule(f"{path}.{name}", value[0]) or aware(f"{path}.at", value[1])
    return instance(path, value, kind, what)


def level_problems(journeys: Sequence[Journey], levels: Levels) -> list[Problem]:
    """Say which journeys have levels that a funnel does not have, or in another order."""
    known = levels.codes
    places = {name: place for place, name in enumerate(known)}
    found = []
    for journey in journeys:
        path = f"journeys[{journey.id!r}]"
        strange = [step.level for step in journey.steps if step.level not in places]
        if strange:
            found.append(Problem(path, f"has an unknown level, {strange[0]!r}{did_you_mean(strange[0], known)}"))
        elif [places[step.level] for step in journey.steps] != sorted(places[step.level] for step in journey.steps):
            found.append(Problem(path, f"must reach levels in the order {', '.join(known)}"))
    return found
