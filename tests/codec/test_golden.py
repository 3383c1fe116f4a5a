"""
What was written once is read for ever: one file per kind, in version 1, loaded and dumped again.

If one of these fails, dicts that hosts have stored no longer mean what they meant. Do not write the file anew. Either
undo the change, or raise the version: add an upcaster for the kind to `UPCASTERS` (leadflow/codec/versions.py), which
makes of its dict in the old version what it is in the new; keep this folder as the files of version 1, and start one
for the next (docs/reference/dict-form.md, "Versions"). A kind without a file is new: run make_golden.py beside this.
"""

import json
from pathlib import Path

import pytest

from leadflow.codec import UPCASTERS, Codec
from leadflow.codec.kinds import KINDS
from leadflow.events import Event
from leadflow.stores.records import RECORD_TYPES

from .building import defaults

GOLDEN = Path(__file__).parent / "golden"
DEFAULTS = GOLDEN.parent / "defaults.json"
FILES = sorted(GOLDEN.glob("*.json"))
CODEC = Codec()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_is_read_and_written_again(path):
    """Version 1 of every kind is read, and, as long as it is the newest, written again letter by letter."""
    written = path.read_text(encoding="utf-8")
    value = CODEC.load(json.loads(written))
    assert type(value) is KINDS[path.stem]
    if not UPCASTERS:
        assert json.dumps(CODEC.dump(value), indent=1, ensure_ascii=False) + "\n" == written


def test_what_is_stored_has_one():
    """Records, events, plans, requests and what a store keeps are pinned; for a new one run make_golden.py."""
    stored = {
        name
        for name, kind in KINDS.items()
        if kind in RECORD_TYPES or issubclass(kind, Event) or name.endswith(("_plan", "_request"))
    }
    stored |= {"change_set", "event_record", "match_key", "receipt", "record_version", "refusal", "policy", "combined"}
    stems = {path.stem for path in FILES}
    assert stored - stems == set(), "run PYTHONPATH=src python tests/codec/make_golden.py and commit the new files"
    assert stems <= KINDS.keys()


def test_defaults_stay():
    """
    What is left out means the same for ever: the defaults are pinned too.

    A default that changes changes what every stored dict says that leaves it out: it needs a new version, and an
    upcaster that writes the old default. A new attribute's default is added by make_golden.py.
    """
    pinned = json.loads(DEFAULTS.read_text(encoding="utf-8"))
    assert {path.stem: defaults(KINDS[path.stem]) for path in FILES} == pinned
