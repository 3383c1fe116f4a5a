"""
Builders: a record of each kind with sane values, everything changeable; no test library needed.

What is not given is Mara Okafor of Northwind, on Monday 2 March 2026 at nine, by ada. Each builder takes an id by
position and, by keyword, whatever the record's own constructor takes.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from attrs import frozen

from leadflow.account import Account
from leadflow.assessment import Assessment, Basis, Evidence, Explanation, Verdict
from leadflow.contact import Contact
from leadflow.dealparts import Origin
from leadflow.engagement import Engagement
from leadflow.events import When
from leadflow.lead import Lead
from leadflow.listentry import ListEntry
from leadflow.money import Money
from leadflow.opportunity import Opportunity
from leadflow.party import Company, Person
from leadflow.pipeline import Pipeline, Stage
from leadflow.pipelines import SIMPLE
from leadflow.prospect import Prospect

__all__ = [
    "MONDAY",
    "PIPELINES",
    "AlwaysSays",
    "a_company",
    "a_contact",
    "a_lead",
    "a_list_entry",
    "a_person",
    "a_prospect",
    "an_account",
    "an_assessment",
    "an_evidence",
    "an_opportunity",
    "when",
]

MONDAY: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When what is built happens, if nothing else is said."""

PIPELINES: Final = (
    SIMPLE,
    Pipeline(
        "simple",
        [
            Stage(
                code="qualified",
                probability=0.1 + 0.2,
                label="Vetted \N{GRINNING FACE}",
                rots_after=timedelta(days=1.5),
            ),
            Stage(code="proposal", probability=0.5, requires={"amount", "expected_close"}),
            Stage(code="negotiation", probability=1.0, forecast_category="commit", review_every=timedelta(days=7)),
            Stage(code="won", category="won"),
            Stage(code="lost", category="lost"),
        ],
        version=2,
    ),
)
"""The pipelines of the deals that the kit stores: a store that names pipelines by id and version must know them."""


def when(days: float = 0, *, by: str | None = "ada") -> When:
    """
    Return the time so many days after `MONDAY`, for ``**when(3)``.

    >>> when(3)["at"].isoformat()
    '2026-03-05T09:00:00+00:00'
    """
    return When(at=MONDAY + timedelta(days=days), by=by)


def a_person(name: str = "Mara Okafor", **changes: Any) -> Person:  # noqa: ANN401 - Person checks them
    """Return a person who can be reached."""
    return Person(name, **_given(changes, email="mara@northwind.example", phone="+49 30 1234567"))


def a_company(name: str = "Northwind", **changes: Any) -> Company:  # noqa: ANN401 - Company checks them
    """Return a company with a domain."""
    return Company(name, **_given(changes, domain="northwind.example", employees=420, country="DE"))


def a_list_entry(id: str = "N-1", **changes: Any) -> ListEntry:  # noqa: A002, ANN401
    """Return an entry of a list from a fair."""
    return ListEntry.add(id, **_given(changes, person=a_person(), source="fair", **when()))


def a_lead(id: str = "L-1", **changes: Any) -> Lead:  # noqa: A002, ANN401
    """
    Return a lead that asked for a demo.

    >>> a_lead("L-7", owner="bob").owner
    'bob'
    """
    engagement = Engagement("demo_request", at=changes.get("at", MONDAY))
    whom = {"person": a_person(), "company": a_company()}
    return Lead.capture(id, **_given(changes, **whom, engagement=engagement, source="website", **when()))


def a_prospect(id: str = "P-1", **changes: Any) -> Prospect:  # noqa: A002, ANN401
    """Return an active prospect."""
    whom = {"person": a_person(), "company": a_company()}
    return Prospect.imported(id, **_given(changes, **whom, source="website", **when()))


def an_account(id: str = "A-1", name: str = "Northwind", **changes: Any) -> Account:  # noqa: A002, ANN401
    """Return an account with a domain."""
    return Account.add(id, name, **_given(changes, company=a_company(name), **when()))


def a_contact(id: str = "C-1", **changes: Any) -> Contact:  # noqa: A002, ANN401
    """Return a contact at account ``A-1``."""
    return Contact.add(id, **_given(changes, person=a_person(), account_id="A-1", **when()))


def an_opportunity(id: str = "O-1", name: str = "Northwind rollout", **changes: Any) -> Opportunity:  # noqa: A002, ANN401
    """
    Return an open deal of 48,000 EUR in the first stage of `pipelines.SIMPLE`, with account ``A-1``, a customer.

    >>> an_opportunity(account_id="A-2").origin.reference
    'A-2'
    """
    customer = changes.get("account_id", "A-1")
    given = _given(
        changes,
        amount=Money("48000", "EUR"),
        expected_close=MONDAY.date() + timedelta(days=60),
        origin=Origin.from_campaign("spring") if customer is None else Origin.from_customer(customer),
        pipeline=SIMPLE,
        account_id=customer,
        **when(),
    )
    return Opportunity.open(id, name, **given)


def _given(changes: Mapping[str, Any], **usual: Any) -> dict[str, Any]:  # noqa: ANN401 - the record checks them
    return {**usual, **changes}


@frozen
class AlwaysSays:
    """
    A policy that says the same of everybody.

    >>> AlwaysSays("qualified").assess(a_lead(), at=MONDAY).verdict.value
    'qualified'

    Attributes:
        verdict: A `Verdict` or its value.
    """

    verdict: str = "qualified"

    def assess(self, subject: Any, *, at: datetime) -> Assessment:  # noqa: ANN401 - any record
        """Return the verdict on a record."""
        return Assessment(
            verdict=Verdict(self.verdict),
            basis=Basis("always"),
            at=at,
            subject_id=subject.id,
            subject_version=subject.version,
            explainer=Explanation(),
        )


def an_assessment(subject: Any, verdict: str = "qualified", *, at: datetime | None = None) -> Assessment:  # noqa: ANN401
    """Return what `AlwaysSays` says of a record; by default as of its last event."""
    return AlwaysSays(verdict).assess(subject, at=subject.updated_at if at is None else at)


def an_evidence(subject: Any, verdict: str = "qualified", *, at: datetime | None = None) -> Evidence:  # noqa: ANN401
    """Return the same, written out as events keep it."""
    return an_assessment(subject, verdict, at=at).evidence()
