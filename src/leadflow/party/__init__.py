"""
Who we talk to: people and companies, their addresses, and what they consented to.

`people` has persons and companies, `addresses` what an e-mail address and a host name is, `consents` what people said
about being contacted.
"""

from leadflow.party.addresses import EmailAddress
from leadflow.party.consents import Basis, Channel, Consent, may_contact, tighten, to_consents
from leadflow.party.people import Company, Person, Seniority

__all__ = [
    "Basis",
    "Channel",
    "Company",
    "Consent",
    "EmailAddress",
    "Person",
    "Seniority",
    "may_contact",
    "tighten",
    "to_consents",
]
