"""Intervals hold what they claim on histories whose law is known; reports say why they measure nothing without data."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def module(monkeypatch):
    """Import a report by name, as it is when run as a program."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.delenv("LEADFLOW_DATA", raising=False)
    return __import__


def test_intervals_cover_what_they_claim(module):
    """Of forty 80 % intervals of four firms at least 70 % hold; the full run with 500 windows is a benchmark."""
    report = module("accuracy_simulated")
    results = [report.tested(report.Law(), seed, "spread from past errors") for seed in range(4)]
    held = report.coverage(results)
    assert held.n == 40
    assert held.rate >= 0.7
    assert not held.is_off


def test_the_same_seed_is_the_same_history(module):
    """So that figures can be told again."""
    simulated = module("simulated")
    law = simulated.Law(days=60)
    assert simulated.histories(law, 3) == simulated.histories(law, 3)
    assert simulated.histories(law, 3) != simulated.histories(law, 4)
    kinds = {fact.kind for one in simulated.histories(law, 3) for fact in one.facts}
    assert kinds == {"opened", "amount", "stage", "won", "lost", "expected_close", "forecast_category"}


@pytest.mark.parametrize("name", ["accuracy_bpi", "accuracy_amounts", "accuracy_maven"])
def test_without_data_it_says_so(module, name, capsys):
    """No figure is made up where there is no file."""
    assert module(name).main([]) == 0
    assert capsys.readouterr().out.startswith("skipped: no ")
