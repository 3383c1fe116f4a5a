"""
Small HTML tables for notebooks, escaped, readable in light and dark.

Colours are inherited and borders are a translucent grey, so that nothing depends on the notebook's theme. Every text is
escaped here and nowhere else: callers hand over plain values.
"""

from collections.abc import Iterable, Mapping, Sequence

__all__ = ["paragraph", "section", "table"]

_CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top;border-bottom:1px solid rgba(128,128,128,.35)"


def paragraph(words: object) -> str:
    """Return one paragraph of escaped text; line breaks are kept."""
    return f'<p style="margin:.3em 0;white-space:pre-wrap">{_escaped(str(words))}</p>'


def table(rows: Iterable[Mapping[str, object]], *, columns: Sequence[str] | None = None) -> str:
    """
    Return rows as an HTML table.

    Args:
        rows: One mapping per row, as `to_rows()` returns them; None shows as an empty cell.
        columns: Which keys in which order; default: those of the first row.
    """
    listed = list(rows)
    names = list(columns if columns is not None else listed[0] if listed else ())
    head = "".join(f'<th scope="col" style="{_CELL}">{_escaped(name.replace("_", " "))}</th>' for name in names)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{_shown(row.get(name))}</td>' for name in names) + "</tr>"
        for row in listed
    )
    return (
        '<table style="border-collapse:collapse;background:transparent;color:inherit">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def section(title: object, *parts: str) -> str:
    """Return ready-made HTML parts under an escaped title."""
    return (
        '<section style="color:inherit;background:transparent">'
        f'<div style="font-weight:600;margin:.3em 0">{_escaped(str(title))}</div>{"".join(parts)}</section>'
    )


def _shown(value: object) -> str:
    return "" if value is None else _escaped(str(value))


def _escaped(text: str) -> str:
    from html import escape  # noqa: PLC0415  # brings a table of 2,231 entities: 1 ms, for notebooks only

    return escape(text)
