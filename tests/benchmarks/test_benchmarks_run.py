"""Every benchmark runs and yields a table; that it is fast is for `run.py` on a quiet machine, never for a test."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMES = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


@pytest.fixture
def run(monkeypatch):
    """The driver; it and the benchmarks import each other by name, as they do when run as a program."""
    monkeypatch.syspath_prepend(str(HERE))
    import run  # noqa: PLC0415

    return run


@pytest.mark.parametrize("name", NAMES)
def test_yields_a_table(run, name, monkeypatch):
    """At tiny sizes a benchmark yields rows, and each of them a line of the table."""
    (benchmark,) = run.benchmarks([name])
    for setting, tiny in {"ROUNDS": 1, "TIMES": 2, "SIZES": (10, 20)}.items():
        monkeypatch.setattr(benchmark, setting, tiny, raising=False)
    rows = [run.judged(row) for row in benchmark.rows()]
    assert rows
    assert len(run.table(rows).splitlines()) == len(rows) + 2


def test_a_missed_bound_is_told(run):
    """A row says whether its bound holds; one without a bound says nothing."""
    assert run.judged({"ratio": 1.3, "bound": 1.3})["holds"] == "yes"
    assert run.judged({"ratio": 1.31, "bound": 1.3})["holds"] == "NO"
    assert run.judged({"ratio": 9.0, "bound": None}) == {"ratio": 9.0}


def test_a_missed_bound_fails_the_command(run, monkeypatch, capsys):
    """The command ends with 1 where a bound does not hold, so that a script can tell."""
    monkeypatch.setattr(
        run,
        "benchmarks",
        lambda names: [
            type("slow", (), {"__doc__": "Slow.", "rows": lambda: [{"work": "w", "ratio": 2.0, "bound": 1.0}]})
        ],
    )
    assert run.main([]) == 1
    assert "Slow." in capsys.readouterr().out
