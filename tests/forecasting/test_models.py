"""Win models: the stage table, and what any model has to say."""

import pickle
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from leadflow import pipelines
from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.forecasting import Deal, Estimate, OmissionReason, StageTable
from leadflow.forecasting.models import last_day_of
from leadflow.pipeline import Pipeline, Stage

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
RENEWALS = Pipeline(
    "renewals",
    [Stage(code="proposal", probability=0.9), Stage(code="won", category="won"), Stage(code="lost", category="lost")],
)
TABLE = StageTable(pipelines.SIMPLE)


def row(**attributes):
    return Deal("O-1", state="open", **{"stage": "proposal", "expected_close": date(2026, 3, 20), **attributes})


def ask(deal, model=TABLE, as_of=NOW, days=21):
    return model.win(deal, as_of=as_of, horizon=timedelta(days=days))


class TestEstimate:
    """An estimate is a chance with what it rests on."""

    def test_a_bare_chance_is_enough(self):
        """A host's model may say no more than p."""
        estimate = Estimate(0.3)
        assert (estimate.p, estimate.n, estimate.prior, estimate.why, estimate.left_out) == (0.3, 0, None, "", None)

    def test_every_problem_is_named_at_once(self):
        """Each figure has its range."""
        with pytest.raises(InvalidTypeError) as caught:
            Estimate(1.5, -1, "half", 7, left_out="because")
        assert [problem.path for problem in caught.value.problems] == ["p", "n", "prior", "why", "left_out", "p"]

    def test_what_is_left_out_has_no_chance(self):
        """A reason to leave a deal out and a chance contradict each other."""
        assert Estimate(0.0, left_out="undated").left_out is OmissionReason.UNDATED
        with pytest.raises(InvalidError, match=r"p must be 0 when the deal is left out, got 0\.1"):
            Estimate(0.1, left_out="undated")


class TestStageTable:
    """Fixed percentages count for deals that are expected to close within the horizon."""

    def test_the_stages_percentage(self):
        """Without a manual probability the pipeline's present figure counts, not the one a deal was stamped with."""
        assert ask(row()) == Estimate(0.4, 0, 0.4, "40 % for stage 'proposal' of 'simple'")
        assert ask(row(probability=0.9)).p == 0.4

    def test_a_persons_own_figure_goes_first(self):
        """A manual probability beats the stage's."""
        estimate = ask(row(probability=0.9, probability_is_manual=True))
        assert (estimate.p, estimate.prior, estimate.why) == (0.9, 0.9, "set for this deal")

    def test_a_row_without_a_stage_has_its_own_probability(self):
        """A host that knows no stages gives a probability per row."""
        assert ask(row(stage=None, probability=0.25)).p == 0.25

    @pytest.mark.parametrize(
        ("close", "reason"),
        [
            (None, "undated"),
            (date(2026, 3, 9), "past_due"),
            (date(2026, 3, 10), None),
            (date(2026, 3, 31), None),
            (date(2026, 4, 1), "outside_period"),
        ],
    )
    def test_only_what_is_expected_in_time_counts(self, close, reason):
        """From today to the last day of the horizon; what was expected earlier is past due."""
        estimate = ask(row(expected_close=close))
        assert (estimate.left_out, estimate.p) == (reason, 0.0 if reason else 0.4)

    def test_the_last_day_is_the_one_before_a_midnight(self):
        """A horizon that ends at midnight ends with the day before."""
        midnight = datetime(2026, 3, 10, tzinfo=UTC)
        deal = row(expected_close=date(2026, 3, 11))
        assert ask(deal, as_of=midnight, days=1).left_out == "outside_period"
        assert ask(deal, as_of=midnight, days=2).left_out is None

    def test_days_are_those_of_the_as_of_zone(self):
        """Late on the 10th in New York it is the 11th in London: a deal due on the 10th is past due in London only."""
        late = datetime(2026, 3, 11, 2, tzinfo=UTC)
        deal = row(expected_close=date(2026, 3, 10))
        assert ask(deal, as_of=late).left_out == "past_due"
        assert ask(deal, as_of=late.astimezone(ZoneInfo("America/New_York"))).left_out is None

    def test_the_horizon_is_time_elapsed_also_where_clocks_change(self):
        """From midnight to midnight over the short day in Berlin are 23 hours less; the last day is still the 29th."""
        berlin = ZoneInfo("Europe/Berlin")
        start, end = datetime(2026, 3, 29, tzinfo=berlin), datetime(2026, 3, 30, tzinfo=berlin)
        elapsed = end.astimezone(UTC) - start.astimezone(UTC)
        assert elapsed == timedelta(hours=23)
        assert last_day_of(start, elapsed) == date(2026, 3, 29)
        assert last_day_of(start, timedelta.max) == date.max

    def test_what_it_cannot_look_up_is_left_out_with_the_way_out(self):
        """No stage, another pipeline, a stage that does not exist, a closed one: each says why."""
        assert "neither a stage nor a probability" in ask(row(stage=None)).why
        assert "'renewals', which this model does not know (known: 'simple')" in ask(row(pipeline_id="renewals")).why
        assert "did you mean 'proposal'?" in ask(row(stage="proposl")).why
        assert "is open, but in stage 'won', which is won" in ask(row(stage="won")).why
        assert {ask(deal).left_out for deal in (row(stage=None), row(stage="x"))} == {OmissionReason.NO_PROBABILITY}

    def test_several_pipelines(self):
        """Each deal is looked up in its own pipeline; one that names none, in the first."""
        model = StageTable([pipelines.SIMPLE, RENEWALS])
        assert ask(row(pipeline_id="renewals"), model).p == 0.9
        assert ask(row(pipeline_id="simple"), model).p == ask(row(), model).p == 0.4

    @pytest.mark.parametrize("given", [None, (), "simple", [pipelines.SIMPLE, "simple"]])
    def test_it_needs_pipelines(self, given):
        """Anything but pipelines is refused."""
        with pytest.raises(InvalidTypeError, match="must be a Pipeline or several"):
            StageTable(given)

    def test_each_pipeline_once(self):
        """Two tables for one pipeline contradict each other."""
        with pytest.raises(InvalidError, match="must not repeat"):
            StageTable([pipelines.SIMPLE, pipelines.SIMPLE])

    def test_the_question_is_checked(self):
        """A naive time, an empty horizon and no deal are named together."""
        with pytest.raises(InvalidTypeError) as caught:
            TABLE.win("O-1", as_of=datetime(2026, 3, 10), horizon=timedelta(0))  # noqa: DTZ001
        assert [problem.path for problem in caught.value.problems] == ["deal", "as_of", "horizon"]
        with pytest.raises(InvalidTypeError, match="horizon must be a timedelta"):
            TABLE.win(row(), as_of=NOW, horizon=30)

    def test_it_is_a_value(self):
        """Two tables of the same pipelines are equal, also after pickling."""
        assert pickle.loads(pickle.dumps(TABLE)) == StageTable([pipelines.SIMPLE]) == TABLE
