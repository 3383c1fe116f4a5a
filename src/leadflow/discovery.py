"""
What we have learnt about a purchase: budget, authority, need, timeline, next step, catalyst, and rated dimensions.

Theory. Every dimension holds one `Learned` (a level, with value, evidence, source and time) or nothing. Nothing means
*not asked yet*; the level ``none`` means *asked, there is none*. The two are never confused: policies treat the first
as unknown and the second as a fact. Levels are ordered, lowest first, and the tables below are the only place that
names them. Other frameworks' dimensions (MEDDPICC's champion, say) are ratings over one scale.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from attrs import evolve, field, frozen

from leadflow import markup
from leadflow.errors import InvalidError, Problem
from leadflow.money import Money
from leadflow.redaction import PERSONAL
from leadflow.validation import (
    aware,
    check,
    code,
    coded,
    day,
    instance,
    optional,
    prose,
    shown,
    text,
    to_instant_or_none,
    to_tuple,
    when,
)

__all__ = [
    "DIMENSIONS",
    "LEVELS",
    "NOTHING_LEARNT",
    "RATED",
    "RATINGS",
    "UNKNOWN",
    "Change",
    "Discovery",
    "Learned",
    "LearnedInput",
    "change_problems",
    "learn",
    "to_changes",
]

# Per dimension its levels, lowest first.
LEVELS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "budget": ("none", "willing", "identified", "approved"),
        "authority": ("none", "aware", "involved", "decides"),
        "need": ("none", "stated", "defined"),
        "timeline": ("none", "stated", "agreed"),
        "next_step": ("none", "stated", "agreed"),
        "catalyst": ("none", "stated", "confirmed"),
    }
)
DIMENSIONS: Final = tuple(LEVELS)
RATINGS: Final = ("none", "weak", "fair", "strong")
# Dimensions of MEDDPICC, CHAMP, GPCTBA/C&I, ANUM and FAINT that are not among the six above.
RATED: Final = frozenset({
    "metrics", "economic_buyer", "decision_criteria", "decision_process", "paper_process", "pain", "champion",
    "competition", "challenges", "money", "prioritisation", "goals", "plans", "consequences", "implications",
    "urgency", "funds", "interest",
})  # fmt: skip
# What takes a dimension back to "not asked": the way to correct a mistake.
UNKNOWN: Final = "unknown"

# What a bare value says about the level, and of which type each dimension's value is.
_BARE: Final[Mapping[str, tuple[type, str]]] = MappingProxyType(
    {
        "budget": (Money, "identified"),
        "need": (str, "stated"),
        "timeline": (date, "stated"),
        "next_step": (str, "stated"),
        "catalyst": (str, "stated"),
    }
)

# How a rated dimension is told from the six in changes and when iterating.
_RATING: Final = "ratings."

_Value: TypeAlias = Money | date | str


@frozen
class Learned:
    """
    What is known of one dimension.

    Attributes:
        level: Its level, see `LEVELS` and `RATINGS`; ``none`` is "asked, there is none".
        value: The amount of a budget, the date of a timeline, the words of a need.
        evidence: What makes us believe it.
        source: Who said it, or where it stands.
        at: When we learnt it; aware. Default: the time of the event that records it.
    """

    level: str
    value: _Value | None = field(default=None, kw_only=True, metadata=PERSONAL)
    evidence: str = field(default="", kw_only=True, metadata=PERSONAL)
    source: str | None = field(default=None, kw_only=True, metadata=PERSONAL)
    at: datetime | None = field(default=None, kw_only=True, converter=to_instant_or_none)

    def __attrs_post_init__(self) -> None:
        check(
            "Learned",
            code("level", self.level),
            optional(_said, "value", self.value),
            prose("evidence", self.evidence),
            optional(text, "source", self.source),
            optional(aware, "at", self.at),
        )


def _said(path: str, value: object) -> Problem | None:
    if isinstance(value, str):
        return prose(path, value) or when(not value.strip(), path, f"must say something or be left out, got {value!r}")
    return day(path, value) if isinstance(value, date) else instance(path, value, Money, "Money, a date or text")


LearnedInput: TypeAlias = Learned | Money | date | str
Change: TypeAlias = tuple[str, Learned | None]


def _to_ratings(ratings: "Mapping[str, Learned] | tuple[tuple[str, Learned], ...]") -> tuple[tuple[str, Learned], ...]:
    pairs = tuple(ratings.items()) if isinstance(ratings, Mapping) else ratings
    try:
        return tuple(sorted(dict(pairs).items())) if pairs else ()
    except (TypeError, ValueError):
        return pairs  # refused by the type's check


@frozen(kw_only=True)
class Discovery:
    """
    What has been learnt, dimension by dimension; None where nobody has asked.

    >>> Discovery(budget=Learned("none")).budget.level
    'none'
    >>> Discovery().budget is None
    True

    Attributes:
        budget: Levels none, willing, identified, approved; the value is Money.
        authority: Levels none, aware, involved, decides.
        need: Levels none, stated, defined; the value is text.
        timeline: Levels none, stated, agreed; the value is a date.
        next_step: A step agreed on their side: none, stated, agreed; the value is text.
        catalyst: The event that makes them act: none, stated, confirmed; the value is text.

    Raises:
        InvalidError: Naming every dimension whose level or value is wrong.
    """

    budget: Learned | None = None
    authority: Learned | None = None
    need: Learned | None = None
    timeline: Learned | None = None
    next_step: Learned | None = None
    catalyst: Learned | None = None
    _ratings: tuple[tuple[str, Learned], ...] = field(default=(), converter=_to_ratings)

    def __attrs_post_init__(self) -> None:
        known = [(name, getattr(self, name)) for name in DIMENSIONS]
        ratings: object = self._ratings
        if not isinstance(ratings, tuple) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in ratings):  # noqa: PLR2004
            wrong = Problem("ratings", f"must be a mapping from names to Learned, got {shown(ratings)}", is_type=True)
        else:
            wrong = None
            known += [(f"{_RATING}{name}", learned) for name, learned in ratings]
        check(
            "Discovery",
            *(problem for name, learned in known if learned is not None for problem in _problems(name, learned)),
            wrong,
        )

    @property
    def ratings(self) -> Mapping[str, Learned]:
        """Per dimension of another framework, what was learnt; levels none, weak, fair, strong."""
        return MappingProxyType(dict(self._ratings))

    def __iter__(self) -> Iterator[tuple[str, Learned | None]]:
        """Yield each of the six dimensions with what is known, then each rating as ``ratings.<name>``."""
        for name in DIMENSIONS:
            yield name, getattr(self, name)
        for name, learned in self._ratings:
            yield f"{_RATING}{name}", learned

    def but(self, changes: tuple[Change, ...]) -> "Discovery":
        """Return what is known after these changes; None takes a dimension back to "not asked"."""
        plain: dict[str, Any] = {}
        ratings = dict(self._ratings)
        for name, learned in changes:
            if not name.startswith(_RATING):
                plain[name] = learned
            elif learned is None:
                ratings.pop(name.removeprefix(_RATING), None)
            else:
                ratings[name.removeprefix(_RATING)] = learned
        return evolve(self, **plain, ratings=ratings)

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per dimension that is known."""
        return [
            {
                "dimension": name,
                "level": learned.level,
                "value": learned.value,
                "evidence": learned.evidence,
                "source": learned.source,
                "at": learned.at,
            }
            for name, learned in self
            if learned is not None
        ]

    def _repr_html_(self) -> str:
        return markup.section("discovery", markup.table(self.to_rows()))


NOTHING_LEARNT: Final = Discovery()


def _problems(name: str, learned: object) -> list[Problem | None]:
    if not isinstance(learned, Learned):
        return _bare_problems(name, learned)
    if name.startswith(_RATING):
        dimension = name.removeprefix(_RATING)
        own = dimension.startswith("custom.")
        return [
            code(name, dimension.removeprefix("custom.")) if own else coded(name, dimension, RATED),
            coded(f"{name}.level", learned.level, RATINGS),
        ]
    if name not in LEVELS:
        return [coded(name, name, (*LEVELS, *(f"{_RATING}{rated}" for rated in RATED)))]
    kind = _BARE.get(name, (str, ""))[0]
    return [
        coded(f"{name}.level", learned.level, LEVELS[name]),
        None if learned.value is None else _value(f"{name}.value", learned.value, kind),
        Problem(f"{name}.value", f"must be left out when there is none, got {shown(learned.value)}")
        if learned.level == "none" and learned.value is not None
        else None,
    ]


def _bare_problems(name: str, value: Any) -> list[Problem | None]:  # noqa: ANN401 - whatever it is, it is wrong
    if name == "ratings":
        return [instance(name, value, Mapping, "a mapping from names to levels")]
    try:
        _made(name, value, None)
    except InvalidError as error:
        return [problem.under(name) for problem in error.problems]
    return [instance(name, value, Learned, "a level, a bare value or a Learned")]


def _value(path: str, value: object, kind: type) -> Problem | None:
    if kind is date:
        return day(path, value)
    return instance(path, value, kind, "Money" if kind is Money else "text (str)")


def change_problems(changes: object) -> list[Problem | None]:
    """Say what is wrong with the changes of a `Discovery`; there must be at least one."""
    if not isinstance(changes, tuple):
        return [instance("changes", changes, tuple, "a tuple of pairs of a dimension and a Learned (or None)")]
    if not changes:
        return [Problem("", "must mention at least one dimension")]
    found: list[Problem | None] = []
    for position, change in enumerate(changes):
        match change:
            # None still needs a dimension that exists; what there is of it is nothing that could be wrong.
            case (str(name), learned):
                found += _problems(name, _ASKED_IN_VAIN if learned is None else learned)
            case _:
                path = f"changes[{position}]"
                found.append(Problem(path, f"must be a pair of a dimension and a Learned, got {shown(change)}", True))
    return found


_ASKED_IN_VAIN: Final = Learned("none")


def to_changes(changes: "Iterable[Change]") -> tuple[Change, ...]:
    """Return changes as a tuple of pairs; a converter that hands what is none on to the check."""
    given: Any = to_tuple(changes)
    if isinstance(given, tuple) and any(isinstance(change, list) for change in given):
        return tuple(map(to_tuple, given))
    return given  # type: ignore[no-any-return]


def learn(
    inputs: Mapping[str, LearnedInput | None],
    ratings: Mapping[str, LearnedInput | None] | None = None,
    *,
    at: datetime | None = None,
) -> tuple[Change, ...]:
    """
    Turn what a caller says into changes of a `Discovery`; whether they are right, `change_problems` says.

    >>> learn({"need": "late deliveries"})[0][1].level
    'stated'

    Args:
        inputs: Per dimension a level's name, a bare value, or a `Learned`; None: not mentioned; ``unknown``: nobody has
            asked after all. Budget Money means identified; need, next step and catalyst text mean stated; a timeline
            date means stated.
        ratings: The same for dimensions of other frameworks, with levels none, weak, fair, strong.
        at: The time a `Learned` without one gets; aware.

    Returns:
        The changes in the order given, ratings last.
    """
    mentioned: dict[str, Any] = {name: value for name, value in inputs.items() if value is not None}
    rated: Any = ratings or {}
    if isinstance(rated, Mapping):
        mentioned |= {f"{_RATING}{name}": value for name, value in rated.items() if value is not None}
    else:
        mentioned["ratings"] = rated
    # A time that is wrong is reported by the event that carries it, once.
    known = at if aware("at", at) is None else None
    return tuple(
        (name, _learned(name, value, known) if name != "ratings" else value) for name, value in mentioned.items()
    )


def _learned(name: str, value: LearnedInput, at: datetime | None) -> Learned | None:
    try:
        return _made(name, value, at)
    except InvalidError:
        return value  # type: ignore[return-value]  # `change_problems` tries again and says why


def _made(name: str, value: LearnedInput, at: datetime | None) -> Learned | None:
    if isinstance(value, Learned):
        return value if value.at is not None else evolve(value, at=at)
    if value == UNKNOWN:
        return None
    levels = RATINGS if name.startswith(_RATING) else LEVELS.get(name, ())
    if isinstance(value, str) and value in levels:
        return Learned(value, at=at)
    if name in _BARE and isinstance(value, str | date | Money):
        kind, level = _BARE[name]
        # A text where an amount or a date belongs can only be meant as a level; it is refused by its name.
        if isinstance(value, kind) or not isinstance(value, str):
            return Learned(level, value=value, at=at)
    return Learned(value, at=at) if isinstance(value, str) else value  # type: ignore[return-value]  # refused by the check
