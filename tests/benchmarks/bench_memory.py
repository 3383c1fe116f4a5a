"""
How much memory leads and opportunities take: what is allocated while many are made and kept, per record.

Counted by `tracemalloc` with everything that belongs to a record: its events, times, amounts, texts and ids. What all
share (pipelines, stages, codes, enum members) is not in it.
"""

import gc
import tracemalloc
from collections.abc import Callable

from records import deal, deal_of_ten, lead, lead_of_ten
from timing import Row

SIZES = (1_000,)
WORK: dict[str, Callable[[int], object]] = {
    "lead, as captured": lead,
    "lead of ten events": lead_of_ten,
    "opportunity, as opened": deal,
    "opportunity of ten events": deal_of_ten,
}


def rows() -> list[Row]:
    """Measure, and return one row per kind of record."""
    return [{"work": name, "bytes_per_record": _bytes(make, SIZES[-1])} for name, make in WORK.items()]


def _bytes(make: Callable[[int], object], number: int) -> int:
    make(0)
    gc.collect()
    tracemalloc.start()
    try:
        kept: list[object] = [None] * number
        before, _ = tracemalloc.get_traced_memory()
        for position in range(number):
            kept[position] = make(position)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return round((after - before) / number)
