"""The funnel: counts that add up, times that know who is still there, drop-offs, sources, journeys out of records."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow import (
    Company,
    Engagement,
    ExchangeRates,
    FiscalCalendar,
    InvalidError,
    Lead,
    Money,
    Opportunity,
    Origin,
    Person,
    Rate,
    pipelines,
)
from leadflow.conversion import Create, DealTerms, plan_conversion, plan_merge, plan_qualification
from leadflow.forecasting import DealFact, DealHistory
from leadflow.funnel import Journey, Levels, funnel, journeys_of, sources, stage_journeys
from leadflow.testing.builders import an_assessment

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
END = START + 100 * DAY
CODES = ("lead", "prospect", "opportunity", "won")


def day(number: float) -> datetime:
    return START + number * DAY


@st.composite
def journeys(draw: st.DrawFn, most: int = 12) -> list[Journey]:
    """Draw journeys of any shape: begun at any level, with levels skipped, open, won, out, or void."""
    found = []
    for number in range(draw(st.integers(0, most))):
        levels = sorted(draw(st.sets(st.integers(0, 3), min_size=1)))
        times = sorted(draw(st.lists(st.integers(0, 90), min_size=len(levels), max_size=len(levels))))
        steps = [(CODES[level], day(time)) for level, time in zip(levels, times, strict=True)]
        is_out = levels[-1] != 3 and draw(st.booleans())
        brought = draw(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 90).map(day)), max_size=3))
        found.append(
            Journey(
                f"L-{number}",
                steps,
                out_at=day(95) if is_out else None,
                reason=draw(st.sampled_from(["no_need", "no_budget"])) if is_out else None,
                counts_as=draw(st.sampled_from([None, "loss", "void"])) if is_out else None,
                value=Money(draw(st.integers(1, 99_999)), "EUR") / 100 if levels[-1] == 3 else None,
                sources=brought,
                owner=draw(st.sampled_from(["ada", "bo", None])),
            )
        )
    return found


class TestCounts:
    """Everybody is somewhere, once."""

    @given(journeys())
    def test_who_reached_a_level_went_on_fell_out_or_is_there(self, listed: list[Journey]) -> None:
        """Reached = gone on + fallen out + there now, at each level; the last level keeps everybody."""
        for row in funnel(listed, as_of=END).rows:
            assert row.reached == row.went_on + row.fell_out + row.now
            assert row.rate is None or 0 <= row.rate <= 1
            if row.level == "won":
                assert (row.went_on, row.fell_out, row.rate) == (0, 0, None)

    @given(journeys())
    def test_everybody_is_at_one_level(self, listed: list[Journey]) -> None:
        """Over the levels, those who are there and those who fell out are all journeys but the void ones."""
        counted = funnel(listed, as_of=END)
        assert sum(row.now + row.fell_out for row in counted.rows) + counted.void == len(listed)
        assert sum(drop.number for drop in counted.drop_offs) == sum(row.fell_out for row in counted.rows)

    @given(journeys(), st.sampled_from(["owner", "source", "reason"]))
    def test_groups_add_up(self, listed: list[Journey], by: str) -> None:
        """Broken down by anything, every count adds up to that of all."""
        whole, parts = funnel(listed, as_of=END), funnel(listed, as_of=END, by=by)
        for name in ("reached", "now", "went_on", "fell_out"):
            for row in whole.rows:
                assert getattr(row, name) == sum(getattr(part, name) for part in parts.rows if part.level == row.level)

    @given(journeys(), st.randoms(use_true_random=False))
    def test_order_makes_no_difference(self, listed: list[Journey], chance: Any) -> None:
        """Journeys given in another order make the same rows."""
        mixed = list(listed)
        chance.shuffle(mixed)
        assert funnel(mixed, as_of=END, by="owner").rows == funnel(listed, as_of=END, by="owner").rows

    def test_a_cohort_is_who_began_in_a_period(self) -> None:
        """Those who began in January count, wherever they have come since."""
        january = FiscalCalendar(UTC).month(2026, 1)
        listed = [
            Journey("L-1", [("lead", day(5)), ("won", day(60))]),
            Journey("L-2", [("lead", day(40)), ("won", day(60))]),
        ]
        counted = funnel(listed, as_of=END, cohort=january)
        assert (counted.row("lead").reached, counted.row("won").reached) == (1, 1)

    def test_groups_by_fields_and_reasons(self) -> None:
        """Whatever a journey says can be a group; those who say nothing stand last, under None."""
        listed = [
            Journey("L-1", [("lead", day(0))], fields={"segment": "small"}),
            Journey("L-2", [("lead", day(0))], out_at=day(1), reason="no_need"),
        ]
        assert [row.group for row in funnel(listed, as_of=END, by="segment").rows][::4] == ["small", None]
        assert [row.group for row in funnel(listed, as_of=END, by="reason").rows][::4] == ["no_need", None]
        assert [row["segment"] for row in funnel(listed, as_of=END, by="segment").to_rows()][::4] == ["small", None]

    def test_a_notebook_shows_tables(self) -> None:
        """The page has the counts and the drop-offs, and shows names as they are, not as markup."""
        listed = [Journey("L-1", [("lead", day(0))], out_at=day(1), reason="<b>", owner="<ada>")]
        counted = funnel(listed, as_of=END, by="owner")
        page = counted._repr_html_()
        assert "&lt;ada&gt;" in page
        assert "&lt;b&gt;" in page
        assert "<ada>" not in page
        assert "<table" in funnel([], as_of=END)._repr_html_()
        assert "credit to the first" in sources(counted, currency="EUR")._repr_html_()

    def test_levels_by_name(self) -> None:
        """A level has a label and a place; one that is not there is named with those that are."""
        levels = Levels({"lead": "MQL"})
        assert (levels.label("lead"), levels.label("won"), levels.place("won")) == ("MQL", "Won", 1)
        with pytest.raises(InvalidError, match="level must be one of lead, won, got 'leed'"):
            levels.label("leed")

    def test_nobody(self) -> None:
        """Without journeys each level has a row of nothing, and the page says so; broken down there is no group."""
        assert str(funnel([], as_of=END)) == "nobody as of 2026-04-11"
        assert funnel([], as_of=END, by="segment").to_rows() == []
        row = funnel([], as_of=END).row("lead")
        assert (row.reached, row.now, row.rate, row.median_days) == (0, 0, None, None)

    def test_a_month_without_any(self) -> None:
        """A cohort that nobody began in has rows all the same, so that a loop over months goes on."""
        month = FiscalCalendar(UTC).month(2025, 1)
        row = funnel([Journey("L-1", [("lead", day(0))])], as_of=END, cohort=month).row("lead")
        assert (row.reached, row.went_on) == (0, 0)

    def test_breaking_down_by_what_there_is_not(self) -> None:
        """A field that no journey has is refused, with a suggestion; one that some have puts the others under None."""
        listed = [Journey("L-1", [("lead", day(0))], fields={"segment": "smb"}), Journey("L-2", [("lead", day(0))])]
        with pytest.raises(InvalidError, match=r"got 'segmnt'.*did you mean 'segment'"):
            funnel(listed, as_of=END, by="segmnt")
        assert [row.group for row in funnel(listed, as_of=END, by="segment").rows][::4] == ["smb", None]
        assert {row.group for row in funnel(listed, as_of=END, by="owner").rows} == {None}

    def test_chances_that_nobody_knows(self) -> None:
        """Of an empty funnel no chance is known; an outcome that there is not is refused."""
        assert funnel([], as_of=END).curves("lead").chance("on", 0, 5) is None
        watched = funnel([Journey("L-1", [("lead", day(0))])], as_of=END).curves("lead")
        assert watched.chance("on", 0, 5) == 0.0
        with pytest.raises(InvalidError, match="must be one of 'on', 'out', got 'onn'"):
            watched.chance("onn", 0, 5)


class TestTimes:
    """Times know who is still there."""

    def test_a_median_by_hand(self) -> None:
        """Four leads: on after 2 and 6 days, out after 4, there since 5: half of what ever goes on is on by day 2."""
        listed = [
            Journey("L-1", [("lead", day(0)), ("prospect", day(2))]),
            Journey("L-2", [("lead", day(0)), ("prospect", day(6))]),
            Journey("L-3", [("lead", day(0))], out_at=day(4)),
            Journey("L-4", [("lead", day(95))]),
        ]
        counted = funnel(listed, as_of=END)
        # At risk 4, 3, 1: CIF(2) = 1/4; S = 3/4; out at 4: S = 1/2; censored at 5; CIF(6) = 1/4 + 1/2 = 3/4.
        curves = counted.curves("lead")
        assert [curves.chance("on", 0, time) for time in (2, 6)] == pytest.approx([0.25, 0.75])
        assert counted.row("lead").median_days == 6

    def test_no_time_at_all(self) -> None:
        """Whoever reaches two levels at one moment took no time, and the median says so."""
        counted = funnel([Journey("L-1", [("lead", day(0)), ("prospect", day(0))])], as_of=END)
        assert counted.row("lead").median_days == 0

    def test_who_is_still_there_makes_it_longer(self) -> None:
        """Many who are waiting for long move the median up; leaving them out would not."""
        fast = [Journey(f"F-{n}", [("lead", day(0)), ("won", day(n + 1))]) for n in range(10)]
        waiting = [Journey(f"W-{n}", [("lead", day(40))]) for n in range(10)]
        assert funnel(fast, as_of=END).row("lead").median_days == 5
        assert funnel([*fast, *waiting], as_of=END).row("lead").median_days == 5
        slow = [Journey(f"S-{n}", [("lead", day(0)), ("won", day(80 + n))]) for n in range(3)]
        assert (funnel([*fast, *slow, *waiting], as_of=END).row("lead").median_days or 0) > 5

    def test_a_rate_for_the_forecast(self) -> None:
        """The conversion of a level is what a forecast takes: the rate in the end, and how soon."""
        listed = [Journey(f"L-{n}", [("lead", day(0)), ("won", day(n + 1))]) for n in range(4)]
        listed += [Journey(f"X-{n}", [("lead", day(0))], out_at=day(50)) for n in range(12)]
        found = funnel(listed, as_of=END).conversion("lead")
        assert found.rate == pytest.approx(0.25)
        assert found.n == 16
        assert found.won(timedelta(days=2)).p == pytest.approx(0.125)
        with pytest.raises(InvalidError, match="must have wins to learn from"):
            funnel(listed[4:], as_of=END).conversion("lead")

    def test_a_rate_from_many_has_a_thousand_points(self) -> None:
        """However many wins there were, what the forecast takes is short, and as good to a thousandth."""
        listed = [Journey(f"L-{n}", [("lead", day(0)), ("won", day(n / 100))]) for n in range(1, 5_001)]
        found = funnel(listed, as_of=END).conversion("lead")
        assert len(found.times) <= 1_001
        assert found.times[-1] == (timedelta(days=50), 1.0)
        for days in (0.5, 10, 33.33, 49):
            assert found.won(timedelta(days=days)).p == pytest.approx(days / 50, abs=0.001)

    def test_curves_to_a_level_of_choice(self) -> None:
        """The race may be run to any later level, and to none before."""
        counted = funnel([Journey("L-1", [("lead", day(0)), ("prospect", day(2)), ("won", day(9))])], as_of=END)
        assert counted.curves("lead", to="won").times == (9,)
        with pytest.raises(InvalidError, match="must come after 'prospect', got 'lead'"):
            counted.curves("prospect", to="lead")
        with pytest.raises(InvalidError, match=r"level must be one of.*to must be one of"):
            counted.curves("suspect", to="customer")


class TestSources:
    """Credit is handed out, never made."""

    @given(journeys(), st.sampled_from(["first", "last", "linear"]))
    def test_credit_adds_up(self, listed: list[Journey], attribution: str) -> None:
        """Over all sources it is the journeys, the wins, and the value to the cent."""
        counted = funnel(listed, as_of=END)
        report = sources(counted, currency="EUR", attribution=attribution)
        assert sum(Fraction(row.journeys).limit_denominator(1_000) for row in report.rows) == len(counted.journeys)
        won = [journey for journey in counted.journeys if journey.level == "won"]
        assert sum(Fraction(row.won).limit_denominator(1_000) for row in report.rows) == len(won)
        values = [journey.value for journey in won if journey.value is not None]
        assert Money.total([row.value for row in report.rows], "EUR") == Money.total(values, "EUR")

    def test_first_last_and_linear(self) -> None:
        """One win of 90 touched by an ad, a fair and an ad again, and by a call after it: three ways to see it."""
        touched = [("ad", day(0)), ("fair", day(1)), ("ad", day(2)), ("call", day(9))]
        listed = [Journey("L-1", [("lead", day(0)), ("won", day(5))], value=Money("90", "EUR"), sources=touched)]
        counted = funnel(listed, as_of=END)
        shares = {}
        for attribution in ("first", "last", "linear"):
            report = sources(counted, currency="EUR", attribution=attribution)
            shares[attribution] = {row.source: str(row.value.amount) for row in report.rows}
        assert shares == {"first": {"ad": "90.00"}, "last": {"ad": "90.00"}, "linear": {"ad": "60.00", "fair": "30.00"}}

    def test_the_first_source_is_the_earliest(self) -> None:
        """In whatever order sources are given, the breakdown and the credit mean the same first one."""
        counted = funnel(
            [Journey("L-1", [("lead", day(3))], sources=[("fair", day(2)), ("ad", day(1))])], as_of=END, by="source"
        )
        assert counted.row("lead", "ad").reached == 1
        assert sources(counted, currency="EUR").row("ad").journeys == 1

    def test_cost_and_return(self) -> None:
        """Costs give cost per journey and win, and a return; a source that cost and brought nothing is there."""
        listed = [
            Journey("L-1", [("lead", day(0)), ("won", day(5))], value=Money("300", "EUR"), sources=[("ad", day(0))]),
            Journey("L-2", [("lead", day(0))], sources=[("ad", day(0))]),
            Journey("L-3", [("lead", day(0))]),
        ]
        report = sources(
            funnel(listed, as_of=END),
            currency="EUR",
            costs={"ad": Money("100", "EUR"), "fair": Money("200", "USD")},
            rates=ExchangeRates([Rate("USD", "EUR", "0.5", date(2026, 1, 1))]),
        )
        ad, fair = report.row("ad"), report.row("fair")
        assert (ad.cost_per_journey, ad.cost_per_win) == (Money("50.00", "EUR"), Money("100.00", "EUR"))
        assert ad.return_on_cost == 2.0
        assert (fair.journeys, fair.cost, fair.return_on_cost, fair.cost_per_win) == (
            0,
            Money("100.00", "EUR"),
            -1.0,
            None,
        )
        assert report.row(None).journeys == 1
        assert "fair" in str(report)
        assert [row["cost_per_win"] for row in report.to_rows()] == [Money("100.00", "EUR"), None, None]
        assert str(sources(funnel([], as_of=END), currency="EUR")) == "no journeys"
        with pytest.raises(InvalidError, match="must be one of 'ad'"):
            report.row("billboard")

    def test_an_unknown_value_is_listed(self) -> None:
        """A win without a value counts as a win, and its value is said to be missing."""
        listed = [Journey("L-1", [("lead", day(0)), ("won", day(5))], sources=[("ad", day(0))])]
        report = sources(funnel(listed, as_of=END), currency="EUR")
        assert (report.row("ad").won, [each.id for each in report.omitted]) == (1, ["L-1"])

    def test_no_return_without_all_values(self) -> None:
        """A return that leaves out a win of unknown value would be too low; it is not known."""
        listed = [Journey("L-1", [("lead", day(0)), ("won", day(5))], sources=[("ad", day(0))])]
        row = sources(funnel(listed, as_of=END), currency="EUR", costs={"ad": Money("100", "EUR")}).row("ad")
        assert (row.return_on_cost, row.unvalued) == (None, 1.0)
        assert row.cost_per_win == Money("100.00", "EUR")

    def test_costs_of_nothing(self) -> None:
        """A cost without a name, or below zero, is named by its path."""
        with pytest.raises(InvalidError, match=r"costs\[''\]") as refused:
            sources(funnel([], as_of=END), currency="EUR", costs={"": Money("-4", "EUR")})
        assert {problem.path for problem in refused.value.problems} == {"costs['']"}

    def test_bad_input(self) -> None:
        """Everything wrong with the arguments is named."""
        with pytest.raises(InvalidError, match=r"counted must be.*currency.*attribution is unknown.*costs\['ad'\]"):
            sources("all", currency="euro", attribution="middle", costs={"ad": 5})  # type: ignore[arg-type, dict-item]
        with pytest.raises(InvalidError, match="no exchange rates were given"):
            sources(funnel([], as_of=END), currency="EUR", costs={"ad": Money("1", "USD")})


def a_lead(number: int, **given: Any) -> Lead:
    known: dict[str, Any] = {
        "person": Person("Ada", email=f"ada{number}@obi.example"),
        "company": Company("Obi"),
        "engagement": Engagement("form", at=day(0), campaign="spring"),
        "source": "website",
        "owner": "bo",
        "at": day(0),
    }
    return Lead.capture(f"L-{number}", **{**known, **given})


def a_qualified(number: int) -> Any:
    """Return the plan that made a prospect of a lead, a day later."""
    lead = a_lead(number)
    return plan_qualification(lead, evidence=an_assessment(lead, at=day(1)), prospect=Create(f"P-{number}"), at=day(1))


def a_path(number: int) -> list[Any]:
    """Return a lead, its prospect and its deal, one day apart."""
    first = a_qualified(number)
    second: Any = plan_conversion(
        first.prospect,
        evidence=an_assessment(first.prospect, at=day(2)),
        account=Create(f"A-{number}"),
        contact=Create(f"C-{number}"),
        opportunity=Create(f"O-{number}"),
        terms=DealTerms("Deal", Money("500", "EUR"), expected_close=date(2026, 3, 1)),
        at=day(2),
    )
    return [first.lead, second.prospect, second.opportunity]


class TestTracing:
    """Journeys out of records."""

    def test_from_lead_to_win(self) -> None:
        """A converted lead whose deal is won has come all the way, each level at its time, with what it was worth."""
        lead, prospect, deal = a_path(1)
        [journey] = journeys_of([deal.win(at=day(7)), lead, prospect], as_of=END)
        assert [(step.level, step.at) for step in journey.steps] == [
            ("lead", day(0)),
            ("prospect", day(1)),
            ("opportunity", day(2)),
            ("won", day(7)),
        ]
        assert (journey.id, journey.value, journey.owner) == ("L-1", Money("500", "EUR"), "bo")
        assert [source.name for source in journey.sources] == ["website", "spring"]

    def test_what_brought_them_comes_first(self) -> None:
        """A form filled in before the lead was recorded is not a source before the lead's own."""
        lead = a_lead(1, at=day(1))
        assert lead.engagements[0].at < lead.created_at
        [journey] = journeys_of([lead], as_of=END)
        assert [(source.name, source.at) for source in journey.sources] == [("website", day(0)), ("spring", day(0))]
        report = sources(funnel([journey], as_of=END), currency="EUR")
        assert [row.source for row in report.rows] == ["website"]

    def test_as_of_an_earlier_time(self) -> None:
        """Asked about day 1, the lead is a prospect and nothing later has happened."""
        records = a_path(1)
        [journey] = journeys_of([*records[:2], records[2].win(at=day(7))], as_of=day(1))
        assert journey.level == "prospect"
        assert journeys_of(records, as_of=day(-1)) == ()

    def test_falling_out(self) -> None:
        """Disqualified and lost are ends with their reasons; void ones are marked; reopened ones are on the way."""
        gone = a_lead(1).disqualify("no_budget", at=day(3))
        double = a_lead(2).disqualify("duplicate", at=day(3))
        back = a_lead(3).disqualify("no_budget", at=day(3)).reopen(at=day(4))
        _, _, deal = a_path(4)
        lost = deal.lose("price", at=day(9))
        found = {journey.id: journey for journey in journeys_of([gone, double, back, lost], as_of=END)}
        assert (found["L-1"].reason, found["L-1"].out_at) == ("no_budget", day(3))
        assert found["L-2"].is_void
        assert found["L-3"].is_open
        assert (found["O-4"].level, found["O-4"].reason) == ("opportunity", "price")

    def test_several_deals_of_one_prospect(self) -> None:
        """The person goes as far as the best deal; each further deal is a journey of its own."""
        lead, prospect, deal = a_path(1)
        again: Any = plan_conversion(
            prospect,
            evidence=an_assessment(prospect, at=day(10)),
            account=Create("A-9"),
            contact=Create("C-9"),
            opportunity=Create("O-9"),
            terms=DealTerms("Again", Money("1", "EUR"), expected_close=date(2026, 4, 1)),
            another="a second site",
            at=day(10),
        )
        won = again.opportunity.win(at=day(20))
        found = journeys_of([lead, again.prospect, deal.lose("price", at=day(5)), won], as_of=END)
        assert [(journey.id, journey.level, journey.is_open) for journey in found] == [
            ("L-1", "won", False),
            ("O-1", "opportunity", False),
        ]

    def test_a_void_deal_takes_nobody_out(self) -> None:
        """A deal entered by mistake is void by itself; the person is where they would be without it."""
        lead, prospect, deal = a_path(1)
        found = journeys_of([lead, prospect, deal.lose("duplicate", at=day(5))], as_of=END)
        assert [(journey.id, journey.level, journey.is_open, journey.is_void) for journey in found] == [
            ("L-1", "prospect", True, False),
            ("O-1", "opportunity", False, True),
        ]
        counted = funnel(found, as_of=END)
        assert [(row.reached, row.now) for row in counted.rows] == [(1, 0), (1, 1), (0, 0), (0, 0)]
        assert counted.void == 1

    def test_merged_prospects_are_one_person(self) -> None:
        """Two leads whose prospects were merged are one journey, with or without the record of the merged one."""
        one, other = a_qualified(1), a_qualified(2)
        plan: Any = plan_merge([one.prospect, other.prospect], at=day(3))
        merged = [write.after for write in plan.changes.writes]
        for records in (merged, merged[:1]):
            assert [journey.id for journey in journeys_of([other.lead, one.lead, *records], as_of=END)] == ["L-1"]
        [journey] = journeys_of([other.lead, *merged], as_of=END)
        assert (journey.id, journey.level) == ("L-2", "prospect")
        before = journeys_of([other.lead, one.lead, *merged], as_of=day(2))
        assert [journey.id for journey in before] == ["L-1", "L-2"]

    def test_records_without_a_lead(self) -> None:
        """A prospect whose lead is not known begins a journey; without a source there is none."""
        _, prospect, deal = a_path(1)
        [journey] = journeys_of([prospect, deal], as_of=END)
        assert (journey.id, [step.level for step in journey.steps]) == ("P-1", ["prospect", "opportunity"])
        [bare] = journeys_of([a_lead(3, source=None, engagement=Engagement("form", at=day(0)))], as_of=END)
        assert bare.sources == ()

    def test_a_lead_alone_tells_that_it_was_qualified(self) -> None:
        """A lead whose prospect is not among the records has reached that level, when it was qualified."""
        [journey] = journeys_of(a_path(1)[:1], as_of=END)
        assert [(step.level, step.at) for step in journey.steps] == [("lead", day(0)), ("prospect", day(1))]
        assert journey.is_open

    def test_strange_records_are_refused(self) -> None:
        """What is no record, and a record twice, are named."""
        with pytest.raises(InvalidError, match=r"records\[1\] must be a Lead"):
            journeys_of([a_lead(1), "L-2"], as_of=END)  # type: ignore[list-item]
        with pytest.raises(InvalidError, match="must not repeat"):
            journeys_of([a_lead(1), a_lead(1)], as_of=END)
        with pytest.raises(InvalidError, match="several records"):
            journeys_of("L-1", as_of=END)  # type: ignore[arg-type]


class TestStages:
    """The same funnel over the stages of a pipeline."""

    def test_stages_of_deals(self) -> None:
        """Going back does not count twice; a stage that is skipped was come past."""
        history = DealHistory(
            "O-1",
            [
                DealFact("opened", "qualified", at=day(0)),
                DealFact("stage", "negotiation", at=day(4)),
                DealFact("stage", "proposal", at=day(5)),
                DealFact("stage", "negotiation", at=day(6)),
                DealFact("won", at=day(20)),
            ],
        )
        lost = DealHistory("O-2", [DealFact("opened", "qualified", at=day(0)), DealFact("lost", at=day(8))])
        listed = stage_journeys([history, lost], pipeline=pipelines.SIMPLE, as_of=END)
        assert [(step.level, step.at) for step in listed[0].steps] == [
            ("qualified", day(0)),
            ("negotiation", day(4)),
            ("won", day(20)),
        ]
        levels = Levels([stage.code for stage in pipelines.SIMPLE.open_stages])
        counted = funnel(listed, as_of=END, levels=levels)
        assert [row.reached for row in counted.rows] == [2, 1, 1, 1]
        assert stage_journeys([history], pipeline=pipelines.SIMPLE, as_of=day(1))[0].level == "qualified"
        assert stage_journeys([history], pipeline=pipelines.SIMPLE, as_of=day(-1)) == ()

    def test_opportunities_work_as_well(self) -> None:
        """An opportunity is its own history."""
        deal = Opportunity.open(
            "O-1",
            "Deal",
            Money("5", "EUR"),
            expected_close=date(2026, 3, 1),
            origin=Origin.from_customer("A-1"),
            account_id="A-1",
            pipeline=pipelines.SIMPLE,
            at=day(0),
        ).move_to("proposal", at=day(3))
        [journey] = stage_journeys([deal.win(at=day(9))], pipeline=pipelines.SIMPLE, as_of=END)
        assert (journey.level, journey.value) == ("won", Money("5", "EUR"))

    def test_why_opportunities_were_lost(self) -> None:
        """The reason of a lost opportunity is known as of then, and whether it counts; facts have no reasons."""
        _, _, deal = a_path(1)
        lost = deal.lose("price", at=day(5)).reopen(at=day(6)).lose("duplicate", at=day(9))
        facts = DealHistory("O-2", [DealFact("opened", "qualified", at=day(0)), DealFact("lost", "loss", at=day(8))])
        then = stage_journeys([lost, facts], pipeline=pipelines.SIMPLE, as_of=day(5))
        now = stage_journeys([lost, facts], pipeline=pipelines.SIMPLE, as_of=END)
        assert [(one.reason, one.is_void) for one in (*then, *now)] == [
            ("price", False),
            (None, False),
            ("duplicate", True),
            (None, False),
        ]

    def test_what_has_no_journey_here(self) -> None:
        """A deal of another pipeline, and one whose stage nobody knows, are no error; they have no journey here."""
        other = DealHistory(
            "O-1", [DealFact("opened", "demo", at=day(0)), DealFact("pipeline_id", "partners", at=day(0))]
        )
        unknown = DealHistory("O-2", [DealFact("opened", at=day(0))])
        assert stage_journeys([other, unknown], pipeline=pipelines.SIMPLE, as_of=END) == ()

    def test_stages_of_another_pipeline_are_refused(self) -> None:
        """A stage that the pipeline does not have is named with its deal."""
        strange = DealHistory("O-1", [DealFact("opened", "demo", at=day(0))])
        with pytest.raises(InvalidError, match=r"history\['O-1'\] has no stage of pipeline 'simple': 'demo'"):
            stage_journeys([strange], pipeline=pipelines.SIMPLE, as_of=END)


class TestBadInput:
    """Journeys and funnels that make no sense are refused, with everything that is wrong."""

    def test_everything_wrong_with_a_journey(self) -> None:
        """A pair that is no step or source does not hide what else is wrong."""
        with pytest.raises(InvalidError) as refused:
            Journey("", [("lead", "now"), ("", day(1))], out_at=3, value=5, sources=[("", day(0))], owner=7)  # type: ignore[arg-type, list-item]
        assert [problem.path for problem in refused.value.problems] == [
            "id",
            "steps[0].at",
            "steps[1].level",
            "out_at",
            "value",
            "sources[0].name",
            "owner",
        ]

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"steps": []}, "must hold at least one"),
            ({"steps": [("lead", day(2)), ("won", day(1))]}, r"steps\[1\].at must not be before"),
            ({"steps": [("lead", day(1)), ("lead", day(2))]}, "must not repeat"),
            ({"steps": [("lead", day(2))], "out_at": day(1)}, "out_at must not be before"),
            ({"steps": [("won", day(2))], "out_at": day(3)}, "must be None for a journey that was won"),
            ({"steps": [("lead", day(2))], "reason": "price"}, "must be given with a reason"),
            ({"steps": "lead"}, "steps must be"),
            ({"steps": [("lead", day(2))], "sources": ["ad"], "value": 5, "owner": 7}, r"value.*sources\[0\].*owner"),
        ],
    )
    def test_journeys(self, given: dict[str, Any], words: str) -> None:
        """Order, repetition, ends without reason, wrong types."""
        with pytest.raises(InvalidError, match=words):
            Journey("L-1", **given)

    def test_levels(self) -> None:
        """A funnel has levels, each once; they are codes."""
        for levels in ([], ["lead", "lead"], [7], 5, {"lead": ""}):
            with pytest.raises(InvalidError, match="Levels"):
                Levels(levels)  # type: ignore[arg-type]

    def test_funnels(self) -> None:
        """Unknown levels, another order, journeys twice, later than as-of: each is named."""
        one = Journey("L-1", [("lead", day(0))])
        with pytest.raises(InvalidError, match="has an unknown level, 'leed' \\(did you mean 'lead'\\?\\)"):
            funnel([Journey("L-1", [("leed", day(0))])], as_of=END)
        with pytest.raises(InvalidError, match="in the order lead, prospect, opportunity, won"):
            funnel([Journey("L-1", [("prospect", day(0)), ("lead", day(1))])], as_of=END)
        with pytest.raises(InvalidError, match="must not repeat"):
            funnel([one, one], as_of=END)
        with pytest.raises(InvalidError, match="must not go on after as_of"):
            funnel([one], as_of=day(-1))
        with pytest.raises(InvalidError, match=r"journeys\[0\].*as_of.*levels.*by.*cohort"):
            funnel(["L-1"], as_of="now", levels=["lead"], by=5, cohort=3)  # type: ignore[arg-type, list-item]
        with pytest.raises(InvalidError, match="must be one of lead of None"):
            funnel([one], as_of=END).row("suspect")
