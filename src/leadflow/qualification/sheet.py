"""
Facts carried directly: a notebook's row or a host's own record, judged like any lead.

Theory. A policy reads facts by name and does not care where they stand. A `FactSheet` holds them ready; what it does
not hold is unknown. Names and kinds are checked when it is made, all problems at once, so that a misspelt column cannot
pass for a missing value. Markers of missing values ("n/a", NaN) are declared by the host, never guessed. A sheet can
also be made of an opportunity with the account, contacts and deals that it knows by id only.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from leadflow.engagement import Engagement, Touch
from leadflow.errors import Problem, did_you_mean
from leadflow.fields import Fields, FieldValue, field_problem
from leadflow.qualification.catalogue import CATALOGUE, CUSTOM, read, spec_of
from leadflow.qualification.kinds import canonical, fit_problem
from leadflow.qualification.nodes import tuples
from leadflow.validation import aware, check, code, each, instance, optional, shown, whole

__all__ = ["FactSheet", "is_activity"]


def is_activity(name: str) -> bool:
    """Say whether a name is that of something counted from engagements or touches."""
    return name.startswith(("engagements(", "touches("))


@frozen(init=False)
class FactSheet:
    """
    Facts by name, ready to be judged.

    >>> FactSheet({"company.employees": 420, "company.country": "n/a"}, missing=["n/a"]).values
    Fields({'company.employees': 420})

    Args:
        values: Per name of a fact its value; None is unknown. ``custom.*`` for the host's own, and the name of anything
            counted from engagements (as a policy lists it) for hosts that count by themselves.
        missing: What stands for a missing value in `values`, e.g. ``["", "n/a", float("nan")]``.
        engagements: What the other side did; None: not tracked, so that counts are unknown.
        touches: What we did; None: not tracked.
        subject_id: Id of the host's record, kept in the assessment.
        subject_version: Its version.
        known_at: When the latest of it was recorded; judging at an earlier time is refused.

    Raises:
        InvalidError: Naming every unknown fact and every value of a wrong kind.
    """

    values: Fields
    engagements: tuple[Engagement, ...] | None = field(default=None, repr=False)
    touches: tuple[Touch, ...] | None = field(default=None, repr=False)
    subject_id: str | None = None
    subject_version: int | None = None
    known_at: datetime | None = None

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        missing: Iterable[object] = (),
        engagements: Iterable[Engagement] | None = None,
        touches: Iterable[Touch] | None = None,
        subject_id: str | None = None,
        subject_version: int | None = None,
        known_at: datetime | None = None,
    ) -> None:
        check("FactSheet", instance("values", values, Mapping, "a mapping from names of facts to values"))
        (listed,) = tuples("FactSheet", "values", missing=missing)
        markers = _Markers(listed)
        present = {name: _plain(value) for name, value in values.items() if not markers.has(value)}
        followed = {"engagements": engagements, "touches": touches}
        tracked = {name: items for name, items in followed.items() if items is not None}
        given = dict(zip(tracked, tuples("FactSheet", "what happened", **tracked), strict=True))
        engaged, touched = given.get("engagements"), given.get("touches")
        check(
            "FactSheet",
            *(problem for name, value in present.items() for problem in (_problem(name, value),)),
            *([] if engaged is None else each("engagements", engaged, instance, Engagement, "an Engagement")),
            *([] if touched is None else each("touches", touched, instance, Touch, "a Touch")),
            optional(code, "subject_id", subject_id),
            optional(whole, "subject_version", subject_version, 1),
            optional(aware, "known_at", known_at),
        )
        held = Fields({name: _settled(name, value) for name, value in present.items()})
        self.__attrs_init__(held, engaged, touched, subject_id, subject_version, known_at)

    @classmethod
    def of(
        cls,
        opportunity: Any,  # noqa: ANN401 - duck-typed, so that a host's own record with these attributes will do
        *,
        account: Any = None,  # noqa: ANN401
        contacts: Iterable[Any] = (),
        deals: Iterable[Any] | None = None,
    ) -> "FactSheet":
        """
        Return an opportunity's facts together with those of the records it knows by id.

        Args:
            opportunity: The subject; the assessment will name its id and version.
            account: Its account: company facts.
            contacts: Its contacts: person facts come from the primary one, else from the first.
            deals: All opportunities of the account: whether they are a customer. None: unknown.

        Raises:
            InvalidTypeError: Naming what is no such record.
        """
        people, every = tuples("FactSheet.of", "records", contacts=contacts, deals=() if deals is None else deals)
        check(
            "FactSheet.of",
            _record_problem("opportunity", opportunity, "primary_contact_id"),
            None if account is None else _record_problem("account", account, "company"),
            *(_record_problem(f"contacts[{position}]", one, "person") for position, one in enumerate(people)),
            *(_record_problem(f"deals[{position}]", one, "is_withdrawn") for position, one in enumerate(every)),
        )
        known = None if deals is None else [deal for deal in every if not deal.is_withdrawn]
        records = [opportunity, *people, *(known or ()), *([] if account is None else [account])]
        at = max(record.updated_at for record in records)
        primary = opportunity.primary_contact_id
        person = next((contact for contact in people if contact.id == primary), people[0] if people else None)
        values: dict[str, object] = {f"{CUSTOM}{name}": value for name, value in opportunity.fields.items()}
        for name, spec in CATALOGUE.items():
            subject = {"person": person, "company": account}.get(name.partition(".")[0], opportunity)
            values[name] = read(spec, subject, at)
        if known is not None:
            won = sum(deal.is_won for deal in known)
            values |= {"account.is_customer": won > 0, "account.won_deals": won}
            values["account.open_deals"] = sum(deal.is_open for deal in known)
        return cls(
            {name: value for name, value in values.items() if value is not None},
            engagements=opportunity.engagements,
            touches=opportunity.touches,
            subject_id=opportunity.id,
            subject_version=opportunity.version,
            known_at=at,
        )


def _record_problem(path: str, record: object, attribute: str) -> Problem | None:
    """Check for a record by one attribute that tells its kind, so that a host's own will do."""
    found = hasattr(record, "updated_at") and hasattr(record, attribute)
    rule = f"must be a record with updated_at and {attribute}, got {shown(record)}"
    return None if found else Problem(path, rule, is_type=True)


class _Markers:
    """The values that stand for "missing"."""

    def __init__(self, missing: Iterable[object]) -> None:
        listed = list(missing)
        self._nan = any(_is_nan(marker) for marker in listed)
        self._listed = [marker for marker in listed if not _is_nan(marker)]

    def has(self, value: object) -> bool:
        if value is None or _is_nan(value):
            return value is None or self._nan
        return any(type(marker) is type(value) and marker == value for marker in self._listed)


def _is_nan(value: Any) -> bool:  # noqa: ANN401 - any cell of a table
    """Say whether a value is NaN, NaT or the like, which are the only ones that do not equal themselves."""
    try:
        return bool(value != value)  # noqa: PLR0124
    except (TypeError, ValueError):  # pandas' NA refuses to say; an array has no single answer and is refused later
        return type(value).__name__ == "NAType"


def _plain(value: Any) -> Any:  # noqa: ANN401 - any cell of a table
    """Return a numpy scalar as the Python value it stands for, and a list as a tuple."""
    if isinstance(value, list):
        return tuple(value)
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return value.item()
    return value


def _problem(name: object, value: object) -> Problem | None:
    if not isinstance(name, str):
        return Problem("", f"must have names of facts (str), got {name!r}", is_type=True)
    if name.startswith(CUSTOM) or is_activity(name):
        return field_problem(name, value)
    spec = spec_of(name)
    if spec is None:
        return Problem(name, f"is no fact{did_you_mean(name, CATALOGUE)}; your own facts are named custom.*")
    if _is_nan(value):
        return Problem(name, f"is {value!r}; leave it out, or declare it with missing=[float('nan')]")
    return fit_problem(name, spec.kind, value, spec.levels) or spec.value_problem(name, value)


def _settled(name: str, value: Any) -> FieldValue:  # noqa: ANN401 - checked before
    spec = spec_of(name)
    return value if spec is None else canonical(spec.kind, value)
