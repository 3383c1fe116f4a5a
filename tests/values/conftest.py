"""Hosts' decimal contexts, for tests that no result depends on them."""

from decimal import Context, FloatOperation, Inexact, Rounded, Subnormal, localcontext

import pytest

HOSTILE = {
    "coarse": Context(prec=4),
    "one digit, rounding up": Context(prec=1, rounding="ROUND_UP"),
    "tiny range": Context(prec=3, Emax=1, Emin=-1),
    "everything trapped": Context(prec=2, traps=[Inexact, Rounded, Subnormal, FloatOperation]),
    "nothing trapped": Context(prec=4, traps=[]),
}


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE.keys())
def hostile(request):
    """Return the manager of a context as a host may have set it."""
    return lambda: localcontext(request.param)
