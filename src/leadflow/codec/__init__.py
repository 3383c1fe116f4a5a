"""
Plain dicts in and out, versioned: every entity, event, policy, plan and value. The extra ``codec`` (cattrs).

Theory. A dict form is a promise to those who stored it. So it is told, not guessed: an envelope names the kind of value
and the version of the form; each scalar has one form, exactly; a choice among types is tagged; what is unknown is
refused, and everything that is wrong is told at once, each with its path. Read in this order: `kinds` (what has a dict
form), `scalars`, `collections`, `unions`, `classes` and `forms` (what it looks like), `problems` (what is said of a
wrong one), `versions` (how old dicts are lifted), `envelopes` (the `Codec`).
"""

from importlib.util import find_spec as _find_spec

if _find_spec("cattrs") is None:
    raise ImportError("leadflow.codec needs cattrs: pip install leadflow[codec]", name="cattrs")

from leadflow.codec.envelopes import Codec
from leadflow.codec.versions import UPCASTERS, Upcaster, Upcasters

__all__ = ["UPCASTERS", "Codec", "Upcaster", "Upcasters"]
