"""A plan that waits for approval comes back as it was, and is applied as if it had never been away."""

import json

import pytest

from leadflow.codec import Codec
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
from leadflow.money import Money
from leadflow.stores import ChangeSet, InMemoryStore
from leadflow.testing.builders import AlwaysSays, a_lead, a_prospect, an_assessment, when

CODEC = Codec()


def away_and_back(value):
    """Return what comes back from a text."""
    return CODEC.load(json.loads(json.dumps(CODEC.dump(value))), type(value))


@pytest.fixture
def conversion():
    prospect = a_prospect("P-1")
    return prospect, plan_conversion(
        prospect,
        evidence=an_assessment(prospect),
        account=Create("A-1"),
        contact=Create("C-1"),
        opportunity=Create("O-1"),
        terms=DealTerms(amount=Money("48000.00", "EUR")),
        **when(3),
    )


def test_a_qualification():
    """Request, records, evidence, changes and defaults."""
    lead = a_lead("L-1")
    plan = plan_qualification(lead, evidence=an_assessment(lead), prospect=Create("P-1"), **when(3))
    assert isinstance(plan, QualificationPlan)
    again = away_and_back(plan)
    assert again == plan
    assert str(again) == str(plan)
    assert again.request.fingerprint == plan.request.fingerprint


def test_a_conversion(conversion):
    """The same, with a deal; its change set commits by itself, too."""
    prospect, plan = conversion
    assert isinstance(plan, ConversionPlan)
    assert away_and_back(plan) == plan
    assert str(away_and_back(plan)) == str(plan)
    store = InMemoryStore()
    store.commit(ChangeSet.new(prospect))
    assert type(store.commit(away_and_back(plan.changes))).__name__ == "Committed"
    assert store.load("O-1") == plan.opportunity


def test_is_applied(conversion):
    """The service plans anew, compares, and finds the same."""
    prospect, plan = conversion
    store = InMemoryStore()
    store.commit(ChangeSet.new(prospect))
    service = ConversionService(
        store, qualify_with=AlwaysSays(), convert_with=AlwaysSays(), new_id=lambda kind: f"{kind}-1"
    )
    applied = service.apply(away_and_back(plan), key="request-1")
    assert not isinstance(applied, Refusal), applied
    assert away_and_back(store.receipt("request-1")) == store.receipt("request-1")
