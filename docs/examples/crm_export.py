"""
Read a CRM export, build deals with history, and report the state as of a date.

Usage: python docs/examples/crm_export.py PATH [--as-of DATE]

PATH is a folder with four CSV files in the layout of Maven Analytics' public "CRM Sales Opportunities":

    sales_pipeline.csv  opportunity_id, sales_agent, product, account, deal_stage, engage_date, close_date, close_value
    products.csv        product, series, sales_price
    sales_teams.csv     sales_agent, manager, regional_office
    accounts.csv        account, ... (only the names are used)

Reading files is the host's part, so it is here and not in leadflow. What the export does not say is completed in a way
that can be seen (a tag on the deal) or left unknown; a row that contradicts itself is not taken and enters no figure.
Every such row is named at the end, with the reason. Exit status: 0, or 2 when the export cannot be read at all.
"""

import argparse
import csv
import os
import re
import sys
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

from attrs import field, frozen

from leadflow import FiscalCalendar, InvalidError, Money, Opportunity, Origin, Pipeline, Reason, Stage
from leadflow.forecasting import Deal, rollup

CURRENCY = "USD"  # the export does not say; its publisher's page shows dollars
CALENDAR = FiscalCalendar(UTC)
LIST_PRICE = "amount_is_list_price"
NOT_RECORDED = Reason("not_recorded", "the export does not say why")
FILES = {
    "sales_pipeline.csv": (
        "opportunity_id", "sales_agent", "product", "account", "deal_stage", "engage_date", "close_date", "close_value",
    ),
    "products.csv": ("product", "sales_price"),
    "sales_teams.csv": ("sales_agent", "manager", "regional_office"),
    "accounts.csv": ("account",),
}  # fmt: skip
LINE, EXTRA = "line in the file", "cells beyond the columns"  # kept with each row, beside its columns
Row = Mapping[str, str]


@frozen
class Export:
    """The four files as they are."""

    pipeline: tuple[Row, ...]
    prices: Mapping[str, Decimal]
    regions: Mapping[str, str]
    accounts: frozenset[str]


@frozen
class Reading:
    """What became of the rows: deals, and per reason the rows that were completed or could not be taken."""

    last_day: date
    refused: list[str]
    deals: list[Opportunity] = field(factory=list)
    completed: dict[str, list[str]] = field(factory=lambda: defaultdict(list))


def give_up(why: str) -> NoReturn:
    """Say why the export cannot be read, and stop."""
    print(f"crm_export: {why}", file=sys.stderr)
    raise SystemExit(2)


def read_table(folder: Path, name: str) -> tuple[Row, ...]:
    """Return a file's rows; exit with a message when it is missing or lacks a column."""
    try:
        with (folder / name).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in FILES[name] if column not in (reader.fieldnames or ())]
            if missing:
                give_up(f"{name}: column {', '.join(missing)} is missing, got {', '.join(reader.fieldnames or ())}")
            return tuple(
                {column: row[column] or "" for column in FILES[name]}
                | {LINE: str(reader.line_num), EXTRA: ", ".join(map(repr, row.get(None, ())))}
                for row in reader
            )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        give_up(f"{folder / name} cannot be read: {error}")


def read_export(folder: Path) -> Export:
    """Return the whole export; product names are compared without spaces, since the files differ in them."""
    tables = {name: read_table(folder, name) for name in FILES}
    for name in ("products.csv", "sales_teams.csv", "accounts.csv"):
        if longer := [f"line {row[LINE]} ({row[EXTRA]})" for row in tables[name] if row[EXTRA]]:
            give_up(f"{folder / name}: more cells than columns in {', '.join(longer)}")
    products = tables["products.csv"]
    names = Counter(row["product"].replace(" ", "") for row in products)
    if twice := [row["product"] for row in products if names[row["product"].replace(" ", "")] > 1]:
        give_up(f"{folder / 'products.csv'}: a product must be there once, got {', '.join(twice)}")
    unpriced = [row["product"] for row in products if price_or_none(row["sales_price"]) is None]
    if unpriced:
        give_up(f"{folder / 'products.csv'}: sales_price must be an amount, is not for {', '.join(unpriced)}")
    return Export(
        pipeline=tables["sales_pipeline.csv"],
        prices={row["product"]: Decimal(row["sales_price"]) for row in products},
        regions={row["sales_agent"]: row["regional_office"] for row in tables["sales_teams.csv"]},
        accounts=frozenset(row["account"] for row in tables["accounts.csv"]),
    )


def day_or_none(text: str) -> date | None:
    """Return a date written as YYYY-MM-DD, or None where there is none or it is broken."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return None  # fromisoformat also takes 20250220 and 2025-W08-4
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def start_of(day: date) -> datetime:
    """Return the first instant of a day; the export has dates only."""
    return datetime.combine(day, time(), tzinfo=UTC)


def export_pipeline(rows: Iterable[Row] = (), last_day: date = date.max) -> Pipeline:
    """
    Return the export's stages.

    It has no percentages, so both open stages get the share of won deals among those closed by the day of the report:
    no better guess is in these columns, and nothing later is looked at. The rows are those that were taken.
    """
    closed = Counter(
        row["deal_stage"] for row in rows if (day := day_or_none(row["close_date"])) is not None and day <= last_day
    )
    decided = closed["Won"] + closed["Lost"]
    win_rate = round(closed["Won"] / decided, 4) if decided else 0.5
    return Pipeline(
        "export",
        (
            Stage(code="prospecting", probability=win_rate),
            Stage(code="engaging", probability=win_rate),
            Stage(code="won", category="won"),
            Stage(code="lost", category="lost"),
        ),
    )


def row_problems(row: Row, export: Export, seen: Mapping[str, int]) -> Iterator[str]:
    """Yield everything that makes a row impossible to take."""
    if row[EXTRA]:
        yield f"more cells than columns: {row[EXTRA]}"
    if not row["opportunity_id"].strip():
        yield "opportunity_id is empty"
    elif row["opportunity_id"] in seen:
        yield f"opportunity_id {row['opportunity_id']!r} was in line {seen[row['opportunity_id']]} already"
    if row["deal_stage"] not in {"Prospecting", "Engaging", "Won", "Lost"}:
        yield f"deal_stage must be Prospecting, Engaging, Won or Lost, got {row['deal_stage']!r}"
    for name in ("engage_date", "close_date"):
        if row[name] and day_or_none(row[name]) is None:
            yield f"{name} must be a date such as 2017-03-01, got {row[name]!r}"
    engaged, closed = day_or_none(row["engage_date"]), day_or_none(row["close_date"])
    if row["deal_stage"] in {"Won", "Lost"} and not row["close_date"]:
        yield f"close_date is empty although the deal is {row['deal_stage']}"
    if row["deal_stage"] in {"Prospecting", "Engaging"} and row["close_date"]:
        yield f"close_date must be empty while the deal is {row['deal_stage']}, got {row['close_date']!r}"
    if engaged and closed and closed < engaged:
        yield f"close_date {closed} is before engage_date {engaged}"
    if row["deal_stage"] == "Won" and price_or_none(row["close_value"]) is None:
        yield f"close_value must be an amount when the deal is Won, got {row['close_value']!r}"
    elif row["close_value"] and price_or_none(row["close_value"]) is None:
        yield f"close_value must be an amount or empty, got {row['close_value']!r}"
    if product_of(row, export) is None:
        yield f"product is not in products.csv: {row['product']!r}"


def price_or_none(text: str) -> Money | None:
    """Return an amount that is not negative, or None."""
    try:
        amount = Money(Decimal(text), CURRENCY)
    except (InvalidOperation, InvalidError):
        return None
    return amount if amount.amount >= 0 else None


def own_amount(row: Row) -> Money | None:
    """Return what an open or lost deal is said to be worth; nothing and 0 say nothing."""
    amount = price_or_none(row["close_value"])
    return amount if row["deal_stage"] != "Won" and amount and amount.amount > 0 else None


def product_of(row: Row, export: Export) -> str | None:
    """Return the product under the name that products.csv gives it."""
    plain = row["product"].replace(" ", "")
    return next((product for product in export.prices if product.replace(" ", "") == plain), None)


def completions(row: Row, export: Export) -> Iterator[str]:
    """Yield what had to be completed or left unknown to take a row."""
    if not row["engage_date"]:
        yield "no engage_date: taken as known from the last day of the export"
    if own_amount(row):
        yield f"close_value although the deal is {row['deal_stage']}: taken as its amount"
    elif row["deal_stage"] in {"Prospecting", "Engaging"}:
        yield f"no close_value: the list price stands in, tagged {LIST_PRICE}"
    elif row["deal_stage"] == "Lost":
        yield f"no amount of what was lost: the list price stands in, tagged {LIST_PRICE}"
    if row["deal_stage"] in {"Prospecting", "Engaging"}:
        yield "no expected close date: left unknown"
    if row["deal_stage"] == "Lost":
        yield "no reason for the loss: recorded as such"
    if not row["account"]:
        yield "no account: left unknown"
    elif row["account"] not in export.accounts:
        yield "account is not in accounts.csv: kept as it stands"
    if row["sales_agent"] not in export.regions:
        yield "sales_agent is not in sales_teams.csv: region left unknown"
    if row["product"] != product_of(row, export):
        yield f"product {row['product']!r} read as {product_of(row, export)!r}"


def opportunity_of(row: Row, export: Export, pipeline: Pipeline, last_day: date) -> Opportunity:
    """Return a deal with the history that the row tells: opened when engaged, then won or lost."""
    engaged = day_or_none(row["engage_date"])
    opened = start_of(engaged or day_or_none(row["close_date"]) or last_day)
    own = own_amount(row)
    product = product_of(row, export)
    assert product is not None
    fields = {"region": export.regions[row["sales_agent"]]} if row["sales_agent"] in export.regions else {}
    deal = Opportunity.imported(
        row["opportunity_id"],
        f"{product} for {row['account'] or 'unknown account'}",
        origin=Origin.from_campaign("export"),
        pipeline=pipeline,
        stage="prospecting" if row["deal_stage"] == "Prospecting" else "engaging",
        amount=own or Money(export.prices[product], CURRENCY),
        account_id=row["account"] or None,
        owner=row["sales_agent"] or None,
        product_interest=[product],
        tags=[] if own else [LIST_PRICE],
        fields=fields,
        at=opened,
    )
    closed = day_or_none(row["close_date"])
    if closed is None:
        return deal
    if row["deal_stage"] == "Lost":
        return deal.lose(NOT_RECORDED, at=start_of(closed))
    return deal.win(price_or_none(row["close_value"]), at=start_of(closed)).correct(clear=["tags"], at=start_of(closed))


def takeable(export: Export) -> tuple[list[Row], list[str]]:
    """Return the rows that a deal can be made of, and what is wrong with the others."""
    taken, refused, seen = list[Row](), list[str](), dict[str, int]()
    draft = export_pipeline()
    for row in with_progress(export.pipeline):
        problems = list(row_problems(row, export, seen))
        if not problems:
            try:
                opportunity_of(row, export, draft, date.min)
            except InvalidError as error:
                problems = [str(error)]
        if problems:
            refused.append(f"line {row[LINE]} ({row['opportunity_id'] or 'no id'}): {'; '.join(problems)}")
        else:
            seen[row["opportunity_id"]] = int(row[LINE])
            taken.append(row)
    return taken, refused


def read_deals(export: Export, as_of: date | None) -> Reading:
    """Return a deal for every row that can be taken, and what there is to say about the others."""
    taken, refused = takeable(export)
    days = [day for row in taken for name in ("engage_date", "close_date") if (day := day_or_none(row[name]))]
    if not days:
        give_up("\n  ".join(["sales_pipeline.csv: no row that can be taken has a date; not taken:", *refused]))
    reading = Reading(max(days), refused)
    pipeline = export_pipeline(taken, as_of or reading.last_day)
    for row in taken:
        reading.deals.append(opportunity_of(row, export, pipeline, reading.last_day))
        for reason in completions(row, export):
            reading.completed[reason].append(row["opportunity_id"])
    return reading


def with_progress(rows: tuple[Row, ...]) -> Iterator[Row]:
    """Yield the rows; where standard error is a terminal, show there how far it has got."""
    shown = sys.stderr.isatty()
    for done, row in enumerate(rows, start=1):
        yield row
        if shown and (done % 100 == 0 or done == len(rows)):
            bar = "#" * (40 * done // len(rows))
            print(f"\r[{bar:<40}] {done:,}/{counted(len(rows), 'row')}", end="", file=sys.stderr, flush=True)
    if shown:
        print(file=sys.stderr)


def counted(number: int, thing: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def report(reading: Reading, export: Export, as_of: date) -> Iterator[str]:
    """Yield the report, part by part."""
    instant = datetime.combine(as_of, time.max, tzinfo=UTC)
    deals = Deal.of_all(reading.deals, as_of=instant)
    stages = Counter(deal.stage for deal in deals)
    won = Money.total((deal.amount for deal in deals if deal.is_won and deal.amount), CURRENCY)
    yield (
        f"State as of {as_of}: {counted(len(export.pipeline), 'row')}, {len(reading.refused):,} not taken, "
        f"{counted(len(deals), 'deal')} known by then\n"
        f"  prospecting {stages['prospecting']:,}, engaging {stages['engaging']:,}, "
        f"won {stages['won']:,} (worth {won}), lost {stages['lost']:,}"
    )
    for title, by in (("by month", "month"), ("by sales region", "region")):
        figures = rollup(deals, by=by, currency=CURRENCY, as_of=instant, calendar=CALENDAR)
        yield f"Rollup {title} (amounts of open deals are list prices)\n{figures}"
    yield "By product\n" + "\n".join(product_lines(deals))


def product_lines(deals: Iterable[Deal]) -> Iterator[str]:
    """Yield one line per product: win rate of what is decided, and what is open at list price."""
    by_product: dict[str, list[Deal]] = defaultdict(list)
    for deal in deals:
        by_product[deal.product or "unknown"].append(deal)
    yield f"  {'product':<16}{'won':>7}{'lost':>7}{'win rate':>10}{'open':>7}   open pipeline (list price, an estimate)"
    for product, group in sorted(by_product.items()):
        won, lost = sum(deal.is_won for deal in group), sum(deal.is_lost and not deal.is_void for deal in group)
        rate = f"{won / (won + lost):.1%}" if won + lost else "-"
        open_deals = [deal for deal in group if deal.is_open]
        pipeline = Money.total((deal.amount for deal in open_deals if deal.amount), CURRENCY)
        yield f"  {product:<16}{won:>7,}{lost:>7,}{rate:>10}{len(open_deals):>7,}   {pipeline}"


def rows_named(reading: Reading) -> Iterator[str]:
    """Yield every row that was not taken or had to be completed, with the reason."""
    yield f"Rows not taken: {len(reading.refused):,}"
    yield from (f"  {line}" for line in reading.refused)
    yield f"Rows completed: {len({row for rows in reading.completed.values() for row in rows}):,}"
    for reason, ids in sorted(reading.completed.items()):
        yield f"  {reason} ({counted(len(ids), 'row')})"
        yield textwrap.fill(" ".join(ids), width=110, initial_indent="    ", subsequent_indent="    ")


def day_asked_for(text: str) -> date:
    """Return the day that the command line names."""
    day = day_or_none(text)
    if day is None:
        raise argparse.ArgumentTypeError(f"must be a date such as 2017-03-01, got {text!r}")
    return day


def main() -> None:
    """Read the export that the command line names and print the report."""
    parser = argparse.ArgumentParser(description="Report the state of a CRM export as of a date.")
    parser.add_argument("path", type=Path, metavar="PATH", help="folder with the four CSV files")
    parser.add_argument("--as-of", type=day_asked_for, metavar="DATE", help="default: the last day in the export")
    options = parser.parse_args()
    export = read_export(options.path)
    reading = read_deals(export, options.as_of)
    try:
        print(*report(reading, export, options.as_of or reading.last_day), sep="\n\n")
        print("", *rows_named(reading), sep="\n", flush=True)
    except BrokenPipeError:
        # Whoever reads has seen enough (head); what is left in the buffer goes nowhere, or Python complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
