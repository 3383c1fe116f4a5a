"""
Runs the benchmarks beside it and prints their tables: ``python tests/benchmarks/run.py [NAME ...]``.

A benchmark is a module ``bench_*.py`` whose `rows()` measures and returns rows: dicts with what was measured, and where
there is a bound, ``ratio`` and ``bound``. What it sets by ``ROUNDS``, ``TIMES`` and ``SIZES`` may be made smaller
before the call, which is how the tests run it. Names given (``import``, ``moves``, ...) choose among the benchmarks.
"""

import os
import platform
import sys
from collections.abc import Iterable
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent


def benchmarks(names: Iterable[str] = ()) -> list[ModuleType]:
    """Import the benchmarks, those named or all."""
    wanted = [f"bench_{name}" for name in names] or sorted(path.stem for path in HERE.glob("bench_*.py"))
    return [import_module(name) for name in wanted]


def machine() -> str:
    """Say what the figures were measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{cores} cores, {platform.machine()}, {python}, attrs {metadata.version('attrs')}"


def judged(row: dict[str, object]) -> dict[str, object]:
    """Say whether the bound holds, in a row that has one."""
    bound = row.get("bound")
    if bound is None:
        return {name: value for name, value in row.items() if name != "bound"}
    ratio = row["ratio"]
    assert isinstance(ratio, int | float)
    assert isinstance(bound, int | float)
    return {**row, "bound": f"<= {bound:g}", "holds": "yes" if ratio <= bound else "NO"}


def table(rows: list[dict[str, object]]) -> str:
    """Return rows as a Markdown table that reads well as plain text too."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[name.replace("_", " ") for name in names]] + [[_shown(row.get(name)) for name in names] for row in rows]
    numeric = [all(isinstance(row.get(name), int | float | None) for row in rows) for name in names]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        " | ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        for line in cells
    ]
    rule = " | ".join("-" * (width - right) + ":" * right for width, right in zip(widths, numeric, strict=True))
    return "\n".join(f"| {line} |" for line in [lines[0], rule, *lines[1:]])


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.4g}" if abs(value) < 100 else f"{value:,.0f}"
        case _:
            return str(value)


def main(names: list[str]) -> int:
    """Print a table per benchmark; 1 if a bound does not hold."""
    print(machine())  # noqa: T201 - it is a command
    holds = True
    for benchmark in benchmarks(names):
        rows = [judged(row) for row in benchmark.rows()]
        holds = holds and all(row.get("holds") != "NO" for row in rows)
        title = (benchmark.__doc__ or benchmark.__name__).strip().partition("\n")[0]
        print(f"\n{title}\n\n{table(rows)}", flush=True)  # noqa: T201
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
