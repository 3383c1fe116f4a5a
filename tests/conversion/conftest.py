"""A small shop to convert in: builders for leads, prospects, judgements and plans, each with everything changeable."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from leadflow import (
    Account,
    Assessment,
    Company,
    Contact,
    Engagement,
    Lead,
    Money,
    Opportunity,
    Origin,
    Person,
    Prospect,
    Touch,
    Verdict,
    When,
    pipelines,
)
from leadflow.assessment import Basis, Explanation, Finding, FindingKind, Question
from leadflow.conversion import (
    ConversionPlan,
    ConversionService,
    Create,
    DealTerms,
    QualificationPlan,
    Refusal,
    plan_conversion,
    plan_qualification,
)
from leadflow.stores import InMemoryStore, Store

# For `storms`, which the tests of the example hosts import as well.
sys.path.insert(0, str(Path(__file__).parent))

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)

EXPLAINED = {
    Verdict.QUALIFIED: Explanation(),
    Verdict.UNDECIDED: Explanation(questions=(Question("discovery.authority.level", "who decides?"),)),
    Verdict.NOT_QUALIFIED: Explanation(
        findings=(Finding(path="require[0]", kind=FindingKind.REQUIREMENT, text="employees >= 50", holds=False),)
    ),
    Verdict.DISQUALIFIED: Explanation(),
}


class Says:
    """A host's own policy that says the same of everybody."""

    def __init__(self, verdict: str = "qualified", *, valid_for: timedelta | None = None) -> None:
        self.verdict = Verdict(verdict)
        self.basis = Basis("committee", 3, "f00d", valid_for=valid_for)

    def assess(self, subject: Any, *, at: datetime) -> Assessment:
        return Assessment(
            verdict=self.verdict,
            basis=self.basis,
            at=at,
            subject_id=subject.id,
            subject_version=subject.version,
            explainer=EXPLAINED[self.verdict],
        )


class Shop:
    """Builders: what is not given is Mara Okafor of Northwind, on Monday, by ada."""

    at = AT
    now = When(at=AT, by="ada")
    later = When(at=AT + timedelta(days=3), by="ada")
    person = Person("Mara Okafor", email="mara@northwind.example", phone="+49 30 1234567", country="DE", language="en")
    company = Company("Northwind", employees=420, country="DE")
    says = Says

    def lead(self, id_: str = "L-1", **changes: Any) -> Lead:
        given = {
            "person": self.person,
            "company": self.company,
            "engagement": Engagement("demo_request", at=AT),
            "source": "website",
            "owner": "ada",
            **self.now,
        }
        return Lead.capture(id_, **(given | changes))

    def judged(self, record: Any, verdict: str = "qualified", *, at: datetime | None = None, **more: Any) -> Assessment:
        return Says(verdict, **more).assess(record, at=AT + timedelta(days=3) if at is None else at)

    def qualification(self, lead: Lead, prospect: str = "P-1", **changes: Any) -> QualificationPlan | Refusal:
        given = {"evidence": self.judged(lead), "prospect": Create(prospect), **self.later}
        return plan_qualification(lead, **(given | changes))

    def prospect(self, id_: str = "P-1", lead: Lead | None = None, **changes: Any) -> Prospect:
        plan = self.qualification(lead or self.lead("L-" + id_, **changes), id_)
        assert isinstance(plan, QualificationPlan)
        return plan.prospect

    def rich_lead(self, id_: str = "L-1") -> Lead:
        lead = self.lead(
            id_,
            campaign="spring",
            estimated_value=Money("50000", "EUR"),
            product_interest=["router", "switch"],
            tags=["fair", "warm"],
            fields={"tier": "gold", "seats": 40},
        )
        lead = lead.touch(Touch("call", at=AT, outcome="reached"), **self.now)
        return lead.discover(need="late deliveries", budget=Money("48000", "EUR"), **self.now)

    def conversion(self, prospect: Prospect, **changes: Any) -> ConversionPlan[Any] | Refusal:
        given = {
            "evidence": self.judged(prospect),
            "account": Create("A-1"),
            "contact": Create("C-1"),
            "opportunity": Create("O-1"),
            **self.later,
        }
        terms = DealTerms(amount=Money("48000", "EUR"), pipeline=pipelines.SIMPLE)
        if isinstance((given | changes)["opportunity"], Create):
            given["terms"] = terms
        return plan_conversion(prospect, **(given | changes))

    def planned(self, prospect: Prospect, **changes: Any) -> ConversionPlan[Any]:
        plan = self.conversion(prospect, **changes)
        assert isinstance(plan, ConversionPlan), plan
        return plan

    def account(self, id_: str = "A-9", name: str = "Northwind GmbH", **changes: Any) -> Account:
        return Account.add(id_, name, **({"company": Company(name, domain="northwind.example"), **self.now} | changes))

    def contact(self, id_: str = "C-9", **changes: Any) -> Contact:
        person = changes.pop("person", Person("M. Okafor", email="mara@northwind.example"))
        return Contact.add(id_, person, **({"account_id": "A-9", **self.now} | changes))

    def deal(self, id_: str = "O-9", **changes: Any) -> Opportunity:
        given = {
            "expected_close": AT.date(),
            "origin": Origin.from_campaign("spring"),
            "pipeline": pipelines.SIMPLE,
            "account_id": "A-9",
            **self.now,
        }
        return Opportunity.open(id_, "Running", Money("1000", "EUR"), **(given | changes))

    def service(self, store: Store | None = None, **changes: Any) -> ConversionService:
        numbers: Iterator[int] = count(1)
        given = {
            "qualify_with": Says(),
            "convert_with": Says(),
            "new_id": lambda kind: f"{kind}-{next(numbers)}",
        }
        return ConversionService(InMemoryStore() if store is None else store, **(given | changes))


@pytest.fixture(scope="session")
def shop() -> Shop:
    return Shop()
