"""Records to store: one of each kind, and what follows from it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from leadflow import (
    Account,
    Company,
    Contact,
    Engagement,
    Lead,
    ListEntry,
    Money,
    Opportunity,
    Origin,
    Person,
    Prospect,
    When,
    pipelines,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Things:
    """Builders of records; what is not given is Mara Okafor of Northwind, on Monday, by ada."""

    now = When(at=AT, by="ada")
    person = Person("Mara Okafor", email="Mara@Northwind.example", phone="+49 (30) 1234567")

    def account(self, id_: str = "A-1", **changes: Any) -> Account:
        return Account.add(
            id_, "Northwind", **({"company": Company("Northwind", domain="northwind.example")} | changes), **self.now
        )

    def contact(self, id_: str = "C-1", **changes: Any) -> Contact:
        return Contact.add(id_, changes.pop("person", self.person), **changes, **self.now)

    def lead(self, id_: str = "L-1", **changes: Any) -> Lead:
        given = {"person": self.person, "engagement": Engagement("demo_request", at=AT)}
        return Lead.capture(id_, **(given | changes), **self.now)

    def entry(self, id_: str = "N-1") -> ListEntry:
        return ListEntry.add(id_, person=self.person, source="fair", **self.now)

    def prospect(self, id_: str = "P-1", **changes: Any) -> Prospect:
        return Prospect.imported(id_, person=self.person, **changes, **self.now)

    def deal(self, id_: str = "O-1", **changes: Any) -> Opportunity:
        given = {
            "expected_close": AT.date(),
            "origin": Origin.from_customer("A-1"),
            "pipeline": pipelines.SIMPLE,
            "account_id": "A-1",
        }
        return Opportunity.open(id_, "Rollout", Money("1000", "EUR"), **(given | changes), **self.now)


@pytest.fixture(scope="session")
def things() -> Things:
    return Things()
