"""
ISO 4217 currency codes with the number of decimals of each, shipped as data.

Source: ISO 4217 List One (active codes) as published by the maintenance agency, SIX Financial Information AG, on
1 January 2026, and List Three (withdrawn codes). Left out are the codes without minor units, which nobody sells in:
metals, bond-market units, the SDR, testing, "no currency". Tender withdrawn since 2011 stays legal, with the decimals
it had, because last year's deals have to load: a history does not change when a country joins the euro.
"""

from collections.abc import Mapping
from types import MappingProxyType

from leadflow.errors import Problem, did_you_mean

__all__ = ["EXPONENTS", "WITHDRAWN", "currency_problem"]

_ACTIVE = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW "
        "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
        "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
        "MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP "
        "SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG "
        "YER ZAR ZMW ZWG"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_WITHDRAWN = {
    0: "BYR",
    2: "ANG BGN CUC EEK HRK LTL LVL MRO SLL STD VEF ZMK ZWL",
}

WITHDRAWN: frozenset[str] = frozenset(code for codes in _WITHDRAWN.values() for code in codes.split())
"""Codes accepted although no longer active."""

EXPONENTS: Mapping[str, int] = MappingProxyType(
    {code: digits for table in (_ACTIVE, _WITHDRAWN) for digits, codes in table.items() for code in codes.split()}
)
"""Decimals of each currency's smallest unit, by code: 2 for EUR, 0 for JPY, 3 for KWD, 4 for CLF."""


def currency_problem(path: str, value: object) -> Problem | None:
    """
    Say what is wrong with a currency code, if anything.

    >>> str(currency_problem("currency", "eur"))
    "currency is unknown: 'eur' (did you mean 'EUR'?)"
    """
    if not isinstance(value, str):
        return Problem(path, f"must be an ISO 4217 code (str) such as 'EUR', got {value!r}", is_type=True)
    if value in EXPONENTS:
        return None
    hint = did_you_mean(value.upper()[:10], EXPONENTS)
    # All 170 codes would drown the message; one example says what is wanted.
    way_out = hint if "did you mean" in hint else " (an ISO 4217 code such as 'EUR')"
    return Problem(path, f"is unknown: {value[:40]!r}{way_out}")
