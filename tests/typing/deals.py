"""
What a type checker sees of opportunities: read by mypy, never run.

See `values.py` for how deliberate mistakes are kept honest.
"""

from datetime import date, datetime
from typing import assert_type

from leadflow.dealparts import ContactRole, Reason
from leadflow.events import When
from leadflow.ids import AccountId, OpportunityId
from leadflow.lead import Lead
from leadflow.money import Money, Recurring
from leadflow.opportunity import Opportunity
from leadflow.pipeline import ForecastCategory, Stage


def commands_give_an_opportunity(deal: Opportunity, now: When) -> None:
    """Moves, amounts and dates each return the changed deal."""
    assert_type(deal.move_to("proposal", **now), Opportunity)
    assert_type(deal.win(**now), Opportunity)
    assert_type(deal.win(amount=Money("50000", "EUR"), **now), Opportunity)
    assert_type(deal.lose("price", **now), Opportunity)
    assert_type(deal.set_amount(Money("50000", "EUR"), **now), Opportunity)
    assert_type(deal.set_expected_close(date(2026, 6, 30), **now), Opportunity)
    assert_type(deal.set_probability(0.4, **now), Opportunity)
    assert_type(deal.reopen(**now), Opportunity)
    assert_type(deal.call("commit", pinned=True, **now), Opportunity)
    assert_type(deal.call(ForecastCategory.BEST_CASE, **now), Opportunity)
    deal.lose(**now)  # type: ignore[call-arg]
    deal.move_to("proposal")  # type: ignore[call-arg]
    deal.set_amount(50_000.0, **now)  # type: ignore[arg-type]
    deal.win(amount="50000", **now)  # type: ignore[arg-type]


def the_state_of_a_deal(deal: Opportunity, at: datetime) -> None:
    """Stage and probability are always known; amount, account and dates may not be."""
    assert_type(deal.id, OpportunityId)
    assert_type(deal.stage, Stage)
    assert_type(deal.probability, float)
    assert_type(deal.forecast_category, ForecastCategory)
    assert_type(deal.amount, Money | None)
    assert_type(deal.recurring, Recurring | None)
    assert_type(deal.account_id, AccountId | None)
    assert_type(deal.expected_close, date | None)
    assert_type(deal.closed_at, datetime | None)
    assert_type(deal.reason, Reason | None)
    assert_type(deal.contact_roles, tuple[ContactRole, ...])
    assert_type(deal.is_open, bool)
    assert_type(deal.is_won, bool)
    assert_type(deal.is_lost, bool)
    assert_type(deal.as_of(at), Opportunity | None)
    deal.amount * 2  # type: ignore[operator]
    deal.amount = None  # type: ignore[misc]
    deal.stage.probability = 1.0  # type: ignore[misc]


def a_lead_is_no_deal(lead: Lead, now: When) -> None:
    """What only deals can do, no lead can try."""
    lead.win(**now)  # type: ignore[attr-defined]
    lead.move_to("proposal", **now)  # type: ignore[attr-defined]
