"""The potential of leads and prospects: beside a forecast, at the caller's rates, never guessed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from leadflow import pipelines
from leadflow.calendar import FiscalCalendar
from leadflow.engagement import Engagement
from leadflow.errors import InvalidError
from leadflow.forecasting import Conversion, Level, StageTable, forecast
from leadflow.funnel import Journey, Levels, funnel
from leadflow.lead import Lead
from leadflow.money import ExchangeRates, Money, Rate
from leadflow.party import Person
from leadflow.prospect import Prospect

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CONVERSION = {"lead": 0.05, "prospect": 0.2}


def lead(key, value="1000", at=NOW - DAY, currency="EUR", **attributes):
    return Lead.imported(
        key,
        person=Person("Mara Okafor", email="mara@northwind.example"),
        estimated_value=None if value is None else Money(value, currency),
        at=at,
        **attributes,
    )


def prospect(key, value="1000", at=NOW - DAY, **attributes):
    return Prospect.imported(
        key,
        person=Person("Mara Okafor", email="mara@northwind.example"),
        estimated_value=None if value is None else Money(value, "EUR"),
        at=at,
        **attributes,
    )


def of(leads=(), prospects=(), conversion=CONVERSION, **options):
    return forecast(
        [],
        model=StageTable(pipelines.SIMPLE),
        period=FiscalCalendar(UTC).quarter(2026, 1),
        as_of=NOW,
        currency="EUR",
        leads=leads,
        prospects=prospects,
        conversion=conversion,
        **options,
    )


def reasons(result):
    return [(one.id, one.reason.value) for one in result.potential.omitted]


class TestPotential:
    """Values times the caller's rates, apart from won, open and mean."""

    def test_each_level_has_its_rate(self):
        """1,000 of leads at 5 % and 2,000 of prospects at 20 % are 50 and 400."""
        result = of([lead("L-1")], [prospect("P-1", "2000")])
        potential = result.potential
        assert (potential.leads, potential.prospects) == (Money(50, "EUR"), Money(400, "EUR"))
        assert potential.total == Money(450, "EUR")
        assert result.mean == Money(0, "EUR")
        assert potential.to_rows() == [
            {
                "id": "L-1",
                "level": "lead",
                "value": Money(1000, "EUR"),
                "rate": 0.05,
                "expected": Money(50, "EUR"),
                "p": None,
            },
            {
                "id": "P-1",
                "level": "prospect",
                "value": Money(2000, "EUR"),
                "rate": 0.2,
                "expected": Money(400, "EUR"),
                "p": None,
            },
        ]

    def test_without_rates_they_are_listed_not_guessed(self):
        """No rate for a level: everybody there is listed, together with what else is missing."""
        result = of([lead("L-1", None)], [prospect("P-1")], conversion=None)
        assert reasons(result) == [("L-1", "no_conversion"), ("L-1", "unpriced"), ("P-1", "no_conversion")]
        assert result.potential.total == Money(0, "EUR")
        assert reasons(of([lead("L-1")], [prospect("P-1")], conversion={"prospect": 0.2})) == [("L-1", "no_conversion")]

    def test_without_a_value_they_are_listed(self):
        """An unknown value is not nothing."""
        assert reasons(of([lead("L-1", None), lead("L-2")])) == [("L-1", "unpriced")]

    def test_rows_add_up_to_the_total(self):
        """Two values of 10.10 at 5 % are 0.51 + 0.50 = 1.01."""
        result = of([lead("L-2", "10.10"), lead("L-1", "10.10")])
        assert [(row.id, str(row.expected)) for row in result.potential.rows] == [
            ("L-1", "0.51 EUR"),
            ("L-2", "0.50 EUR"),
        ]
        assert result.potential.total == Money("1.01", "EUR")

    def test_values_are_converted_at_the_rate_of_today(self):
        """An estimate has no closing day: the as-of day's rate is the one."""
        rates = ExchangeRates([Rate("USD", "EUR", Decimal("0.5"), date(2026, 1, 1))])
        dollars = lead("L-1", currency="USD")
        assert of([dollars], rates=rates).potential.total == Money(25, "EUR")
        assert reasons(of([dollars])) == [("L-1", "no_rate")]

    def test_who_is_out_has_no_potential(self):
        """Disqualified, withdrawn and not yet known ones are nowhere, not even listed."""
        gone = lead("L-1").disqualify("no_need", at=NOW, by="ada")
        withdrawn = prospect("P-1").withdraw(at=NOW, by="ada")
        result = of([gone, lead("L-2", at=NOW + DAY)], [withdrawn])
        assert (result.potential.rows, result.potential.omitted) == ((), ())

    def test_they_are_taken_as_of_the_time(self):
        """Disqualified tomorrow is alive today."""
        tomorrow = lead("L-1").disqualify("no_need", at=NOW + DAY, by="ada")
        assert of([tomorrow]).potential.leads == Money(50, "EUR")

    def test_who_went_on_counts_there(self):
        """A qualified lead counts as its prospect, a prospect with deals in the deals; both are listed as converted."""
        qualified = lead("L-1", status="qualified", prospect_id="P-1")
        with_deals = prospect("P-2", opportunity_ids=("O-1", "O-2"))
        result = of([qualified], [with_deals])
        assert [str(one) for one in result.potential.omitted] == [
            "L-1: is qualified; prospect 'P-1' counts",
            "P-2: has deals of its own: O-1, O-2",
        ]
        assert result.potential.rows == ()

    def test_each_once(self):
        """A lead that comes twice would count twice."""
        with pytest.raises(InvalidError, match="leads must not repeat"):
            of([lead("L-1"), lead("L-1")])
        with pytest.raises(InvalidError, match="prospects must not repeat"):
            of((), [prospect("P-1"), prospect("P-1")])

    def test_a_captured_lead_without_a_value_is_listed(self):
        """What the library itself captures goes through as well."""
        captured = Lead.capture(
            "L-1",
            person=Person("Mara Okafor", email="mara@northwind.example"),
            engagement=Engagement("demo_request", at=NOW - DAY),
            source="website",
            at=NOW - DAY,
        )
        assert reasons(of([captured])) == [("L-1", "unpriced")]

    def test_text_says_how_many_at_which_rate(self):
        """The printed forecast names levels, rates and amounts, and who is left out."""
        text = str(of([lead("L-1"), lead("L-2"), lead("L-3", None)], [prospect("P-1")]))
        assert "potential: 2 leads at 5 %: 100.00" in text
        assert "potential: 1 prospect at 20 %: 200.00" in text
        assert "potential: left out: 1 without an amount: L-3" in text
        assert "potential" not in str(of())

    def test_who_has_waited_longer_than_any_win_is_listed(self):
        """No win was seen at such an age: the chance is unknown, and is listed rather than put at nothing."""
        known = Conversion(0.2, [(10 * DAY, 0.5), (40 * DAY, 1.0)], n=30)
        old, young = lead("L-1", created_at=NOW - 40 * DAY), lead("L-2", created_at=NOW - 39 * DAY)
        result = of([old, young], conversion={"lead": known})
        assert [row.id for row in result.potential.rows] == ["L-2"]
        assert [str(one) for one in result.potential.omitted] == [
            "L-1: is 40 days old, and no win beyond that age is known"
        ]
        assert result.new.amount > 0

    def test_what_a_funnel_measured_is_counted(self):
        """What a funnel measured of past leads says what today's bring inside the period, in the mean and apart."""
        past = [
            Journey(f"J-{n}", [("lead", NOW - 90 * DAY), ("won", NOW - (90 - n) * DAY)])
            if n % 2
            else Journey(f"J-{n}", [("lead", NOW - 90 * DAY)], out_at=NOW - (90 - n) * DAY)
            for n in range(1, 41)
        ]
        measured = funnel(past, as_of=NOW, levels=Levels(["lead"])).conversion("lead")
        assert (measured.rate, measured.n) == (pytest.approx(0.5), 40)
        result = of([lead("L-1")], conversion={"lead": measured})
        (row,) = result.potential.rows
        assert row.in_period.p == measured.won(result.period.end - NOW, age=DAY).p
        assert result.mean == result.new == Money("1000", "EUR").times(row.in_period.p).round()
        assert [one.name for one in result.additions] == ["leads"]

    def test_levels_are_codes(self):
        """The caller's mapping may have members or their values as keys."""
        assert of([lead("L-1")], conversion={Level.LEAD: 1}).potential.total == Money(1000, "EUR")
