"""Choosing where nothing is to be learnt: axes of noise, luck that windows share, ages in disguise, leaks."""

from datetime import UTC, datetime, timedelta
from math import exp, inf, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow.forecasting import DealFact, DealHistory, choose, fit_landmark
from leadflow.forecasting.gains import bar, gained

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
HORIZON = 14 * DAY
DAYS = 112
NOW = START + DAYS * DAY
AXES = ("owner", "product", "region", "team")


def firm(seed, *, signal=0.0, number=150, levels=40, shock=0.8):
    """Deals with four attributes; odd owners win exp(2 signal) times as often; each fortnight has its own luck."""
    chance = Random(seed)
    luck = [exp(chance.gauss(0, shock)) for _ in range(DAYS // 14)]
    found = []
    for number_of_deal in range(number):
        day = chance.randrange(DAYS)
        labels = {axis: chance.randrange(levels) for axis in AXES}
        facts = [DealFact("opened", "a", at=START + day * DAY)]
        facts += [DealFact(axis, str(label), at=START + day * DAY) for axis, label in labels.items()]
        skill = exp(signal if labels["owner"] % 2 else -signal)
        while day < DAYS:
            win, draw = 0.04 * skill * luck[day // 14], chance.random()
            if draw < win + 0.03:
                facts.append(DealFact("won" if draw < win else "lost", at=START + day * DAY + DAY / 2))
                break
            day += 1
        found.append(DealHistory(f"O-{number_of_deal:04}", facts))
    return found


def table_by(*by, k=20):
    return lambda past, as_of: fit_landmark(past, as_of=as_of, horizon=past.horizon, by=by, every=7 * DAY, k=k)


def chosen(history, models):
    return choose(models, history, as_of=NOW, horizon=HORIZON)


class TestSimulatedFirms:
    """Histories with a known law."""

    def test_noise_is_refused(self):
        """Four models by axes of noise with 40 levels compete, windows share luck: 1 of 20 firms at most is fooled."""
        models = {axis: table_by(axis, k=200) for axis in AXES}
        names = [chosen(firm(seed), models).name for seed in range(20)]
        assert sum(name in AXES for name in names) <= 1

    def test_a_moderate_signal_is_found(self):
        """Of owners, half win five times as often as the others, beside three axes of noise: found in most firms."""
        models = {axis: table_by(axis) for axis in AXES}
        names = [chosen(firm(seed, signal=0.8, number=500, levels=10, shock=0.4), models).name for seed in range(5)]
        assert names.count("owner") >= 3


def dead_wood():
    """Deals that close within four weeks or never; half of the owners leave theirs open. Nobody wins more often."""
    chance = Random(3)
    found = []
    for number in range(500):
        begin, owner = DAYS * number / 500, chance.choice(["tidy", "untidy"])
        facts = [
            DealFact("opened", "a", at=START + begin * DAY),
            DealFact("owner", owner, at=START + begin * DAY),
        ]
        end = begin + chance.uniform(0, 16)
        if end < DAYS and (owner == "tidy" or chance.random() < 0.6):
            facts.append(DealFact("won" if chance.random() < 0.6 else "lost", at=START + end * DAY))
            # What was filled in as it closed, and is said to have been known at first.
            facts.append(DealFact("account", f"A{number % 5}", at=START + begin * DAY))
        found.append(DealHistory(f"O-{number:04}", facts))
    return found


class TestAge:
    """An axis that knows nothing but ages."""

    def test_it_loses_to_age(self):
        """Who leaves dead deals open seems to win less; the base rate by age knows that better, and is taken."""
        choice = chosen(dead_wood(), {"owner": table_by("owner")})
        base, by_age, owner = choice.judged
        assert (base.name, by_age.name, choice.name) == ("base rate", "base rate by age", "base rate by age")
        assert by_age.gain > owner.gain > 0
        assert any(line.startswith("'owner' ") for line in choice.warnings)


class TestLeaks:
    """What was filled in at the closing."""

    def test_it_is_said(self):
        """An account that only closed deals have from their first record on."""
        (line,) = [line for line in chosen(dead_wood(), {"account": table_by("account")}).warnings if "outcome" in line]
        assert line.startswith("'account' may know the outcome: account was unknown at first for ")
        assert line.endswith(" closed ones; was it filled in at the closing?")

    def test_not_of_what_is_known_of_all(self):
        """Nor of axes that are no attributes, nor of few deals."""
        models = {"owner": table_by("time_in_stage", "owner")}
        assert not any("outcome" in line for line in chosen(dead_wood(), models).warnings)
        few = chosen(dead_wood()[::20], {"account": table_by("account")})
        assert not any("outcome" in line for line in few.warnings)


class TestGains:
    """The standard error of a gain."""

    def test_by_hand(self):
        """Deals A (twice) and B: differences 1, 3, -1 around 1; clusters 2 and -2; sqrt(8 x 2/1)/3."""
        assert gained([1, 3, 0], [0, 0, 1], ["AAB"]) == (1.0, pytest.approx(sqrt(16) / 3))

    def test_answers_about_one_deal_are_one_piece_of_evidence(self):
        """The same answers five times over: no more certain than once."""
        first, second = [0.1, 0.5, 0.2, 0.9], [0.3, 0.2, 0.6, 0.1]
        assert gained(first * 5, second * 5, ["ABCD" * 5]) == pytest.approx(gained(first, second, ["ABCD"]))

    def test_one_deal_says_nothing(self):
        """Nor does one window: the error is infinite, or nothing where there is no difference."""
        assert gained([1, 2], [0, 0], ["AB", "AA"]) == (1.5, inf)
        assert gained([1, 2], [1, 2], ["AA"]) == (0.0, 0.0)

    @given(st.lists(st.tuples(st.floats(-5, 5), st.sampled_from("ABC"), st.sampled_from("xyz")), min_size=1))
    def test_another_grouping_never_makes_it_surer(self, answers):
        """The larger error counts."""
        scores, deals, windows = zip(*answers, strict=True)
        nothing = [0.0] * len(scores)
        both = gained(scores, nothing, [deals, windows])[1]
        assert both == max(gained(scores, nothing, [deals])[1], gained(scores, nothing, [windows])[1])

    @given(st.floats(0, 100), st.integers(1, 1000))
    def test_the_more_are_tried_the_more_is_asked(self, noise, tried):
        """Never less than for one; nothing where nothing counts as noise."""
        assert bar(noise, tried + 1) >= bar(noise, tried) >= bar(noise, 1) >= noise * (1 - 1e-12)
        assert bar(0, tried) == 0
