"""What was dumped and loaded again is what it was."""

import json

import pytest

from leadflow import Money, Opportunity, events
from leadflow.codec import Codec
from leadflow.codec.kinds import KINDS
from leadflow.events import Event

CODEC = Codec()


def there_and_back(value, codec=CODEC):
    """Return what comes back from a value that went out as JSON."""
    plain = codec.dump(value)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    return codec.load(json.loads(json.dumps(plain)), type(value))


def test_every_event_is_a_kind():
    """An event that is listed has a dict form, without anybody adding it anywhere."""
    listed = {getattr(events, name) for name in events.__all__}
    kinds = {kind for kind in listed if isinstance(kind, type) and issubclass(kind, Event)}
    assert kinds - {events.Event, events.Opening} <= set(KINDS.values())


def test_money():
    """The scale stays."""
    assert str(there_and_back(Money("1.500", "EUR")).amount) == "1.500"


@pytest.mark.parametrize("version", [0, 2, "1", True, None])
def test_versions(version):
    """Another version than is known is refused."""
    with pytest.raises(ValueError, match="version"):
        CODEC.load({**CODEC.dump(Money(1, "EUR")), "version": version}, Opportunity)
