"""What a type checker sees of the codec: read by mypy, never run."""

from typing import Any, assert_type

from leadflow.codec import Codec
from leadflow.events import Event
from leadflow.lead import Lead


def loads(codec: Codec, plain: object) -> None:
    """What is asked for is what comes."""
    assert_type(codec.load(plain, Lead), Lead)
    assert_type(codec.load(plain, Event), Event)
    assert_type(codec.load(plain), Any)
    assert_type(codec.dump(codec.load(plain, Lead)), dict[str, Any])


def mistakes(codec: Codec) -> None:
    """A pipeline is no name; a kind is a class."""
    Codec(pipelines=["simple"])  # type: ignore[list-item]
    codec.load({}, "lead")  # type: ignore[call-overload]
