"""The hazard table: Aalen-Johansen with late entries and censoring, and the win model made of it."""

import pickle
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import exp, inf, isclose

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leadflow.errors import InvalidError, InvalidTypeError, LookAheadError
from leadflow.forecasting import Deal, DealFact, DealHistory, aalen_johansen, fit_hazard
from leadflow.forecasting.hazardbounds import highest_rate
from leadflow.forecasting.hazardchain import Chain
from leadflow.forecasting.hazardspells import watched
from leadflow.money import Money

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
# Days to closing, outcome, and day of entry of twelve made-up deals.
ENDS = (3, 5, 8, 11, 13, 17, 19, 23, 29, 31, 37, 41)
OUTCOMES = ("won", "lost", "won", None, "lost", "won", "lost", "won", None, "lost", "won", None)
ENTRIES = (0, 0, 0, 4, 4, 0, 6, 0, 10, 12, 0, 20)
# AalenJohansenFitter(calculate_variance=False).fit(ENDS, OUTCOMES as 0/1/2, event_of_interest=..., entry=...) of
# lifelines 0.30.3, at the times of ENDS.
LIFELINES = {
    ("won", False): (
        *(0.083333333333, 0.083333333333, 0.166666666667, 0.166666666667, 0.166666666667, 0.260416666667),
        *(0.260416666667, 0.354166666667, 0.354166666667, 0.354166666667, 0.479166666667, 0.479166666667),
    ),
    ("lost", False): (
        *(0.0, 0.083333333333, 0.083333333333, 0.083333333333, 0.177083333333, 0.177083333333),
        *(0.270833333333, 0.270833333333, 0.270833333333, 0.395833333333, 0.395833333333, 0.395833333333),
    ),
    ("won", True): (
        *(0.166666666667, 0.166666666667, 0.268707482993, 0.268707482993, 0.268707482993, 0.356171039845),
        *(0.356171039845, 0.426141885326, 0.426141885326, 0.426141885326, 0.519436345967, 0.519436345967),
    ),
    ("lost", True): (
        *(0.0, 0.119047619048, 0.119047619048, 0.119047619048, 0.206511175899, 0.206511175899),
        *(0.29397473275, 0.29397473275, 0.29397473275, 0.387269193392, 0.387269193392, 0.387269193392),
    ),
}


def day(number):
    return START + timedelta(days=number)


def deal_of(key, *facts):
    return DealHistory(key, [DealFact(kind, value, at=day(at)) for kind, value, at in facts])


def ask(table, at=40, days=10, **attributes):
    given = {"state": "open", "stage": "a", "created_at": day(at - 5), "stage_entered_at": day(at - 5), **attributes}
    return table.win(Deal("O", **given), as_of=day(at), horizon=timedelta(days=days))


def fit(history, at=40, **options):
    return fit_hazard(history, as_of=day(at), **options)


class TestAalenJohansen:
    """The chances of competing outcomes, against independent software and by hand."""

    @pytest.mark.parametrize(("outcome", "late"), LIFELINES)
    def test_against_lifelines(self, outcome, late):
        """Twelve deals, three of them censored, with and without late entries."""
        curves = aalen_johansen(ENDS, OUTCOMES, ENTRIES if late else None)
        found = [curves.chance(outcome, 0, time) for time in ENDS]
        assert found == pytest.approx(LIFELINES[outcome, late], abs=1e-11)

    def test_by_hand(self):
        """
        Four deals: won at 2, lost at 4, censored at 5, won at 6.

        At 2 four are at risk, at 4 three, at 6 one: CIF_w = 1/4, then 1/4 + S(4) x 1 = 1/4 + 3/4 x 2/3 = 3/4.
        """
        curves = aalen_johansen([2, 4, 5, 6], ["won", "lost", None, "won"])
        assert curves.at_risk == (4, 3, 1)
        assert curves.chance("won", 0, 6) == pytest.approx(3 / 4)
        assert curves.chance("lost", 0, 6) == pytest.approx(1 / 4)
        # Of those that are there at 3: [CIF_w(6) - CIF_w(3)]/S(3) = (3/4 - 1/4)/(3/4).
        assert curves.chance("won", 3, 6) == pytest.approx(2 / 3)

    def test_losses_are_no_censoring(self):
        """1 - Kaplan-Meier with losses as censored says 1 for the deals above; a quarter of them was lost."""
        censored = aalen_johansen([2, 4, 5, 6], ["won", None, None, "won"])
        assert censored.chance("won", 0, 6) == pytest.approx(1.0)

    def test_the_window_is_open_at_its_begin(self):
        """What happened at the very start is over; what happens at the very end is in."""
        curves = aalen_johansen([2, 4], ["won", "won"])
        assert (curves.chance("won", 2, 3), curves.chance("won", 3, 4)) == (0.0, 1.0)
        assert curves.chance("won", 1, 2) == 0.5

    def test_when_all_early_ones_have_left(self):
        """One early deal that closes leaves S at 0; those that enter later still have chances of their own."""
        curves = aalen_johansen([1, 5, 6], ["lost", "won", "lost"], [0, 2, 2])
        assert curves.chance("won", 0, 9) == 0.0
        assert curves.chance("won", 2, 9) == 0.5
        assert curves.chance("won", 5, 9) == 0.0
        assert curves.chance("won", 5, inf) == 0.0
        assert curves.survival(2, 5) == 0.5

    def test_medians_know_about_censoring(self):
        """Deals that are still open lengthen the median; where fewer than half have left it is unknown."""
        assert aalen_johansen([1, 2, 3, 9], ["x", "x", "x", "x"]).quantile(0.5) == 2
        assert aalen_johansen([1, 2, 9, 9], ["x", "x", None, None]).quantile(0.5) == 2
        assert aalen_johansen([1, 9, 9, 9], ["x", None, None, None]).quantile(0.5) is None
        assert aalen_johansen([9], [None]).quantile(0.5) is None

    def test_who_was_there(self):
        """Numbers present, time watched and events, from any time on."""
        curves = aalen_johansen([4, 6, 8], ["won", "lost", None], [0, 1, 5])
        assert [curves.present(time) for time in (0, 1, 4, 5, 8)] == [1, 2, 1, 2, 0]
        assert (curves.exposure(), curves.exposure(5), curves.exposure(9)) == (12, 4, 0)
        assert (curves.happened("won"), curves.happened("won", 4), curves.happened("other")) == (1, 0, 0)
        assert ([curves.watched(time) for time in (0, 4, 8)], curves.n) == ([3, 2, 0], 3)

    def test_one_that_comes_again(self):
        """A deal that was reopened has two records, and is one subject."""
        curves = aalen_johansen([4, 9, 6], ["lost", "won", None], [0, 5, 0], subjects=["a", "a", "b"])
        assert (curves.n, curves.watched(5), curves.watched(6), curves.happened("lost")) == (2, 2, 1, 1)
        assert curves.chance("won", 5, 9) == 1.0

    def test_nobody(self):
        """Of nobody nothing is known, not that nothing will happen."""
        curves = aalen_johansen([], [], possible=["won"])
        assert (curves.chance("won", 0, 9), curves.survival(0, 9)) == (None, None)
        assert (curves.quantile(0.5), curves.exposure()) == (None, 0)

    def test_where_nobody_was_watched(self):
        """After the last one was watched nothing is known; before, what never came has had no chance."""
        curves = aalen_johansen([1, 2], ["won", None], possible=["lost"])
        assert (curves.chance("won", 5, 10), curves.survival(5, 10)) == (None, None)
        assert (curves.chance("lost", 0, 10), curves.chance("won", 0, 10)) == (0.0, 0.5)

    @pytest.mark.parametrize(
        ("ask", "said"),
        [
            (lambda curves: curves.chance("wno", 0, 5), "outcome must be one of 'won', got 'wno'"),
            (lambda curves: curves.chance("won", 0, float("nan")), "end must be finite"),
            (lambda curves: curves.survival("0", 5), "start must be a number"),
            (lambda curves: curves.quantile(2), "share must be"),
        ],
    )
    def test_bad_questions(self, ask, said):
        """What is no outcome, no time or no share is refused."""
        with pytest.raises(InvalidError, match=said):
            ask(aalen_johansen([1, 2], ["won", None]))

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (
                ([1], ["x", "y"]),
                "must have one of each per subject, got 1 durations, 2 outcomes, 1 entries, 1 subjects",
            ),
            ((3, "xyz"), "durations must be one per subject"),
            (([1.0, float("nan")], [None, None]), r"durations\[1\] must be finite"),
            (([1.0], [None], ["0"]), r"entries\[0\] must be a number"),
            (([1.0, 2.0], [None, None], [0.5, 2.0]), r"entries\[1\] must be before its duration, 2.0, got 2.0"),
            (([1.0, -2.0], [None, None]), r"durations\[1\] must not be below 0, got -2.0"),
            (([0.0], ["x"]), r"entries\[0\] must be before its duration"),
        ],
    )
    def test_bad_input(self, arguments, said):
        """Lengths, numbers and order are checked."""
        with pytest.raises(InvalidError, match=said):
            aalen_johansen(*arguments)

    def test_all_that_is_wrong(self):
        """A time that is no number does not hide one that is negative, nor an entry after the end."""
        with pytest.raises(InvalidError) as caught:
            aalen_johansen([float("nan"), -2, 1], [None] * 3, [0, 0, 5])
        assert [problem.path for problem in caught.value.problems] == ["durations[0]", "durations[1]", "entries[2]"]


subjects = st.lists(
    st.tuples(st.integers(0, 9), st.integers(1, 9), st.sampled_from(["won", "lost", None])), min_size=1, max_size=12
)


def product_limit(taken, outcome, start, end):
    """Add up hazard by hazard over (start, end]: the definition."""
    there = chance = 0.0
    there = 1.0
    for time in sorted({entry + lasted for entry, lasted, _ in taken}):
        if not start < time <= end:
            continue
        risk = sum(entry < time <= entry + lasted for entry, lasted, _ in taken)
        left = [why for entry, lasted, why in taken if entry + lasted == time and why is not None]
        chance += there * left.count(outcome) / risk
        there *= 1 - len(left) / risk
    return chance


class TestCurveLaws:
    """What holds for all curves."""

    @given(subjects, st.integers(0, 20), st.integers(0, 20))
    def test_the_definition(self, taken, start, length):
        """The quotient of stored curves is the sum of hazards over the window."""
        curves = aalen_johansen(
            [entry + lasted for entry, lasted, _ in taken], [why for *_, why in taken], [entry for entry, *_ in taken]
        )
        for outcome in ("won", "lost"):
            expected = product_limit(taken, outcome, start, start + length)
            assert isclose(curves.gained(outcome, start, start + length), expected, abs_tol=1e-12)

    @given(subjects, st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
    def test_chances(self, taken, start, length, more):
        """In [0, 1], together at most 1, and never falling with a longer window."""
        curves = aalen_johansen(
            [entry + lasted for entry, lasted, _ in taken], [why for *_, why in taken], [e for e, *_ in taken]
        )
        won, lost = (curves.gained(outcome, start, start + length) for outcome in ("won", "lost"))
        assert 0 <= won <= 1
        assert won + lost <= 1 + 1e-12
        assert curves.gained("won", start, start + length + more) >= won - 1e-12

    @given(subjects, st.randoms(use_true_random=False))
    def test_order_does_not_matter(self, taken, random):
        """The same subjects in another order have the same chances."""
        shuffled = list(taken)
        random.shuffle(shuffled)
        one, other = (
            aalen_johansen([e + d for e, d, _ in each], [why for *_, why in each], [e for e, *_ in each])
            for each in (taken, shuffled)
        )
        assert all(one.gained("won", 0, t) == pytest.approx(other.gained("won", 0, t)) for t in range(20))


class TestWatching:
    """Periods count as long as they were watched."""

    def periods(self, *facts, at=20, since=None):
        history = DealHistory("O", facts)
        found, unknown = watched(history, day(at), since)
        return [(one.stage, one.entry, one.end, one.outcome) for one in found], unknown

    def test_whole_and_stages(self):
        """The deal as a whole by its age, and each stage by the time in it, with what came next."""
        found, _ = self.periods(
            DealFact("opened", "a", at=day(0)), DealFact("stage", "b", at=day(3)), DealFact("won", at=day(10))
        )
        assert found == [(None, 0, 10, "won"), ("a", 0, 3, ("b",)), ("b", 0, 7, "won")]

    def test_to_the_as_of_time_only(self):
        """What has not ended by then, or was not known to have, is censored."""
        found, _ = self.periods(DealFact("opened", "a", at=day(0)), DealFact("won", at=day(10), recorded_at=day(21)))
        assert found == [(None, 0, 20, None), ("a", 0, 20, None)]

    def test_from_the_first_record_only(self):
        """A deal that was written down at the age of five days enters at five; so does its stage."""
        found, _ = self.periods(DealFact("opened", "a", at=day(0), recorded_at=day(5)), DealFact("lost", at=day(9)))
        assert found == [(None, 5, 9, "lost"), ("a", 5, 9, "lost")]

    def test_since_recording_began(self):
        """Before a system existed only survivors can be seen there."""
        found, _ = self.periods(
            DealFact("opened", "a", at=day(0)), DealFact("stage", "b", at=day(8)), at=10, since=day(9)
        )
        assert found == [(None, 9, 10, None), ("b", 1, 2, None)]

    def test_closed_before_it_was_recorded(self):
        """A deal that came with its closing was never watched."""
        assert self.periods(DealFact("opened", "a", at=day(0), recorded_at=day(9)), DealFact("won", at=day(9)))[0] == []

    def test_without_stages(self):
        """A host that knows no stages has the deal as a whole; a lone closing was never open."""
        assert self.periods(DealFact("opened", at=day(0)), DealFact("won", at=day(4)))[0] == [(None, 0, 4, "won")]
        assert self.periods(DealFact("won", at=day(4))) == ([], 0)

    def test_unknown_clocks(self):
        """A deal found under way has no age, and its first stage no begin; its next stage has."""
        found, unknown = self.periods(DealFact("found", "a", at=day(0)), DealFact("stage", "b", at=day(4)))
        assert (found, unknown) == ([("b", 0, 16, None)], 2)

    def test_reopened(self):
        """A deal that was reopened is watched again, at the age it has then; its stage begins anew."""
        found, _ = self.periods(
            DealFact("opened", "a", at=day(0)), DealFact("lost", at=day(4)), DealFact("reopened", at=day(10)), at=12
        )
        assert found == [(None, 0, 4, "lost"), ("a", 0, 4, "lost"), (None, 10, 12, None), ("a", 0, 2, None)]

    @pytest.mark.parametrize("end", [("withdrawn", None), ("lost", "void")])
    def test_what_should_never_have_counted(self, end):
        """Void and withdrawn deals are left out."""
        assert self.periods(DealFact("opened", "a", at=day(0)), DealFact(*end, at=day(4))) == ([], 0)


class TestChain:
    """Deals move on before they are won."""

    def test_two_stages_in_a_row(self):
        """Constant hazards: a at 0.2 a day to b, b at 0.1 a day to won; the sum of two exponential times."""
        waits = [number / 1000 for number in range(1, 1000)]
        from math import log  # noqa: PLC0415

        first = aalen_johansen([-log(share) / 0.2 for share in waits], [("b",)] * len(waits))
        second = aalen_johansen([-log(share) / 0.1 for share in waits], ["won"] * len(waits))
        chain = Chain({"a": first, "b": second}, 10.0)
        expected = 1 - (0.2 * exp(-0.1 * 10) - 0.1 * exp(-0.2 * 10)) / (0.2 - 0.1)
        assert chain.chance("a", 0.0) == pytest.approx(expected, abs=0.005)
        # No memory: the same after three days in the stage.
        assert chain.chance("a", 3.0) == pytest.approx(expected, abs=0.01)
        assert chain.chance("b", 0.0) == pytest.approx(1 - exp(-1), abs=0.005)

    def test_back_and_forth(self):
        """Stages that lead to each other are no endless loop."""
        curves = {
            "a": aalen_johansen([1, 2, 3], [("b",), ("b",), "won"]),
            "b": aalen_johansen([1, 2, 3], [("a",), "lost", ("gone",)]),
        }
        assert 0 < Chain(curves, 5.0).chance("b", 0.0) < Chain(curves, 50.0).chance("a", 0.0) < 1


HISTORY = tuple(
    deal_of(
        f"O-{n}", ("opened", "a", 0), *([("stage", "b", 4)] if n % 2 else []), (("won", "lost")[n % 3 > 0], None, 8 + n)
    )
    for n in range(12)
)


class TestHazardTable:
    """A win model for every horizon."""

    def test_overall(self):
        """Without stages: the conditional chance at the deal's age, drawn towards a constant hazard."""
        table = fit(HISTORY, by_stage=False, k=0)
        raw = table.overall.chance("won", 5, 15)
        assert ask(table).p == raw == pytest.approx(3 / 12)
        assert ask(table).n == 12
        assert ask(fit(HISTORY, by_stage=False, k=inf)).p == ask(table).prior

    def test_by_stage(self):
        """A stage's chance lies between its own and the overall one."""
        free, table, bound = (fit(HISTORY, k=k) for k in (0, 20.0, inf))
        estimates = [
            ask(each, stage="b", created_at=day(31), stage_entered_at=day(35)) for each in (free, table, bound)
        ]
        low, high = sorted([estimates[0].p, estimates[2].p])
        assert low <= estimates[1].p <= high
        assert estimates[1].why.startswith("5 deals watched after 5 days in stage 'b', drawn towards")

    def test_longer_is_likelier(self):
        """The chance does not fall as the horizon grows."""
        table = fit(HISTORY)
        chances = [ask(table, days=days).p for days in (1, 5, 10, 20, 60)]
        assert chances == sorted(chances)

    @pytest.mark.parametrize(
        ("attributes", "said"),
        [
            ({"stage": "z"}, "stage 'z' was not seen; "),
            ({"stage": None}, "stage None was not seen; "),
            ({"stage_entered_at": None}, "its time in stage is unknown; "),
            ({"stage": "z", "created_at": None}, "its age is unknown; "),
        ],
    )
    def test_falling_back(self, attributes, said):
        """What is not known leads to the overall chance, and is said."""
        estimate = ask(fit(HISTORY), **attributes)
        assert said in estimate.why
        assert estimate.p == estimate.prior

    def test_older_than_anything_seen(self):
        """Beyond the ages that were watched the oldest that were say what is known, and `why` says so."""
        estimate = ask(fit(HISTORY), created_at=day(-400), stage="z")
        rests = "12 deals watched from 0 days of age on (162 deal-days, 4 won)"
        assert f"0 deals watched at 440 days of age, drawn towards {estimate.p:.2%}"[:-3] in estimate.why
        assert rests in estimate.why
        # Hazards of 4.5 wins and 8 losses in 162 deal-days.
        assert estimate.p == estimate.prior == pytest.approx(4.5 / 12.5 * (1 - exp(-12.5 / 162 * 10)))
        assert estimate.n == 12

    def test_never_back_to_the_young(self):
        """300 wins within ten days, and one deal open for 300: its chance rests on the one, watched for 290 days."""
        young = [deal_of(f"O-{n}", ("opened", "a", 0), ("won", None, 1 + 0.03 * n)) for n in range(301)]
        table = fit([*young, deal_of("P", ("opened", "a", 0))], at=300, by_stage=False)
        for age in (11, 100, 300, 3_000):
            estimate = ask(table, at=300, days=90, created_at=day(300 - age), stage_entered_at=None)
            assert estimate.p < 0.15
            assert estimate.n == 1
            assert "1 deal watched from 10 days of age on (290 deal-days, 0 won)" in estimate.why
        assert ask(table, at=300, days=90, created_at=day(299), stage_entered_at=None).n == 301

    def test_a_single_late_win(self):
        """One win at an age that hardly anybody was watched at does not make the oldest deals sure wins."""
        many = [deal_of(f"O-{n}", ("opened", "a", n), (("won", "lost")[n % 2], None, n + 20)) for n in range(200)]
        lasting = [deal_of(f"P-{n}", ("opened", "a", n)) for n in range(100, 300)]
        table = fit([*many, *lasting, deal_of("L", ("opened", "a", 0), ("won", None, 280))], at=301, by_stage=False)
        chances = [ask(table, 301, 90, created_at=day(301 - age), stage_entered_at=None).p for age in (210, 260, 290)]
        assert max(chances) < 0.1

    def test_no_rise_without_a_win(self):
        """Where nobody was won any more, an older deal is not likelier to be, however few were watched."""
        table = fit(TestNeverCloses.history, at=365, by_stage=False, k=inf)
        ages = (31, 100, 200, 300, 360, 365, 500)
        chances = [ask(table, 365, 90, created_at=day(365 - age), stage_entered_at=None).p for age in ages]
        assert len(set(chances)) == 1
        assert chances[0] < 0.01

    def test_reopened_deals_count_once(self):
        """n is of distinct deals, and so is the warning of few."""
        table = fit(
            [deal_of("O-1", ("opened", "a", 0), ("lost", None, 4), ("reopened", None, 6), ("won", None, 9))], k=20
        )
        assert ask(table).n == table.to_rows()[0]["n"] == 1
        assert table.warnings[0].startswith("only 1 deal closed")

    def test_nothing_is_impossible(self):
        """Without a win there is a small chance and a warning."""
        table = fit([deal_of("O-1", ("opened", "a", 0), ("lost", None, 8))])
        assert 0 < ask(table).p < 0.5
        assert table.warnings == (
            "only 1 deal closed; below 300 the chances by stage are mostly noise",
            "no deal was won: the chances are a guess at how rare that is",
        )

    def test_unknown_beginnings_are_named(self):
        """Deals that were found under way are counted in a warning."""
        assert "1 deal left out in part" in fit([*HISTORY, deal_of("O-99", ("found", "a", 0))]).warnings[-1]
        many = [deal_of(f"P-{n}", ("opened", "a", 0), ("won", None, 8 + n / 100)) for n in range(300)]
        assert fit(many).warnings == ()

    def test_it_shows(self):
        """A row for all deals and one per stage: events, time watched, censoring-aware medians."""
        table = fit(HISTORY)
        assert table.to_rows()[0] == {
            "stage": None,
            "n": 12,
            "won": 4,
            "lost": 8,
            "moved": 0,
            "days_watched": 162.0,
            "median_days": 13.0,
        }
        assert table.to_rows()[1]["moved"] == 6
        assert str(table).startswith("Hazards of winning and losing, as of 2026-04-11")
        assert "median days" in table._repr_html_()

    def test_it_is_a_value(self):
        """Equal tables of equal histories, also after use and pickling."""
        table = fit(HISTORY)
        ask(table)
        assert fit(HISTORY) == table == pickle.loads(pickle.dumps(table))

    def test_every_wrong_argument_at_once(self):
        """All of them in one error."""
        with pytest.raises(InvalidTypeError) as caught:
            fit_hazard([3], as_of="now", by_stage=None, k=-1, since="May")
        assert [problem.path for problem in caught.value.problems] == ["as_of", "by_stage", "k", "since", "history[0]"]

    @pytest.mark.parametrize(
        "history", [[], [deal_of("O-1", ("found", "a", 0))], [deal_of("O-1", ("opened", "a", 41))]]
    )
    def test_nobody_was_watched(self, history):
        """Without a deal of known age that was open there is nothing to count."""
        with pytest.raises(InvalidError, match="must hold a deal of known age that was open"):
            fit(history)

    def test_no_look_ahead(self):
        """A table may not be asked about a time before its own."""
        with pytest.raises(LookAheadError, match="the hazard table"):
            ask(fit(HISTORY), at=39)
        for late in ({"created_at": day(41)}, {"stage_entered_at": day(41)}):
            with pytest.raises(LookAheadError, match="deal 'O'"):
                ask(fit(HISTORY), **late)

    def test_the_question_is_checked(self):
        """A closed deal and an empty horizon are named together."""
        with pytest.raises(InvalidError) as caught:
            ask(fit(HISTORY), days=0, state="won")
        assert [problem.path for problem in caught.value.problems] == ["deal", "horizon"]


class TestNeverCloses:
    """Deals that will hardly ever be won are told from the hazard, not from a fixed number of days."""

    # A hundred deals are won or lost within thirty days; another hundred linger for a year, and none of them is won.
    history = (
        *(deal_of(f"O-{n}", ("opened", "a", 0), (("won", "lost")[n % 2], None, 1 + 0.3 * n)) for n in range(100)),
        *(deal_of(f"P-{n}", ("opened", "a", 0)) for n in range(100)),
    )

    def reason(self, age, table=None, **options):
        deal = Deal("O", state="open", created_at=None if age is None else day(365 - age))
        return (table or fit(self.history, at=365)).never_closes(deal, as_of=day(365), **options)

    def test_young_and_old(self):
        """At ten days there are wins ahead; at forty there have been none in 33 thousand deal-days."""
        assert self.reason(10) is None
        assert self.reason(40).startswith(
            "40 days old; 101 deals watched from 30.4 days of age on (33,460 deal-days, 0 won): below 5 %"
        )

    def test_the_rule_of_three(self):
        """No win in T days: at most 3/T a day. Who waits longer, or accepts less, is told less."""
        assert self.reason(40, within=timedelta(days=500)) is not None
        assert self.reason(40, within=timedelta(days=600)) is None
        assert self.reason(40, level=0.001) is None

    def test_too_little_was_seen(self):
        """A deal watched for a few days only says nothing; nor does an unknown age."""
        assert (
            fit([deal_of("P", ("opened", "a", 0))]).never_closes(
                Deal("O", state="open", created_at=day(10)), as_of=day(40)
            )
            is None
        )
        assert self.reason(None) is None

    def test_older_than_anybody(self):
        """The oldest that were watched speak for a deal that is older still."""
        assert "0 won" in self.reason(365)
        assert "0 won" in self.reason(500)

    def test_the_limit_by_hand(self):
        """Garwood's limits for 0 and 10 events: 2.996 and 16.962 (chi-square quantiles, halved)."""
        assert highest_rate(0, 1) == pytest.approx(2.995732, abs=1e-6)
        assert highest_rate(10, 1) == pytest.approx(16.962, abs=1e-3)
        assert highest_rate(1_000, 1) == pytest.approx(1053.6, abs=0.5)

    @pytest.mark.parametrize(("events", "limit"), [(99, 116.997134), (100, 118.079273), (2_000, 2075.142591)])
    def test_the_limit_of_many(self, events, limit):
        """scipy.stats.chi2.ppf(0.95, 2 * (w + 1)) / 2 of scipy 1.17.1, on both sides of where the sum gives way."""
        assert highest_rate(events, 1) == pytest.approx(limit, rel=1e-5)

    def test_the_question_is_checked(self):
        """Level, time and deal are named together."""
        with pytest.raises(InvalidError) as caught:
            fit(HISTORY).never_closes(3, as_of=day(40), within=timedelta(0), level=2)
        assert [problem.path for problem in caught.value.problems] == ["deal", "within", "level"]


class TestLaws:
    """What holds for every history."""

    @given(st.data(), st.integers(5, 40))
    def test_no_look_ahead_in_fitting(self, portfolio, data, at):
        """Adding anything that is recorded after the as-of time changes nothing, however long ago it happened."""
        histories = data.draw(portfolio)
        try:
            table = fit(histories, at)
        except InvalidError:
            assume(False)
        later = []
        for one in histories:
            told = data.draw(st.sampled_from([("amount", Money(9, "EUR")), ("won", None), ("stage", "c")]))
            fact = DealFact(*told, at=one.facts[-1].at + timedelta(hours=1), recorded_at=day(100))
            try:
                later.append(DealHistory(one.id, [*one.facts, fact]))
            except InvalidError:  # it cannot come there: closed already
                later.append(one)
        assert fit([*later, deal_of("new", ("opened", "a", at + 1))], at) == table

    @given(st.data(), st.integers(5, 40), st.integers(1, 30), st.randoms(use_true_random=False))
    def test_estimates_are_chances(self, portfolio, data, at, days, random):
        """In [0, 1] for every open deal at every horizon, and the same whatever the order of deals."""
        histories = data.draw(portfolio)
        try:
            table = fit(histories, at)
        except InvalidError:
            assume(False)
        shuffled = list(histories)
        random.shuffle(shuffled)
        assert fit(shuffled, at) == table
        for one in histories:
            deal = one.as_of(day(at))
            if deal is not None and deal.is_open:
                estimate = table.win(deal, as_of=day(at), horizon=timedelta(days=days))
                assert 0 <= estimate.p <= 1

    @given(
        st.data(), st.integers(5, 40), st.lists(st.floats(0.1, 90), min_size=2, max_size=6), st.sampled_from([0, 20])
    )
    def test_no_chance_falls_with_a_longer_horizon(self, portfolio, data, at, horizons, k):
        """A win within a time is a win within any longer one, also of deals that go back and forth between stages."""
        histories = data.draw(portfolio)
        try:
            table = fit(histories, at, k=k)
        except InvalidError:
            assume(False)
        for one in histories:
            deal = one.as_of(day(at))
            if deal is not None and deal.is_open:
                chances = [table.win(deal, as_of=day(at), horizon=timedelta(days=h)).p for h in sorted(horizons)]
                # But for the last digits of a float.
                assert all(after >= before - 1e-12 for before, after in pairwise(chances))
