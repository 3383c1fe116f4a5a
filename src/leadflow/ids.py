"""
Typed ids: plain strings at run time, different types to the type checker.

Ids come from the host (a UUID, a ULID, a prefixed database key as text); leadflow never makes one. They are unique
within one tenant across all kinds, since a store loads by id alone; 1 to 191 printable characters. Compare them, store
them, never parse them.
"""

from typing import NewType

__all__ = ["AccountId", "ContactId", "LeadId", "ListEntryId", "OpportunityId", "ProspectId"]

ListEntryId = NewType("ListEntryId", str)
LeadId = NewType("LeadId", str)
ProspectId = NewType("ProspectId", str)
AccountId = NewType("AccountId", str)
ContactId = NewType("ContactId", str)
OpportunityId = NewType("OpportunityId", str)
