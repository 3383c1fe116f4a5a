"""
Receipts: what came of a request, kept under the request's key so that a retry finds it.

Theory. A client that got no answer asks again with the same key. The receipt is written in the same commit as the
records, so it is there exactly if they are. It holds ids and versions, never plans or records: what was made can be
loaded, and may have moved on since.
"""

from attrs import field, frozen

from leadflow.stores.records import RecordVersion
from leadflow.validation import check, code, each, instance, text, to_tuple

__all__ = ["Receipt"]


def _records(values: tuple[RecordVersion, ...]) -> tuple[RecordVersion, ...]:
    return to_tuple(values)


@frozen
class Receipt:
    """
    What came of a request.

    Attributes:
        key: The idempotency key that the caller chose; at most 191 characters, once per tenant.
        request: The fingerprint of what was asked; another one under the same key is another request.
        records: What was written, by id and version, in the order of the change set's writes.
    """

    key: str
    request: str
    records: tuple[RecordVersion, ...] = field(default=(), converter=_records)

    def __attrs_post_init__(self) -> None:
        check(
            "Receipt",
            code("key", self.key),
            text("request", self.request),
            *each("records", self.records, instance, RecordVersion, "a RecordVersion"),
        )
