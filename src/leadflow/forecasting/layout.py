"""Plain-text tables for terminals: words to the left, figures to the right, as wide as they need to be."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from leadflow.currencies import EXPONENTS
from leadflow.money import Money

__all__ = ["figure", "in_days", "percent", "shown", "text_table"]

_DAY = timedelta(days=1)


def figure(money: Money) -> str:
    """
    Return an amount without its currency, to the currency's smallest unit.

    >>> figure(Money("48000", "EUR")), figure(Money("48000", "JPY"))
    ('48,000.00', '48,000')
    """
    # Rounded before: a format rounds as the host's context says.
    return f"{money.round().amount:,.{EXPONENTS[money.currency]}f}"


def percent(share: float) -> str:
    """
    Return a share in per cent, to four digits.

    >>> percent(0.07), percent(1 / 3)
    ('7 %', '33.33 %')
    """
    return f"{100 * share:.4g} %"


def in_days(time: timedelta) -> str:
    """
    Return a length of time in days, to four digits.

    >>> in_days(timedelta(days=1)), in_days(timedelta(days=789, hours=17))
    ('1 day', '789.7 days')
    """
    return "1 day" if time == _DAY else f"{time / _DAY:,.4g} days"


def shown(value: object) -> str:
    """Return what a cell shows: figures without their currency, which the title names once; a dash for unknown."""
    if isinstance(value, Money):
        return figure(value)
    return "-" if value is None else str(value)


def text_table(rows: Iterable[Mapping[str, object]], *, figures: Sequence[str]) -> list[str]:
    r"""
    Return the lines of a table.

    >>> print(*text_table([{"owner": "ada", "deals": 3}, {"owner": "bo", "deals": 12}], figures=["deals"]), sep="\n")
    owner  deals
    ada        3
    bo        12

    Args:
        rows: At least one, all with the same keys.
        figures: The columns that are aligned to the right.
    """
    listed = list(rows)
    columns = list(listed[0])
    cells = [[name.replace("_", " ") for name in columns], *([shown(row[name]) for name in columns] for row in listed)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    return [
        "  ".join(
            cell.rjust(width) if name in figures else cell.ljust(width)
            for cell, width, name in zip(line, widths, columns, strict=True)
        ).rstrip()
        for line in cells
    ]
