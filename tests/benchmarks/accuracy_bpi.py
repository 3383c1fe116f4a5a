"""
How well win models predict a real history: the loan applications of the BPI Challenge 2012.

Nine weekly origins; at each, every model sees only what was known then, and says for each open deal how likely it is
won within 14 days. Run it with ``python tests/benchmarks/accuracy_bpi.py --data FOLDER``, or with the environment
variable ``LEADFLOW_DATA`` naming the folder that holds ``bpic2012/events.csv.gz``: application and offer events up to
2012-01-31 of doi 10.4121/uuid:3926db30-f712-4394-aebc-75976070e91f. Without the file it says so and measures nothing.
scikit-learn's models, fitted to the same landmarks, stand beside ours for scale where scikit-learn is installed.
"""

import csv
import gzip
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from leadflow.forecasting import (
    Deal,
    DealFact,
    DealHistory,
    Estimate,
    WinModel,
    auc,
    brier,
    fit_hazard,
    fit_landmark,
    log_loss,
)
from leadflow.forecasting.landmarks import looks, past_days
from leadflow.money import Money

DAY = timedelta(days=1)
START = datetime(2011, 10, 1, tzinfo=UTC)
HORIZON = 14 * DAY
ORIGINS = tuple(START + (51.5 + 7 * week) * DAY for week in range(9))
# Of the file's first two weeks only those deals are known that came in it.
FIRST = START + 14.5 * DAY
ORDER = ("submitted", "preaccepted", "accepted", "offer", "returned")
STAGES = {
    "A_SUBMITTED": "submitted",
    "A_PARTLYSUBMITTED": "submitted",
    "A_PREACCEPTED": "preaccepted",
    "A_ACCEPTED": "accepted",
    "A_FINALIZED": "offer",
    "O_SENT": "offer",
    "O_SENT_BACK": "returned",
}
CLOSING = {
    "A_APPROVED": "won",
    "A_REGISTERED": "won",
    "A_ACTIVATED": "won",
    "A_CANCELLED": "lost",
    "A_DECLINED": "lost",
}
Fit = Callable[[Sequence[DealHistory], datetime, timedelta], WinModel]
Row = dict[str, object]


def data_file(folder: str | None = None) -> Path | None:
    """Return the file of events in a folder, or in the one that the environment names; None if it is not there."""
    named = folder or os.environ.get("LEADFLOW_DATA")
    path = Path(named or ".") / "bpic2012" / "events.csv.gz"
    return path if named and path.exists() else None


def histories(path: Path) -> list[DealHistory]:
    """
    Read the events of each application as the history of a deal.

    A deal is in the furthest stage it has reached (an offer sent again after one came back is still a returned one);
    what follows the first closing is left out.
    """
    facts: dict[str, list[DealFact]] = {}
    reached: dict[str, int] = {}
    with gzip.open(path, "rt", newline="") as lines:
        rows = [(datetime.fromisoformat(row["timestamp"]), row) for row in csv.DictReader(lines)]
    for at, row in sorted(rows, key=lambda one: one[0]):
        key, activity = row["case"], row["activity"]
        own = facts.setdefault(key, [])
        if not own and row["amount_requested"]:
            own.append(DealFact("amount", Money(row["amount_requested"], "EUR"), at=at))
        place = len(ORDER) if activity in CLOSING else ORDER.index(STAGES[activity]) if activity in STAGES else -1
        if place > reached.get(key, -1):
            reached[key] = place
            kind = CLOSING.get(activity)
            own.append(DealFact("stage", ORDER[place], at=at) if kind is None else DealFact(kind, at=at))
    return [DealHistory(key, own) for key, own in facts.items() if own]


def cases(known: Iterable[DealHistory], origin: datetime, horizon: timedelta = HORIZON) -> Iterator[tuple[Deal, bool]]:
    """Yield the deals that were open at an origin, and whether each was won within the horizon."""
    for one in known:
        deal = one.as_of(origin)
        if deal is not None and deal.is_open:
            later = one.as_of(origin + horizon)
            yield deal, later is not None and later.is_won


class ClosedRate:
    """The habit of many CRMs: how often closed deals that had been in a stage were won, at whatever time."""

    def __init__(self, known: Iterable[DealHistory], as_of: datetime) -> None:
        closed: dict[str, list[bool]] = {}
        for one in known:
            deal = one.as_of(as_of)
            if deal is not None and not deal.is_open:
                for stage in {spell.stage for spell in one.spells(as_of)}:
                    closed.setdefault(str(stage), []).append(deal.is_won)
        self.rates = {stage: sum(won) / len(won) for stage, won in closed.items()}

    def win(self, deal: Deal, *, as_of: datetime, horizon: timedelta) -> Estimate:
        """Return the stage's rate, whatever the horizon."""
        del as_of, horizon
        return Estimate(self.rates.get(str(deal.stage), 0.0))


class Learned:
    """A model of scikit-learn behind the one method: stage, days in stage and logarithms of them."""

    def __init__(self, model: Any, known: Iterable[DealHistory], as_of: datetime, horizon: timedelta) -> None:
        days = past_days(FIRST, as_of, horizon, DAY)
        seen = [look for one in known for look in looks(one, days, as_of, horizon)]
        features = [self.features(look.standing.stage, look.standing.entered_at, look.day.at) for look in seen]
        self.model = model.fit(features, [look.won for look in seen])
        self.n = len({id(look.standing) for look in seen})

    @staticmethod
    def features(stage: str | None, entered_at: datetime | None, at: datetime) -> list[float]:
        """Return what a deal looks like to the model."""
        from math import log1p  # noqa: PLC0415

        days = (at - entered_at) / DAY if entered_at else 0.0
        return [float(stage == one) * value for one in ORDER for value in (1.0, log1p(days), days / 10)]

    def win(self, deal: Deal, *, as_of: datetime, horizon: timedelta) -> Estimate:
        """Return what the model says; it was fitted for the one horizon."""
        del horizon
        p = self.model.predict_proba([self.features(deal.stage, deal.stage_entered_at, as_of)])[0][1]
        return Estimate(float(p), self.n)


def models() -> dict[str, Fit]:
    """Return how each model is fitted, by name."""
    found: dict[str, Fit] = {
        "base rate of the landmarks": lambda known, at, h: fit_landmark(known, as_of=at, horizon=h, since=FIRST, by=()),
        "stage win rate of closed deals": lambda known, at, _: ClosedRate(known, at),
        "landmark stage, k = 20": lambda known, at, h: fit_landmark(
            known, as_of=at, horizon=h, since=FIRST, by=["stage"]
        ),
        "landmark stage x time in stage, k = 20": lambda known, at, h: fit_landmark(
            known, as_of=at, horizon=h, since=FIRST
        ),
        "landmark stage x time in stage, by moments": lambda known, at, h: fit_landmark(
            known, as_of=at, horizon=h, since=FIRST, k="moments"
        ),
        "landmark, quantiles of time in stage": lambda known, at, h: fit_landmark(
            known, as_of=at, horizon=h, since=FIRST, edges="quantiles"
        ),
        "hazard, overall": lambda known, at, _: fit_hazard(known, as_of=at, by_stage=False),
        "hazard, by stage": lambda known, at, _: fit_hazard(known, as_of=at),
    }
    if find_spec("sklearn"):
        from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

        found["logistic regression (scikit-learn)"] = lambda known, at, h: Learned(
            LogisticRegression(max_iter=2_000), known, at, h
        )
        found["gradient boosting (scikit-learn)"] = lambda known, at, h: Learned(
            HistGradientBoostingClassifier(random_state=0), known, at, h
        )
    return found


def scores(
    known: Sequence[DealHistory], origins: Sequence[datetime] = ORIGINS, horizon: timedelta = HORIZON
) -> list[Row]:
    """Score every model on the open deals of all origins together."""
    asked = {origin: list(cases(known, origin, horizon)) for origin in origins}
    happened = [won for origin in origins for _, won in asked[origin]]
    found: list[Row] = []
    for name, fit in models().items():
        said: list[float] = []
        for origin in origins:
            model = fit(known, origin, horizon)
            said += [model.win(deal, as_of=origin, horizon=horizon).p for deal, _ in asked[origin]]
        found.append(
            {
                "model": name,
                "rows": len(said),
                "log_loss": round(log_loss(said, happened), 4),
                "brier": round(brier(said, happened), 4),
                "auc": round(auc(said, happened), 4),
            }
        )
    return found


def main(arguments: Sequence[str]) -> int:
    """Print the table, or why there is none."""
    path = data_file(arguments[-1] if arguments else None)
    if path is None:
        print("skipped: no bpic2012/events.csv.gz; name its folder by --data or in LEADFLOW_DATA")  # noqa: T201
        return 0
    print(f"{'P(won within 14 days)':46}{'rows':>7}{'log loss':>10}{'Brier':>8}{'AUC':>8}")  # noqa: T201
    for row in scores(histories(path)):
        print("{model:46}{rows:>7,}{log_loss:>10.4f}{brier:>8.4f}{auc:>8.4f}".format(**row))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
