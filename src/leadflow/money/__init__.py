"""
Exact amounts of money, exchange rates, and recurring revenue.

Theory. An amount is a `Decimal` in one ISO 4217 currency. All arithmetic runs in private decimal contexts, never in the
host's, and those contexts trap inexactness: a sum, a difference or a product is exact or it is an error, never silently
rounded. Only three things round, each on request and each documented: `Money.round`, a division that has no end, and a
conversion by an inverse rate. Sharing out (`allocate`, `split`, `round_all`) works in whole smallest units and loses
none. Two currencies never meet without an exchange rate. A figure made of many amounts is rounded once, at the end.
"""

from leadflow.money.amount import Money, round_all
from leadflow.money.rates import NO_RATES, ExchangeRates, Rate
from leadflow.money.recurring import Recurring

__all__ = ["NO_RATES", "ExchangeRates", "Money", "Rate", "Recurring", "round_all"]
