"""Recurring revenue: four figures that are not to be mixed."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.errors import InvalidError
from leadflow.money import Money, Recurring


def euros(amount):
    return Money(amount, "EUR")


class TestFigures:
    """MRR, ARR, ACV and TCV follow from payment, interval and term."""

    @pytest.mark.parametrize(
        ("paid", "figures"),
        [
            (("100", 1, 12), ("100", "1200", "1200", "1200")),
            (("100", 1, 36), ("100", "1200", "1200", "3600")),
            (("300", 3, 6), ("100", "1200", "600", "600")),
            (("1200", 12, None), ("100", "1200", "1200", None)),
            (("1200", 12, 18), ("100", "1200", "1200", "1800")),
            (("2400", 24, 24), ("100", "1200", "1200", "2400")),
        ],
    )
    def test_worked_figures(self, paid, figures):
        """Figures worked out by hand; the total of an open-ended contract is unknown."""
        amount, every, term = paid
        plan = Recurring(euros(amount), every, term)
        assert [plan.mrr, plan.arr, plan.acv, plan.tcv] == [figure and euros(figure) for figure in figures]

    def test_no_digit_is_lost_on_the_way(self):
        """100 every quarter is 400 a year, although 33.33... a month has no end."""
        plan = Recurring(euros(100), 3, 36)
        assert plan.arr == euros(400)
        assert plan.tcv == euros(1200)
        assert plan.mrr.round() == euros("33.33")

    @given(st.decimals(0, 10**6, places=2), st.integers(1, 60), st.integers(1, 120))
    def test_they_agree_with_each_other(self, amount, every, term):
        """Twelve months are the annual figure; the contract's year is the lesser of its total and its annual rate."""
        plan = Recurring(euros(amount), every, term)
        assert (plan.mrr * 12).round(20) == plan.arr.round(20)
        assert plan.acv == min(plan.arr, plan.tcv)


class TestChecks:
    """A plan that cannot be is not built."""

    @pytest.mark.parametrize(("every", "term"), [(0, 12), (-1, 12), (1, 0), (1.0, 12), (True, 12), (1, "12")])
    def test_months_are_whole_and_positive(self, every, term):
        """0 months is refused, be it interval or term."""
        with pytest.raises(InvalidError, match=r"Recurring: (every|term)_months must be"):
            Recurring(euros(1), every, term)

    def test_all_problems_at_once(self):
        """Amount and both numbers of months are judged together."""
        with pytest.raises(InvalidError) as caught:
            Recurring(100, 0, 0)
        assert [problem.path for problem in caught.value.problems] == ["amount", "every_months", "term_months"]

    def test_it_is_a_value(self):
        """Equal, hashable, picklable."""
        plan = Recurring(euros(1), 1)
        assert pickle.loads(pickle.dumps(plan)) == plan == Recurring(euros("1.00"), every_months=1, term_months=None)
        assert len({plan, Recurring(euros(1), 1)}) == 1
