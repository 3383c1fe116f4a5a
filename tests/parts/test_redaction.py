"""Taking out what is personal: by marks on attributes, at any depth, without touching figures."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import attrs
import pytest
from attrs import field, frozen

from leadflow import (
    Company,
    Engagement,
    Fields,
    Money,
    Person,
    dealparts,
    discovery,
    engagement,
    events,
    party,
)
from leadflow.assessment import Evidence, Verdict
from leadflow.redaction import PERSONAL, PERSONAL_WORDS, REDACTED, redacted

AT = datetime(2026, 3, 2, tzinfo=UTC)


@frozen(kw_only=True)
class Card:
    """A value with every kind of marked attribute."""

    required: object = field(metadata=PERSONAL)
    optional: object = field(default=None, metadata=PERSONAL)
    said: object = field(default=None, metadata=PERSONAL_WORDS)
    texts: tuple = field(default=(), metadata=PERSONAL)
    made: object = field(factory=str, metadata=PERSONAL)
    inside: object = None
    worked_out: str = field(init=False, default="x", metadata=PERSONAL)


class TestRedacted:
    """A marked attribute is blanked, the rest is kept."""

    def test_blanks(self):
        """The default where there is one; a word in its place where something must have been said."""
        card = Card(required="Mara", optional="Mara", said="Mara", texts=("Mara", "Ada"), made="Mara")
        assert redacted(card) == Card(required=REDACTED, optional=None, said=REDACTED, texts=(REDACTED,), made=REDACTED)

    def test_nothing_said_stays_nothing(self):
        """No word is put where none was."""
        card = Card(required=5)
        assert redacted(card) is card

    @pytest.mark.parametrize("kept", [Money(5, "EUR"), Decimal(5), 5, 0.5, True, date(2026, 1, 1), AT, timedelta(1)])
    def test_figures_stay(self, kept):
        """Also where they stand in a marked place."""
        card = Card(required=kept, optional=kept, said=kept)
        assert redacted(card) is card
        assert redacted(Fields({"x": kept})) == Fields({"x": kept})

    def test_fields(self):
        """Texts of custom fields go, names and figures stay; a collection stays one."""
        fields = Fields({"nick": "Mara", "aliases": ("Mara", "M"), "likes": frozenset({"tea"}), "seats": 3, "none": ()})
        blank = redacted(Engagement("form", at=AT, fields=fields)).fields
        assert blank == Fields(
            {"nick": REDACTED, "aliases": (REDACTED,), "likes": frozenset({REDACTED}), "seats": 3, "none": ()}
        )

    def test_at_any_depth(self):
        """Inside values and tuples of values; what has nothing personal is the same object."""
        card = Card(required=1, inside=(1, (Person("Mara", phone="1"),)))
        assert redacted(card).inside == (1, (Person(REDACTED),))
        plain = Card(required=1, inside=(1, (Company("Northwind"),), {"a": "b"}))
        assert redacted(plain) is plain

    def test_twice_is_once(self):
        """What is blank stays as it is."""
        once = redacted(Card(required="Mara", said="Mara", inside=Engagement("form", at=AT, fields={"nick": "Mara"})))
        assert redacted(once) is once

    def test_an_office_is_not_reached_any_more(self):
        """The address and number of a company often are somebody's own; its name and host are not."""
        company = Company("Northwind", domain="x.co", email="mara@x.co", phone="1", employees=5)
        assert redacted(company) == Company("Northwind", domain="x.co", employees=5)

    def test_evidence(self):
        """Facts that may identify somebody are blanked, the verdict and the others stay."""
        found = Evidence(
            policy_id="icp",
            at=AT,
            verdict=Verdict.QUALIFIED,
            facts={"company.employees": 420},
            personal_facts={"person.job_title": "CTO", "person.since": date(2020, 1, 1)},
        )
        blank = redacted(found)
        assert blank.known == {
            "company.employees": 420,
            "person.job_title": REDACTED,
            "person.since": date(2020, 1, 1),
        }
        assert blank.verdict is Verdict.QUALIFIED


# Codes, labels of configuration, ids, and values that judge their own texts: what identifies nobody.
IMPERSONAL = {
    "code", "label", "kind", "source", "campaign", "channel", "reference", "product", "number", "user", "role", "owner",
    "by", "competitors", "tags", "industry", "city", "region", "country", "department", "language", "technologies",
    "purpose", "cleared", "written", "kinds", "probability_by", "contact_id", "account_id", "lead_id", "prospect_id",
    "opportunity_id", "opportunity_ids", "entry_id", "level", "_ratings", "changes", "domain",
    "Company.name", "Proactive.name", "Redacted.reason", "RoleRemoved.contact_id", "_TakenOver.status", "merged_id",
    "merged_ids", "merged_into", "into", "Wrote.id", "Provenance.path", "Provenance.ids",
}  # fmt: skip


class TestEveryClass:
    """Whoever adds a text to an event or a part must say whether it may name somebody."""

    @pytest.mark.parametrize("module", [party, engagement, discovery, dealparts, events])
    def test_every_text_is_judged(self, module):
        """It is marked, or it is in the list above."""
        made_here = [
            kind for kind in vars(module).values() if str(getattr(kind, "__module__", "")).startswith(module.__name__)
        ]
        kinds = [kind for kind in made_here if isinstance(kind, type) and attrs.has(kind)]
        assert kinds
        unjudged = [
            f"{kind.__name__}.{attribute.name}"
            for kind in kinds
            for attribute in attrs.fields(kind)
            if "str" in str(attribute.type) and not attribute.metadata
            if not {attribute.name, f"{kind.__name__}.{attribute.name}"} & IMPERSONAL
        ]
        assert unjudged == []
