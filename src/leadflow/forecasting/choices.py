"""
What a choice among win models rests on: how each did on past deals, beside the base rate.

Theory. A score by itself says little, since it depends on the deals; a gain on the base rate does, and only together
with its standard error. Both are shown for every model, so that a choice can be disputed.
"""

from datetime import datetime
from typing import Final

from attrs import field, frozen

from leadflow.forecasting.layout import text_table
from leadflow.forecasting.models import WinModel
from leadflow.markup import paragraph, section, table

__all__ = ["BASE_RATE", "BY_AGE", "Choice", "Judged"]

BASE_RATE: Final = "base rate"
BY_AGE: Final = "base rate by age"


@frozen(kw_only=True)
class Judged:
    """
    How a model did on past deals.

    Attributes:
        name: As it was given.
        looks: How many answers were judged.
        deals: About how many deals.
        log_loss: Mean; lower is better.
        brier: Mean; lower is better.
        auc: How well it ranks; None where all deals came to the same.
        gain: By how much its mean score is better than the base rate's; below 0 it is worse.
        gain_error: Standard error of that, with the answers about one deal, or those of one window, as one piece of
            evidence, whichever is larger; infinite where there is one window only.
        behind: By how much its mean score is worse than that of the best one which beats the base rate.
        behind_error: Standard error of that, in the same way.
        left_out: How many deals it left out; each counts as a chance of 0, which is what it adds to a forecast.
    """

    name: str
    looks: int
    deals: int
    log_loss: float
    brier: float
    auc: float | None
    gain: float
    gain_error: float
    behind: float
    behind_error: float
    left_out: int

    def to_row(self) -> dict[str, object]:
        """Return it as a table row."""
        return {
            "model": self.name,
            "looks": self.looks,
            "deals": self.deals,
            "log_loss": self.log_loss,
            "brier": self.brier,
            "auc": self.auc,
            "gain": self.gain,
            "gain_error": self.gain_error,
            "behind": self.behind,
            "behind_error": self.behind_error,
            "left_out": self.left_out,
        }


@frozen(kw_only=True)
class Choice:
    """
    What `choose` returns.

    Attributes:
        name: Of the model that was chosen; ``base rate`` where none beats it.
        model: The model, fitted to all that is known now.
        judged: Every model: the base rate, the base rate by age, then those given in their order.
        score: By which it was chosen.
        noise: How many standard errors count as noise for one model.
        origins: When models were asked.
        warnings: Which models have no skill, and why a better score was not enough.
    """

    name: str
    model: WinModel = field(repr=False)
    judged: tuple[Judged, ...]
    score: str
    noise: float
    origins: tuple[datetime, ...] = field(repr=False)
    warnings: tuple[str, ...]

    def to_rows(self) -> list[dict[str, object]]:
        """Return one row per model, the base rate first."""
        return [{**one.to_row(), "is_chosen": one.name == self.name} for one in self.judged]

    def _title(self) -> str:
        first, last = self.origins[0], self.origins[-1]
        origins = f"{len(self.origins)} origins from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
        return f"Chosen by {self.score.replace('_', ' ')}: {self.name} ({origins})"

    def _table(self) -> list[dict[str, object]]:
        return [
            {
                "model": one.name,
                "answers": f"{one.looks:,}",
                "log loss": f"{one.log_loss:.4f}",
                "Brier": f"{one.brier:.4f}",
                "AUC": None if one.auc is None else f"{one.auc:.3f}",
                "gain on base rate": f"{one.gain:+.4f} +- {one.gain_error:.4f}",
                "": "chosen" if one.name == self.name else "",
            }
            for one in self.judged
        ]

    def __str__(self) -> str:
        lines = text_table(self._table(), figures=("answers", "log loss", "Brier", "AUC", "gain on base rate"))
        return "\n".join([self._title(), *lines, *(f"warning: {line}" for line in self.warnings)])

    def _repr_html_(self) -> str:
        return section(self._title(), table(self._table()), *map(paragraph, self.warnings))
