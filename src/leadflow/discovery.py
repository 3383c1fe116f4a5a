"""
What we have learnt about a purchase: budget, authority, need, timeline, next step, catalyst, and rated dimensions.

Theory. Every dimension holds one `Learned` (a level, with value, evidence, source and time) or nothing. Nothing means
*not asked yet*; the level ``none`` means *asked, there is none*. The two are never confused: policies treat the first
as unknown and the second as a fact. Levels are ordered, lowest first, and the tables below are the only place that
names them. Other frameworks' dimensions (MEDDPICC's champion, say) are ratings over one scale.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from attrs import evolve, field, frozen

from leadflow.errors import Problem
from leadflow.money import Money
from leadflow.redaction import PERSONAL
from leadflow.validation import aware, check, code, coded, day, instance, optional, prose, text

__all__ = [
    "DIMENSIONS",
    "LEVELS",
    "NOTHING_LEARNT",
    "RATED",
    "RATINGS",
    "UNKNOWN",
    "Discovery",
    "Learned",
    "LearnedInput",
    "learn",
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
    at: datetime | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check(
            "Learned",
            code("level", self.level),
            optional(instance, "value", self.value, (Money, date, str), "Money, a date or text"),
            prose("evidence", self.evidence),
            optional(text, "source", self.source),
            optional(aware, "at", self.at),
        )


LearnedInput: TypeAlias = Learned | Money | date | str
Change: TypeAlias = tuple[str, Learned | None]


def _to_ratings(ratings: "Mapping[str, Learned] | tuple[tuple[str, Learned], ...]") -> tuple[tuple[str, Learned], ...]:
    pairs = ratings.items() if isinstance(ratings, Mapping) else ratings
    return tuple(sorted(pairs, key=lambda pair: pair[0]))


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
        check(
            "Discovery",
            *(problem for name, learned in self if learned is not None for problem in _problems(name, learned)),
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
            yield f"ratings.{name}", learned

    def but(self, changes: tuple[Change, ...]) -> "Discovery":
        """Return what is known after these changes; None takes a dimension back to "not asked"."""
        plain: dict[str, Any] = {}
        ratings = dict(self._ratings)
        for name, learned in changes:
            if not name.startswith("ratings."):
                plain[name] = learned
            elif learned is None:
                ratings.pop(name[8:], None)
            else:
                ratings[name[8:]] = learned
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


NOTHING_LEARNT: Final = Discovery()


def _problems(name: str, learned: object) -> list[Problem | None]:
    if not isinstance(learned, Learned):
        return [instance(name, learned, Learned, "a level, a bare value or a Learned")]
    if name.startswith("ratings."):
        dimension = name[8:]
        unknown = None if dimension.startswith("custom.") else coded(name, dimension, RATED)
        return [unknown, coded(f"{name}.level", learned.level, RATINGS)]
    kind = _BARE.get(name, (str, ""))[0]
    return [
        coded(f"{name}.level", learned.level, LEVELS[name]),
        None if learned.value is None else _value(f"{name}.value", learned.value, kind),
        Problem(f"{name}.value", f"must be left out when there is none, got {learned.value!r}")
        if learned.level == "none" and learned.value is not None
        else None,
    ]


def _value(path: str, value: object, kind: type) -> Problem | None:
    if kind is date:
        return day(path, value)
    return instance(path, value, kind, "Money" if kind is Money else "text (str)")


def learn(
    inputs: Mapping[str, LearnedInput | None],
    ratings: Mapping[str, LearnedInput] | None = None,
    *,
    at: datetime,
) -> tuple[Change, ...]:
    """
    Turn what a caller says into changes of a `Discovery`.

    >>> from datetime import UTC
    >>> learn({"need": "late deliveries"}, at=datetime(2026, 3, 2, tzinfo=UTC))[0][1].level
    'stated'

    Args:
        inputs: Per dimension a level's name, a bare value, or a `Learned`; None: not mentioned; ``unknown``: nobody has
            asked after all. Budget Money means identified; need, next step and catalyst text mean stated; a timeline
            date means stated.
        ratings: The same for dimensions of other frameworks, with levels none, weak, fair, strong.
        at: The time a `Learned` without one gets; aware.

    Returns:
        The changes in the order given, ratings last.

    Raises:
        InvalidError: Naming every dimension, level or value that is wrong, or saying that nothing was mentioned.
    """
    mentioned = {name: value for name, value in inputs.items() if value is not None}
    mentioned |= {f"ratings.{name}": value for name, value in (ratings or {}).items()}
    changes = [(name, _learned(name, value, at)) for name, value in mentioned.items()]
    check(
        "discover",
        None if changes else Problem("", "must mention at least one dimension"),
        *(problem for name, learned in changes if learned is not None for problem in _problems(name, learned)),
    )
    return tuple(changes)


def _learned(name: str, value: LearnedInput, at: datetime) -> Learned | None:
    if isinstance(value, Learned):
        return value if value.at is not None else evolve(value, at=at)
    if value == UNKNOWN:
        return None
    levels = RATINGS if name.startswith("ratings.") else LEVELS.get(name, ())
    if isinstance(value, str) and value in levels:
        return Learned(value, at=at)
    if name in _BARE and isinstance(value, str | date | Money):
        kind, level = _BARE[name]
        # A text where an amount or a date belongs can only be meant as a level; it is refused by its name.
        if isinstance(value, kind) or not isinstance(value, str):
            return Learned(level, value=value, at=at)
    return Learned(value, at=at) if isinstance(value, str) and value.strip() else value  # type: ignore[return-value]
