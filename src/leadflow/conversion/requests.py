"""
Requests: what somebody asked for, by ids, without the records.

Theory. A request is checked when it is built: a combination that makes no sense, such as a deal's name without a deal,
is an error and not a refusal. Its fingerprint says whether two requests under one idempotency key are the same: source,
targets, terms and owner count, new ids, times and authors do not. A plan keeps its request, so that it can be planned
again on fresh records and compared.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cached_property
from hashlib import sha256
from json import dumps
from typing import Any, Final, TypeAlias

import attrs
from attrs import field, frozen

from leadflow.conversion.targets import (
    SKIP,
    Create,
    DealTarget,
    FindOrCreate,
    Skip,
    Target,
    UseExisting,
    target_problem,
)
from leadflow.conversion.terms import NO_TERMS, DealTerms
from leadflow.errors import Problem, did_you_mean
from leadflow.events import When
from leadflow.lead import Lead
from leadflow.money.exact import WIDE
from leadflow.pipeline import Pipeline
from leadflow.prospect import Prospect
from leadflow.validation import aware, check, code, instance, optional, text, when

__all__ = [
    "ConversionRequest",
    "Moment",
    "OwnerChoice",
    "QualificationRequest",
    "Router",
    "fingerprint",
    "when_problems",
]

Router: TypeAlias = Callable[[Lead | Prospect], str | None]
"""
Says who gets a lead or prospect, from what is known of it.

Pure, so that planning twice gives equal plans; a module's own function rather than a lambda where plans are pickled.
"""

OwnerChoice: TypeAlias = str | Router | None
"""A user id, a `Router`, or None: whoever owns the source keeps what comes of it."""

# To the type checker attrs.Factory is a function.
_FACTORY: Final[type[Any]] = attrs.Factory  # type: ignore[assignment]


@frozen
class Moment:
    """
    When something is done and by whom, as a value: what `When` says, kept in a plan.

    Attributes:
        at: When it happens; aware.
        by: Who does it.
        recorded_at: When we learn it; aware.
        asked: The `at` that was asked for, where a record of a later time moved it; else None.
    """

    at: datetime
    by: str | None = None
    recorded_at: datetime = field(default=attrs.Factory(lambda self: self.at, takes_self=True))
    asked: datetime | None = field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        given = {"at": self.at, "by": self.by, "recorded_at": self.recorded_at}
        check("Moment", *when_problems(given), optional(aware, "asked", self.asked))

    def when(self) -> When:
        """Return it as commands take it."""
        return {"at": self.at, "by": self.by, "recorded_at": self.recorded_at}

    def after(self, known: datetime) -> When:
        """Return it as commands take it, for a record that others change too and last changed at a time."""
        return {
            "at": max(self.at, known),
            "by": self.by,
            "recorded_at": max(self.recorded_at, known),
        }

    def not_before(self, known: datetime) -> "Moment":
        """
        Return it for the record that a step is about, last recorded at `known`: no earlier than that.

        Whoever changed the record may have a faster clock. What is known is then judged and recorded as of their time,
        since nothing can be recorded before what is there, and nothing judged by what was recorded later. A plan shows
        that it was moved.
        """
        return self if self.at >= known else Moment(**self.after(known), asked=self.asked or self.at)


def when_problems(given: Mapping[str, object], arguments: tuple[str, ...] = ()) -> list[Problem | None]:
    """Return what is wrong with the keywords that stand for `When`; `arguments` are those they may be mistaken for."""
    names = ("at", "by", "recorded_at")
    problems: list[Problem | None] = [
        Problem(name, f"is no argument{did_you_mean(name, (*names, *arguments))}", is_type=True)
        for name in given
        if name not in names
    ]
    at, recorded_at = given.get("at"), given.get("recorded_at", given.get("at"))
    times = [
        aware("at", at) if "at" in given else Problem("at", "must be given, a timezone-aware datetime", is_type=True),
        None if recorded_at is at else aware("recorded_at", recorded_at),
    ]
    if not any(times) and isinstance(at, datetime) and isinstance(recorded_at, datetime):
        early = f"must not be before at ({at.isoformat()}), got {recorded_at.isoformat()}"
        times.append(when(recorded_at < at, "recorded_at", early))
    return [*problems, *times, optional(code, "by", given.get("by"))]


def _owner(path: str, value: object) -> Problem | None:
    return None if value is None or callable(value) else code(path, value)


def _shared_id(named: Mapping[str, object]) -> Problem | None:
    """Say that two records were given one id, if so; whether each is an id at all is checked elsewhere."""
    first: dict[str, str] = {}
    for name, id_ in named.items():
        if isinstance(id_, str) and first.setdefault(id_, name) != name:
            rule = (
                f"must have an id of its own, got {id_!r}, which is given as {first[id_]} too; ids are unique among "
                "all records: give another, or look at what new_id returns"
            )
            return Problem(name, rule)
    return None


@frozen(kw_only=True, slots=False)  # the fingerprint is made once, on first use
class QualificationRequest:
    """
    Make a prospect of a lead.

    Attributes:
        lead_id: The lead.
        prospect: The prospect that goes on for it.
        owner: Who owns the prospect.
        override: Why a verdict short of "qualified" is set aside.
    """

    lead_id: str
    prospect: Create
    owner: OwnerChoice = None
    override: str | None = None

    def __attrs_post_init__(self) -> None:
        strange = instance("prospect", self.prospect, Create, "Create(id)")
        check(
            "QualificationRequest",
            code("lead_id", self.lead_id),
            strange or _shared_id({"lead_id": self.lead_id, "prospect": self.prospect.id}),
            _owner("owner", self.owner),
            optional(text, "override", self.override),
        )

    @property
    def action(self) -> str:
        """What is asked for, in words."""
        return f"qualify lead {self.lead_id!r}"

    @property
    def new_ids(self) -> frozenset[str]:
        """The ids that new records would get."""
        return frozenset({self.prospect.id})

    @cached_property
    def fingerprint(self) -> str:
        """What tells this request from another under the same key."""
        return fingerprint("qualify", self.lead_id, self.owner)


@frozen(kw_only=True, slots=False)
class ConversionRequest:
    """
    Make an account, a contact and an opportunity of a prospect, or some of them.

    Attributes:
        prospect_id: The prospect.
        account: What becomes of the company.
        contact: What becomes of the person.
        opportunity: What becomes of the deal.
        terms: The terms of a new deal.
        owner: Who owns what is made.
        override: Why a verdict short of "qualified" is set aside.
        another: Why a prospect that was converted before is converted again.

    Raises:
        InvalidError: Naming everything that is wrong or makes no sense together.
    """

    prospect_id: str
    account: Target
    contact: Target
    opportunity: DealTarget
    terms: DealTerms = NO_TERMS
    owner: OwnerChoice = None
    override: str | None = None
    another: str | None = None

    def __attrs_post_init__(self) -> None:
        strange = [
            target_problem("account", self.account, Create, UseExisting, FindOrCreate, Skip),
            target_problem("contact", self.contact, Create, UseExisting, FindOrCreate, Skip),
            target_problem("opportunity", self.opportunity, Create, UseExisting, Skip),
        ]
        check(
            "ConversionRequest",
            code("prospect_id", self.prospect_id),
            *strange,
            instance("terms", self.terms, DealTerms, "DealTerms"),
            *(() if any(strange) else self._senseless()),
            _owner("owner", self.owner),
            optional(text, "override", self.override),
            optional(text, "another", self.another),
        )

    def _senseless(self) -> Iterator[Problem | None]:
        named = {"account": self.account, "contact": self.contact, "opportunity": self.opportunity}
        ids = {name: target.id for name, target in named.items() if not isinstance(target, Skip)}
        yield when(not ids, "", "must make or use something, got SKIP for account, contact and opportunity")
        yield _shared_id({"prospect_id": self.prospect_id, **ids})
        if not isinstance(self.opportunity, Create):
            rule = f"must be left out unless an opportunity is created, got {self.terms!r} with {self.opportunity!r}"
            yield when(self.terms != NO_TERMS, "terms", rule)
        if self.account is SKIP:
            existing = isinstance(self.contact, UseExisting | FindOrCreate)
            rule = f"must be Create or SKIP where the account is skipped, got {self.contact!r}; use its account"
            yield when(existing, "contact", rule)

    @property
    def action(self) -> str:
        """What is asked for, in words."""
        return f"convert prospect {self.prospect_id!r}"

    @property
    def new_ids(self) -> frozenset[str]:
        """The ids that new records would get."""
        return frozenset(target.id for target in self._targets if isinstance(target, Create | FindOrCreate))

    @property
    def asked(self) -> tuple[object, ...]:
        """What counts beside the source."""
        targets = (target if isinstance(target, UseExisting) else _kind(target) for target in self._targets)
        return (*targets, self.terms, self.owner, self.another is not None)

    @cached_property
    def fingerprint(self) -> str:
        """What tells this request from another under the same key."""
        return fingerprint("convert", self.prospect_id, *self.asked)

    @property
    def contact_wanted(self) -> bool:
        """Whether a contact takes part in the deal."""
        return self.contact is not SKIP

    @property
    def _targets(self) -> tuple[Target, Target, DealTarget]:
        return self.account, self.contact, self.opportunity


def _kind(target: Create | FindOrCreate | Skip) -> str:
    return f"{type(target).__name__} {isinstance(target, Create) and target.anyway}"


def fingerprint(*parts: object) -> str:
    """Return a hash of values that is the same on every machine."""
    return sha256(dumps(_plain(parts), ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value that a request can hold
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return {"float": repr(value)}
        case Decimal():
            # 48000 and 48000.00 are the same amount, whatever precision the host computes with.
            return {"decimal": format(value.normalize(WIDE), "f")}
        case date() | datetime():
            return {"time": value.isoformat()}
        case timedelta():
            return {"seconds": value.total_seconds()}
        case frozenset():
            return {"set": sorted(dumps(_plain(item)) for item in value)}
        case tuple():
            return [_plain(item) for item in value]
        case Mapping():
            return {"map": [[_plain(name), _plain(item)] for name, item in value.items()]}
        case Enum():
            return {"enum": value.name}
        case Pipeline():
            # An edition of a pipeline keeps its meaning; its labels may change between two tries of one request.
            return {"": "Pipeline", "id": value.id, "version": value.version}
        case _ if attrs.has(type(value)) and not callable(value):
            # What nobody gave is left out, so that an attribute that is new in leadflow makes no other request.
            told = {a.name: getattr(value, a.name) for a in attrs.fields(type(value)) if not _is_default(value, a)}
            return {"": type(value).__name__, **{name: _plain(item) for name, item in told.items()}}
        case _:
            # A router: which one it is cannot be told from one process to the next.
            return "router"


def _is_default(value: object, attribute: "attrs.Attribute[Any]") -> bool:
    given, default = getattr(value, attribute.name), attribute.default
    if isinstance(default, _FACTORY):
        default = default.factory(value) if default.takes_self else default.factory()
    # Compared by type, too: True is not 1.
    return type(given) is type(default) and bool(given == default)
