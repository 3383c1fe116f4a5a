"""
How the benchmarks measure: two pieces of work in turn (A B A B ...), and the median of the ratios of the pairs.

A machine that slows down for a while slows both halves of a pair down alike, so the ratio holds where the times do not.
Calls are timed by the processor time that they use, since other programs may run; whole processes by the clock.
The garbage collector rests meanwhile, as it does in the standard `timeit`, except where a benchmark says otherwise.
"""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import NamedTuple

Row = dict[str, object]


class Pair(NamedTuple):
    """Median seconds of the two pieces of work, and the median of the ratios of first to second, pair by pair."""

    first: float
    second: float
    ratio: float

    def row(self, work: str, against: str, bound: float | None = None, digits: int = 2) -> Row:
        """Return one row of the table, in microseconds."""
        return {
            "work": work,
            "us": round(1e6 * self.first, digits),
            "against": against,
            "us_against": round(1e6 * self.second, digits),
            "ratio": round(self.ratio, 2),
            "bound": bound,
        }


def in_turn(first: Callable[[], float], second: Callable[[], float], rounds: int) -> Pair:
    """Take two times in turn; the first pair warms up and does not count."""
    pairs = [(first(), second()) for _ in range(rounds + 1)][1:]
    return Pair(median(a for a, _ in pairs), median(b for _, b in pairs), median(a / b for a, b in pairs))


def paired(first: Callable[[], object], second: Callable[[], object], *, rounds: int, times: int) -> Pair:
    """Compare two calls, each repeated `times` times per round; seconds are per call."""
    with resting_collector():
        return in_turn(lambda: per_call(first, times), lambda: per_call(second, times), rounds)


def per_call(work: Callable[[], object], times: int) -> float:
    """Return the seconds of processor time that one call takes, out of many."""
    repeats = range(times)
    start = process_time()
    for _ in repeats:
        work()
    return (process_time() - start) / times


def paired_processes(first: str, second: str, *, rounds: int) -> Pair:
    """
    Compare two Python programs as whole processes, start-up included.

    Both run from byte code, as installed packages do: an environment that forbids writing it would have the library
    compiled anew each time, but not what was installed.
    """
    with TemporaryDirectory() as cache:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = cache
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)

        def process(program: str) -> float:
            start = perf_counter()
            subprocess.run([sys.executable, "-c", program], env=environment, check=True)
            return perf_counter() - start

        return in_turn(lambda: process(first), lambda: process(second), rounds)


@contextmanager
def resting_collector() -> Iterator[None]:
    """Collect garbage first, then not until the end."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
