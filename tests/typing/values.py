"""
What a type checker sees of the values: read by mypy, never run.

`assert_type` says what comes back. A deliberate mistake carries the one code that mypy must report; should it stop
reporting it, `warn_unused_ignores` makes the comment itself an error.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import assert_type

from leadflow.calendar import FiscalCalendar, Period
from leadflow.fields import Fields, FieldValue
from leadflow.ids import AccountId, ContactId, LeadId, ListEntryId, OpportunityId, ProspectId
from leadflow.money import Money
from leadflow.party import Company, EmailAddress, Person
from leadflow.pipeline import Pipeline, Stage, StageCategory


def money_stays_money(price: Money) -> None:
    """Arithmetic gives `Money`; parts of it are plain values."""
    assert_type(price + price, Money)
    assert_type(price - price, Money)
    assert_type(-price, Money)
    assert_type(abs(price), Money)
    assert_type(price * 3, Money)
    assert_type(3 * price, Money)
    assert_type(price / Decimal("1.19"), Money)
    assert_type(price < price * 2, bool)
    assert_type(price.times(0.25), Money)
    assert_type(price.round(), Money)
    assert_type(price.split(3), tuple[Money, ...])
    assert_type(Money.total([price], currency="EUR"), Money)
    assert_type(price.amount, Decimal)
    assert_type(price.currency, str)


def money_is_exact(price: Money) -> None:
    """A float has no way into an amount, and an amount without currency none into a sum."""
    Money("48000", "EUR")
    Money(48_000, "EUR")
    Money(Decimal(48_000), "EUR")
    Money(48_000.0, "EUR")  # type: ignore[arg-type]
    Money("48000")  # type: ignore[call-arg]
    price * 0.25  # type: ignore[operator]
    price + 1  # type: ignore[operator]
    price < 1  # type: ignore[operator]
    sum([price, price])  # type: ignore[list-item]
    price.amount = Decimal(0)  # type: ignore[misc]


def ids_are_not_interchangeable(lead: LeadId, prospect: ProspectId) -> None:
    """An id of one kind is text, but no text and no other id is an id of that kind."""

    def load(key: OpportunityId) -> OpportunityId:
        return key

    assert_type(LeadId("L-1"), LeadId)
    text: str = lead
    load(OpportunityId(text))
    load(lead)  # type: ignore[arg-type]
    load(prospect)  # type: ignore[arg-type]
    load("O-1")  # type: ignore[arg-type]
    assert_type((AccountId("A-1"), ContactId("C-1"), ListEntryId("N-1")), tuple[AccountId, ContactId, ListEntryId])


def periods_come_from_calendars(calendar: FiscalCalendar, period: Period) -> None:
    """Instants have a day and a period only through a calendar; both ends of a period are instants."""
    assert_type(calendar.quarter(2026, 1), Period)
    assert_type(calendar.month_of(date(2026, 3, 31)), Period)
    assert_type(calendar.day_of(datetime(2026, 3, 31, tzinfo=UTC)), date)
    assert_type(period.start, datetime)
    assert_type(period.last_day, date)
    assert_type(period.next(), Period)
    FiscalCalendar("Europe/Berlin")  # type: ignore[arg-type]
    calendar.day_of("2026-03-31")  # type: ignore[arg-type]


def people_take_text(person: Person, company: Company) -> None:
    """An address may be given as text and is always an `EmailAddress`, or None when unknown."""
    Person("Mara Okafor", email="mara@northwind.example")
    Person("Mara Okafor", email=EmailAddress("mara@northwind.example"))
    assert_type(person.email, EmailAddress | None)
    assert_type(company.revenue, Money | None)
    assert_type(company.technologies, frozenset[str])
    Person("Mara Okafor", "mara@northwind.example")  # type: ignore[call-arg]
    Company("Northwind", employees="420")  # type: ignore[arg-type]
    person.name = "Mara"  # type: ignore[misc]
    person.email.normalised  # type: ignore[union-attr]


def fields_are_read_only(fields: Fields) -> None:
    """Custom fields are a mapping onto a closed union, and take no assignment."""
    mapping: Mapping[str, FieldValue] = fields
    assert_type(mapping["tier"], FieldValue)
    assert_type(fields.but(seats=60), Fields)
    fields["tier"] = "gold"  # type: ignore[index]
    fields.but(seats=[60])  # type: ignore[arg-type]


def stages_are_data(pipeline: Pipeline, stage: Stage) -> None:
    """A stage is found by its code and says what it is by category."""
    assert_type(pipeline.stage("proposal"), Stage)
    assert_type(pipeline.stages, tuple[Stage, ...])
    assert_type(stage.category, StageCategory)
    assert_type(stage.probability, float)
    pipeline.stage(3)  # type: ignore[arg-type]
