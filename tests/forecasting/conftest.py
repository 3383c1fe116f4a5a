"""Random histories of deals, as a host might have recorded them, for the laws of models that learn from them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import strategies as st

from leadflow.errors import InvalidError
from leadflow.forecasting import DealFact, DealHistory

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CODES = ("a", "b", "c")


def day(number, hours=0):
    return START + timedelta(days=number, hours=hours)


@st.composite
def facts(draw, least=1):
    """Facts of one deal: some late, some retracted, closings reopened; never a contradiction."""
    begin = draw(st.integers(0, 12))
    kind = draw(st.sampled_from(["opened", "opened", "found"]))
    found = [
        DealFact(
            kind, draw(st.sampled_from(CODES)), at=day(begin), recorded_at=day(begin + draw(st.sampled_from([0, 0, 3])))
        )
    ]
    at = begin
    for _ in range(draw(st.integers(least - 1, 6))):
        at += draw(st.integers(1, 6))
        kind, value = draw(
            st.one_of(
                st.tuples(st.just("stage"), st.sampled_from(CODES)),
                st.tuples(st.sampled_from(["won", "won", "lost", "reopened"]), st.none()),
                st.tuples(st.just("lost"), st.sampled_from(["void", "no_decision"])),
                st.tuples(st.just("withdrawn"), st.none()),
                st.tuples(
                    st.just("expected_close"),
                    st.integers(0, 60).map(lambda days: date(2026, 3, 1) + timedelta(days=days)),
                ),
                st.tuples(st.just("type"), st.sampled_from(["new", "renewal"])),
            )
        )
        learnt = at + draw(st.sampled_from([0, 0, 0, 1, 5]))
        gone = draw(st.sampled_from([None, None, None, None, learnt + 4]))
        fact = DealFact(
            kind,
            value,
            at=day(at),
            recorded_at=day(learnt),
            retracted_at=None if gone is None else day(gone),
        )
        try:
            DealHistory("O", [*found, fact])
        except InvalidError:
            continue
        found.append(fact)
    return tuple(found)


@st.composite
def portfolios(draw, most=8):
    """Histories of several deals."""
    return [DealHistory(f"O-{number}", draw(facts())) for number in range(draw(st.integers(1, most)))]


@pytest.fixture(scope="session")
def portfolio():
    """A strategy for histories of several deals, from 2 March 2026 on, over about forty days."""
    return portfolios()
