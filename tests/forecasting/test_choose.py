"""Choosing a win model: who has skill, who has none, and who has no more than a simpler one."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow import pipelines
from leadflow.errors import InvalidError, InvalidTypeError
from leadflow.forecasting import DealFact, DealHistory, Estimate, StageTable, choose, fit_hazard, fit_landmark

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
HORIZON = 14 * DAY
NOW = START + 200 * DAY


def deals(*, signal, number=900, seed=1):
    """Deals in stage a or b for ten days on average; b is won three times as often, or just as often as a."""
    chance = Random(seed)
    found = []
    for place in range(number):
        begin = 200 * place / number
        stage = chance.choice("ab")
        facts = [DealFact("opened", stage, at=START + begin * DAY)]
        end = begin + chance.expovariate(0.1)
        if end < 200:
            share = (0.75 if stage == "b" else 0.25) if signal else 0.5
            facts.append(DealFact("won" if chance.random() < share else "lost", at=START + end * DAY))
        found.append(DealHistory(f"O-{place:04}", facts))
    return found


SIGNAL = deals(signal=True)
NOISE = deals(signal=False)


def by_stage(past, as_of):
    return fit_landmark(past, as_of=as_of, horizon=past.horizon, by=["stage"], every=2 * DAY)


def by_age(past, as_of):
    return fit_landmark(past, as_of=as_of, horizon=past.horizon, every=2 * DAY)


MODELS = {"stage": by_stage, "stage and age": by_age}


class Fixed:
    """The same chance for every deal, or for one stage."""

    def __init__(self, p, q=None):
        self.p, self.q = p, p if q is None else q

    def win(self, deal, *, as_of, horizon):
        """Answer by stage."""
        return Estimate(self.p if deal.stage == "a" else self.q)


def chosen(models=MODELS, history=SIGNAL, **options):
    return choose(models, history, **{"as_of": NOW, "horizon": HORIZON, **options})


class TestSignal:
    """Stages that differ."""

    def test_the_stage_is_found(self):
        """It beats the base rate; age adds nothing here, so the simpler model is taken."""
        choice = chosen()
        assert choice.name == "stage"
        base, _, stage, age = choice.judged
        assert base.gain == 0.0
        assert stage.gain > 2 * stage.gain_error > 0
        assert age.behind <= 2 * age.behind_error
        assert len(choice.origins) == 8
        assert stage.looks == age.looks > stage.deals

    def test_the_model_is_fitted_to_all_that_is_known(self):
        """It answers as of now."""
        assert chosen().model == by_stage_now()

    def test_brier_comes_to_the_same(self):
        """The other proper score."""
        assert chosen(score="brier").name == "stage"

    def test_a_model_that_loses_is_named(self):
        """Chances that are the wrong way round lose to the same chance for all."""
        choice = chosen({"reversed": Fixed(0.6, 0.1), **MODELS})
        assert choice.name == "stage"
        assert any(line.startswith("'reversed' loses to the base rate: log loss ") for line in choice.warnings)

    def test_left_out_counts_as_nothing(self):
        """A stage table without close dates says nothing of any deal, and that is said of it."""
        choice = chosen({"table": StageTable(pipelines.SIMPLE), **MODELS})
        table = choice.judged[2]
        assert table.left_out == table.looks
        assert any("left out" in line and "counts as a chance of 0" in line for line in choice.warnings)
        assert choice.name == "stage"


def by_stage_now():
    return fit_landmark(SIGNAL, as_of=NOW, horizon=HORIZON, by=["stage"], every=2 * DAY)


class TestNoSignal:
    """Stages that do not differ: nothing can be learnt."""

    def test_the_base_rate_is_taken(self):
        """Every learned model is named as without skill."""
        choice = chosen(history=NOISE)
        assert choice.name == "base rate"
        for name in MODELS:
            assert any(line.startswith(f"'{name}' ") and "base rate" in line for line in choice.warnings)

    def test_it_is_not_luck(self):
        """Of twelve such histories at most one fools it; with one standard error instead of two more would."""
        names = [
            chosen(
                {"stage": by_stage, "hazard": lambda past, as_of: fit_hazard(past, as_of=as_of)},
                deals(signal=False, number=200, seed=seed),
                origins=[NOW - 28 * DAY * (place + 1) for place in range(4)],
            ).name
            for seed in range(12)
        ]
        assert names.count("base rate") >= 11

    def test_no_noise_at_all(self):
        """With noise=0 the best score wins, however little better it is."""
        choice = chosen(history=NOISE, noise=0)
        best = min(choice.judged, key=lambda one: one.log_loss)
        assert choice.name == best.name


class TestNoLookAhead:
    """A choice made as of t rests on nothing that was recorded after t."""

    @settings(max_examples=15)
    @given(st.integers(100, 190), st.integers(0, 5))
    def test_what_came_later_changes_nothing(self, number, seed):
        """Deals of another history from t on change neither scores nor choice."""
        t = START + number * DAY
        history = deals(signal=True, number=150, seed=seed)
        cut = [one for one in (one.known_by(t) for one in history) if one is not None]
        assert chosen(history=history, as_of=t) == chosen(history=cut, as_of=t)


class TestBadInput:
    """Each a clear error, all problems at once."""

    def test_all_at_once(self):
        """Every argument that is wrong is named with its path."""
        with pytest.raises(InvalidTypeError) as caught:
            choose(
                {"x": 3, 5: by_age, "base rate": by_age},
                5,
                as_of=datetime(2026, 3, 2),  # noqa: DTZ001
                horizon=14,
                origins=["x"],
                score="logloss",
                noise=-1,
            )
        assert [one.path for one in caught.value.problems] == [
            "models['x']",
            "models",
            "models",
            "as_of",
            "horizon",
            "origins[0]",
            "score",
            "noise",
            "history",
        ]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"models": [by_age]}, "models must be models by name, the simplest first"),
            ({"models": {}}, "models must hold at least one"),
            ({"horizon": timedelta(0)}, "horizon must be a number of whole days"),
            ({"history": []}, "history must hold a deal that was recorded by"),
            ({"as_of": START + 20 * DAY}, "history must reach back 3 windows of 14 days"),
            ({"origins": []}, "origins must hold at least one"),
            ({"origins": [NOW]}, "origins window has not closed by 2026-09-18.*: 2026-09-18"),
            ({"origins": [START + DAY]}, "origins have less than one window of history before them: 2026-03-03"),
            ({"models": {"x": lambda past, as_of: 3}}, r"models, fitted at .* must have a method win"),
            ({"noise": float("nan")}, "noise must be finite"),
            (
                {"history": [DealHistory("A", [DealFact("opened", "a", at=START), DealFact("lost", at=START + DAY)])]},
                "must hold a deal that was open at an origin",
            ),
        ],
    )
    def test_one_by_one(self, options, message):
        """The message says what is wrong and what was given."""
        with pytest.raises(InvalidError, match=message):
            chosen(**options)

    def test_an_answer_that_is_none(self):
        """A model that answers with a plain number is told what to answer with."""

        class Wrong:
            def win(self, deal, *, as_of, horizon):
                return 0.3

        with pytest.raises(InvalidError, match=r"models\['x'\].win\('O-.*must be an Estimate"):
            chosen({"x": Wrong()})

    def test_models_fitted_to_today_refuse(self):
        """A table that knows the outcomes cannot be judged by them."""
        with pytest.raises(ValueError, match="landmark table"):
            chosen({"x": by_stage_now()})

    def test_one_deal(self):
        """Of one deal nothing can be learnt: the base rate."""
        facts = [DealFact("opened", "a", at=START), DealFact("won", at=START + 150 * DAY)]
        assert chosen(history=[DealHistory("A", facts)], as_of=START + 160 * DAY).name == "base rate"

    def test_all_came_to_the_same(self):
        """Without wins there is nothing to rank: AUC is None."""
        history = [DealHistory(f"A{n}", [DealFact("opened", "a", at=START + n * DAY)]) for n in range(100)]
        choice = chosen(history=history)
        assert [one.auc for one in choice.judged] == [None] * 4


class TestHowItReads:
    """Text, tables."""

    def test_text(self):
        """A line per model, the chosen one marked, warnings below."""
        lines = str(chosen()).splitlines()
        assert lines[0] == "Chosen by log loss: stage (8 origins from 2026-05-29 to 2026-09-04)"
        assert lines[1].split() == ["model", "answers", "log", "loss", "Brier", "AUC", "gain", "on", "base", "rate"]
        assert [line.endswith("chosen") for line in lines[2:6]] == [False, False, True, False]
        assert "warning" in str(chosen(history=NOISE))

    def test_rows(self):
        """One row per model with every figure."""
        rows = chosen().to_rows()
        assert [(row["model"], row["is_chosen"]) for row in rows] == [
            ("base rate", False),
            ("base rate by age", False),
            ("stage", True),
            ("stage and age", False),
        ]
        assert rows[2]["gain"] == pytest.approx(rows[0]["log_loss"] - rows[2]["log_loss"])

    def test_html(self):
        """A notebook shows the same."""
        assert "stage and age" in chosen()._repr_html_()
