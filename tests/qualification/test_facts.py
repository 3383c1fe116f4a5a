"""Facts: where they stand on records, how a sheet carries them, what is counted from engagements and touches."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from leadflow import (
    Account,
    Company,
    Consent,
    Contact,
    Engagement,
    Lead,
    Money,
    Opportunity,
    Origin,
    Person,
    Prospect,
    Touch,
    pipelines,
)
from leadflow.errors import InvalidError, InvalidTypeError, LookAheadError
from leadflow.qualification import (
    CATALOGUE,
    NEVER,
    Bant,
    FactSheet,
    Policy,
    Verdict,
    engagements,
    fact,
    touches,
)
from leadflow.qualification.activity import Activity
from leadflow.qualification.catalogue import read
from leadflow.qualification.facts import Fact
from leadflow.qualification.kinds import Kind, canonical, fit

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
WHEN = {"at": AT, "by": "ada"}
MARA = Person(
    "Mara Okafor", email="Mara@Northwind.example", phone="1", job_title="VP Operations", seniority="vp", country="DE"
)
NORTHWIND = Company(
    "Northwind", domain="northwind.example", employees=420, country="DE", technologies=["dbt"], revenue=Money(9, "EUR")
)


def lead(**more):
    given = {
        "person": MARA,
        "company": NORTHWIND,
        "engagement": Engagement("demo_request", at=AT, value=Money("10", "EUR"), campaign="spring"),
        "source": "website",
        "estimated_value": Money("500", "EUR"),
        "product_interest": ["rollout"],
        "tags": ["vip"],
        "fields": {"tier": "gold", "seats": 40},
    }
    return Lead.capture("L-1", **(given | more), **WHEN)


def deal(name="O-1", **more):
    given = {
        "amount": Money("48000", "EUR"),
        "expected_close": date(2026, 6, 30),
        "origin": Origin.from_prospect("P-1"),
        "pipeline": pipelines.SIMPLE,
        "account_id": "A-1",
    }
    amount = given.pop("amount")
    return Opportunity.open(name, "Rollout", amount, **(given | more), **WHEN)


class NAType:
    """A value like pandas' NA, which refuses to say whether it equals anything."""

    __hash__ = None

    def __ne__(self, other):
        return self

    def __eq__(self, other):
        return self

    def __bool__(self):
        raise TypeError


def value(name, subject):
    return read(CATALOGUE[name], subject, AT)


class TestCatalogue:
    """Every fact is read where the records have it."""

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("person.name", "Mara Okafor"),
            ("person.email", "mara@northwind.example"),
            ("person.email_domain", "northwind.example"),
            ("person.phone", "1"),
            ("person.handle", None),
            ("person.job_title", "VP Operations"),
            ("person.seniority", "vp"),
            ("person.department", None),
            ("person.country", "DE"),
            ("person.is_contactable", True),
            ("company.domain", "northwind.example"),
            ("company.employees", 420),
            ("company.revenue", Money(9, "EUR")),
            ("company.technologies", frozenset({"dbt"})),
            ("company.industry", None),
            ("source", "website"),
            ("tags", frozenset({"vip"})),
            ("status", "new"),
            ("created_at", AT),
            ("estimated_value", Money("500", "EUR")),
            ("product_interest", frozenset({"rollout"})),
            ("discovery.budget.level", "identified"),
            ("discovery.budget.amount", Money("48000", "EUR")),
            ("discovery.need.text", "late deliveries"),
            ("discovery.timeline.date", date(2026, 6, 30)),
            ("discovery.authority.level", "none"),
            ("discovery.catalyst.level", None),
            ("discovery.ratings.champion", "strong"),
            ("discovery.ratings.pain", None),
            ("deal.amount", None),
            ("deal.stage", None),
            ("account.is_customer", None),
        ],
    )
    def test_lead(self, name, expected):
        """A lead knows persons, companies, where it came from and what was discovered; nothing of deals."""
        known = lead().discover(
            budget=Money("48000", "EUR"),
            need="late deliveries",
            timeline=date(2026, 6, 30),
            authority="none",
            ratings={"champion": "strong"},
            **WHEN,
        )
        assert value(name, known) == expected

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("deal.amount", Money("48000", "EUR")),
            ("deal.type", "new"),
            ("deal.stage", "qualified"),
            ("deal.stage_category", "open"),
            ("deal.stage_entered_at", AT),
            ("deal.probability", 0.2),
            ("deal.forecast_category", "pipeline"),
            ("deal.expected_close", date(2026, 6, 30)),
            ("deal.closed_at", None),
            ("deal.has_next_step", False),
            ("deal.proposals", 0),
            ("deal.competitors", frozenset({"Acme"})),
            ("deal.roles", frozenset({"decision_maker"})),
            ("company.employees", None),
            ("person.is_contactable", None),
            ("status", None),
        ],
    )
    def test_opportunity(self, name, expected):
        """An opportunity knows its deal; persons and companies it knows by id only."""
        known = deal().add_role("C-1", "decision_maker", primary=True, **WHEN).correct(competitors=["Acme"], **WHEN)
        assert value(name, known) == expected

    @pytest.mark.parametrize("spec", CATALOGUE.values(), ids=lambda spec: spec.name)
    def test_every_entry(self, spec):
        """Every entry is complete, and what it reads from any record is of its kind or unknown."""
        assert spec.meaning
        assert spec.question.endswith("?")
        assert bool(spec.levels) == (spec.kind is Kind.LEVEL)
        bare = Lead.capture("L-2", person=Person("X", handle="x"), engagement=Engagement("form", at=AT), **WHEN)
        imported = Prospect.imported("P-1", company=Company("Y"), **WHEN)
        for subject in (lead(), bare, imported, deal()):
            found = read(spec, subject, AT)
            assert found is None or fit(spec.kind, found)
            assert found is None or spec.name in fact(spec.name).equals(found).text

    def test_contactable(self):
        """A channel is known, and the last word on it is no refusal; other channels do not count."""

        def consent(channel, *, granted, at=AT):
            return Consent(channel, granted=granted, at=at)

        mail = Person("X", email="x@y.example")
        no, yes = consent("email", granted=False), consent("email", granted=True, at=AT + DAY)
        assert value("person.is_contactable", lead(person=mail)) is True
        assert value("person.is_contactable", lead(person=mail, consents=[no])) is False
        assert value("person.is_contactable", lead(person=MARA, consents=[no])) is True
        assert value("person.is_contactable", lead(person=mail, consents=[consent("phone", granted=False)])) is True
        assert value("person.is_contactable", lead(person=mail).record_consent(no, yes, at=AT + DAY)) is True
        nobody = Prospect.imported("P-1", company=Company("Y"), **WHEN)
        assert value("person.is_contactable", nobody) is None

    def test_custom_rating(self):
        """A rating of the host's own needs no entry."""
        rated = lead().discover(ratings={"custom.fit": "fair"}, **WHEN)
        own = fact("discovery.ratings.custom.fit")
        assert own.read(rated, AT) == "fair"
        assert own.question == "what do we know about fit?"
        assert Policy("p", require=[own >= "weak"]).assess(rated, at=AT).verdict is Verdict.QUALIFIED


class TestCustom:
    """A host's own facts declare their type where they are used."""

    def test_on_a_record(self):
        """They are read from the record's custom fields."""
        rule = Policy(
            "p", require=[fact("custom.tier", levels=("silver", "gold")) >= "gold", fact("custom.seats", int) > 9]
        )
        assert rule.assess(lead(), at=AT).verdict is Verdict.QUALIFIED
        assert rule.assess(lead(fields={}), at=AT).missing() == ("custom.seats", "custom.tier")

    def test_on_a_sheet(self):
        """They are carried by a sheet under their full name."""
        rule = Policy("p", require=[fact("custom.regions", tuple).includes("north")])
        assert rule.assess(FactSheet({"custom.regions": ["north", "south"]}), at=AT).verdict is Verdict.QUALIFIED

    def test_of_another_type(self):
        """A value of another type than declared is refused, not taken as unknown."""
        with pytest.raises(InvalidTypeError, match=r"custom.seats must be text"):
            Policy("p", require=[fact("custom.seats", str).equals("x")]).assess(lead(), at=AT)
        with pytest.raises(InvalidError, match=r"custom.tier is no level: 'gold'"):
            Policy("p", require=[fact("custom.tier", levels=("a", "b")).equals("a")]).assess(
                FactSheet({"custom.tier": "gold"}), at=AT
            )

    def test_names(self):
        """A catalogued fact may repeat its type; it is the same fact."""
        assert fact("company.employees", int) == fact("company.employees") == Fact("company.employees")


class TestSheet:
    """A sheet carries facts directly, and its mistakes are named together."""

    def test_missing_values(self):
        """None is unknown; markers of missing values are declared, never guessed."""
        nan = float("nan")
        sheet = FactSheet({"source": "", "company.employees": nan, "owner": "n/a", "campaign": None}, missing=["", nan])
        assert dict(sheet.values) == {"owner": "n/a"}
        assert dict(FactSheet({"deal.proposals": 0}, missing=["", False]).values) == {"deal.proposals": 0}

    def test_problems(self):
        """Unknown names, wrong kinds and undeclared markers are named together."""
        with pytest.raises(InvalidTypeError) as caught:
            FactSheet(
                {
                    "company.employes": 5,
                    "company.employees": "5",
                    "deal.probability": float("nan"),
                    "discovery.need.level": "huge",
                    "custom.x": object(),
                    5: 5,
                },
                engagements=["x"],
                touches=[5],
                subject_version=0,
            )
        for words in (
            "company.employes is no fact (did you mean 'company.employees'?)",
            "company.employees must be a number",
            "missing=[float('nan')]",
            "discovery.need.level is no level: 'huge'",
            "custom.x must be",
            "must have names of facts (str), got 5",
            "engagements[0]",
            "touches[0]",
            "subject_version",
        ):
            assert words in str(caught.value)
        with pytest.raises(InvalidTypeError, match="must be a mapping"):
            FactSheet([("source", "x")])

    def test_cells_of_tables(self):
        """Scalars of numpy stand for the Python value, and pandas' NA is a missing value like NaN."""
        scalar = type("int64", (), {"item": lambda self: 7, "__module__": "numpy"})()
        sheet = FactSheet({"company.employees": scalar, "source": NAType()}, missing=[float("nan")])
        assert dict(sheet.values) == {"company.employees": 7}

    def test_one_form(self):
        """Equal sheets are equal, whatever form their numbers and sets came in."""
        one = FactSheet({"company.employees": 50.0, "tags": ["b", "a"]})
        assert one == FactSheet({"company.employees": Decimal(50), "tags": frozenset({"a", "b"})})
        assert canonical(Kind.NUMBER, Decimal("0.1")) == Decimal("0.1")
        assert isinstance(canonical(Kind.NUMBER, Decimal("0.5")), float)

    def test_of_an_opportunity(self):
        """A sheet of an opportunity adds what it knows by id only."""
        chief = Contact.add("C-2", Person("Ada", email="ada@x.example", job_title="CEO"), **WHEN)
        mara = Contact.add("C-1", MARA, **WHEN)
        account = Account.add("A-1", "Northwind", company=NORTHWIND, **WHEN)
        subject = deal(fields={"tier": "gold"}).add_role("C-2", "decision_maker", primary=True, **WHEN)
        won = deal("O-2").win(at=AT + DAY)
        sheet = FactSheet.of(subject, account=account, contacts=[mara, chief], deals=[subject, won])
        assert sheet.values["company.employees"] == 420
        assert sheet.values["person.job_title"] == "CEO"
        assert sheet.values["account.is_customer"] is True
        assert (sheet.values["account.open_deals"], sheet.values["account.won_deals"]) == (1, 1)
        assert sheet.values["custom.tier"] == "gold"
        assert (sheet.subject_id, sheet.subject_version, sheet.known_at) == ("O-1", 2, AT + DAY)
        with pytest.raises(LookAheadError):
            Bant().assess(sheet, at=AT)

    def test_of_an_opportunity_alone(self):
        """Without its account and deals, these are unknown; the first contact stands for a primary one."""
        alone = FactSheet.of(deal())
        assert "account.is_customer" not in alone.values
        assert "company.employees" not in alone.values
        some = FactSheet.of(deal(), contacts=[Contact.add("C-1", MARA, **WHEN)])
        assert some.values["person.name"] == "Mara Okafor"
        assert Bant().assess(alone, at=AT).subject_id == "O-1"


class TestEngagements:
    """Never engaged is known; not tracked is unknown."""

    def subject(self):
        return lead().engage(Engagement("form", at=AT + 5 * DAY, value=Money("5", "EUR")), at=AT + 5 * DAY)

    @pytest.mark.parametrize(
        ("figure", "expected"),
        [
            (engagements().count(), 2),
            (engagements(kind="form").count(), 1),
            (engagements(kind=["form", "demo_request"]).count(), 2),
            (engagements(kind="webinar").count(), 0),
            (engagements(campaign="spring").count(), 1),
            (engagements(within=DAY * 10).count(), 1),
            (engagements().days_since_last(), 6),
            (engagements(kind="webinar").days_since_last(), NEVER),
            (engagements().sum("value", "EUR"), Money("15", "EUR")),
            (engagements(kind="webinar").sum("value", "EUR"), Money("0", "EUR")),
            (engagements().sum("value", "USD"), None),
            (touches().count(), 0),
            (touches().reply_rate(), None),
            (touches().days_since_last(), NEVER),
        ],
    )
    def test_figures(self, figure, expected):
        """Counted as of the time of the judgement, the window included at both ends."""
        assert figure.read(self.subject(), AT + 11 * DAY) == expected

    def test_touches(self):
        """Replies, calls that reached them and meetings held are answers."""
        subject = lead()
        for kind, outcome in (("call", "no_answer"), ("call", "reached"), ("email", "replied"), ("email", "no_answer")):
            subject = subject.touch(Touch(kind, at=AT, outcome=outcome), **WHEN)
        assert touches().reply_rate().read(subject, AT) == 0.5
        assert touches(kind="call", outcome=["reached", "held"]).count().read(subject, AT) == 1

    def test_never_engaged_fails_recency(self):
        """Never engaged is older than any limit."""
        sheet = FactSheet({}, engagements=[])
        recent = engagements().days_since_last() <= 30
        assert Policy("p", require=[recent]).assess(sheet, at=AT).verdict is Verdict.NOT_QUALIFIED

    def test_not_tracked_is_unknown(self):
        """A sheet without engagements says nothing about them, unless it carries the figure itself."""
        rule = Policy("p", require=[engagements(within=timedelta(days=30)).count() >= 1])
        assert rule.assess(FactSheet({}), at=AT).missing() == ("engagements(within=30d).count",)
        assert rule.assess(FactSheet({}), at=AT).questions[0].text == "what are the engagements?"
        counted = FactSheet({"engagements(within=30d).count": 3})
        assert rule.assess(counted, at=AT).verdict is Verdict.QUALIFIED

    def test_in_the_future(self):
        """An engagement dated after the judgement is a mistake and is refused, with its place."""
        sheet = FactSheet({}, engagements=[Engagement("form", at=AT), Engagement("form", at=AT + DAY)])
        with pytest.raises(InvalidError, match=r"engagements\[1\] is at 2026-03-03"):
            Policy("p", require=[engagements().count() >= 1]).assess(sheet, at=AT)

    def test_names(self):
        """Equal figures have equal names, and a long name is cut to a key that still tells them apart."""
        assert engagements(kind=["form", "call"]).count() == engagements(kind=["call", "form"]).count()
        assert touches(kind="call", within=DAY / 2).count().name == "touches(kind=call, within=0.5d).count"
        long = [engagements(kind=[f"custom.kind_{n}_{tail}" for n in range(30)]).count().name for tail in "ab"]
        assert len(set(long)) == 2
        assert all(len(name) < 191 for name in long)
        assert engagements().sum("value", "EUR").name == "engagements().sum(EUR)"

    def test_refusals(self):
        """What makes no sense of touches is refused for them, and the other way round."""
        with pytest.raises(InvalidError) as caught:
            Activity(source="touches", measure="sum", campaign="x", currency="EUR")
        assert "campaign must be left out" in str(caught.value)
        assert "must not be sum" in str(caught.value)
        with pytest.raises(InvalidError) as caught:
            Activity(source="engagements", measure="reply_rate", outcomes=["replied"], currency="EUR")
        assert "outcomes must be left out" in str(caught.value)
        assert "must not be reply_rate" in str(caught.value)
        assert "currency must be left out" in str(caught.value)
