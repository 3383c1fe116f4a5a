"""
Storage, as far as leadflow knows it: the ports that a host implements and what passes through them.

Read in this order: `records` and `receipts` (what is kept), `matchkeys` (how it is found; `freemail` is its data),
`links` (which others it knows of), `changesets` (what one commit writes), `ports` (what a host implements), `memory` (a
store to try things with).
"""

from leadflow.stores.changesets import ChangeSet, EventRecord, Write
from leadflow.stores.freemail import FREE_MAIL_PROVIDERS
from leadflow.stores.links import linked_ids
from leadflow.stores.matchkeys import Compares, MatchKey, company_domain, link_keys, match_keys
from leadflow.stores.memory import AsyncInMemoryStore, InMemoryStore
from leadflow.stores.ports import AsyncStore, CommitResult, Committed, KeyTaken, MatchAppeared, Stale, Store
from leadflow.stores.receipts import Receipt
from leadflow.stores.records import Record, RecordVersion, replayed

__all__ = [
    "FREE_MAIL_PROVIDERS",
    "AsyncInMemoryStore",
    "AsyncStore",
    "ChangeSet",
    "CommitResult",
    "Committed",
    "Compares",
    "EventRecord",
    "InMemoryStore",
    "KeyTaken",
    "MatchAppeared",
    "MatchKey",
    "Receipt",
    "Record",
    "RecordVersion",
    "Stale",
    "Store",
    "Write",
    "company_domain",
    "link_keys",
    "linked_ids",
    "match_keys",
    "replayed",
]
