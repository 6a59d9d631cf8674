"""Named sets of entity types that a recording may be rid of."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PCI = frozenset({"CREDIT_CARD", "CREDIT_CARD_CVV", "CREDIT_CARD_EXPIRATION"})
"""Card data and the security code (PCI DSS 3.3 and 3.5)."""

PII = frozenset(
    {
        "PERSON",
        "LOCATION",
        "EMAIL_ADDRESS",
        "PHONE_NUMBER",
        "DATE_OF_BIRTH",
        "ACCOUNT_NUMBER",
        "IBAN_CODE",
        "US_SSN",
        "US_DRIVER_LICENSE",
        "US_PASSPORT",
        "IP_ADDRESS",
        "URL",
    }
)
"""What tells who somebody is (GDPR article 4(1))."""

PHI = PII | {"MEDICAL_RECORD"}
"""The identifiers of HIPAA's safe harbour that speech can carry (45 CFR 164.514(b)(2))."""

CODES = frozenset({"CREDIT_CARD_CVV"})
"""Security codes: what not even the vault may keep (PCI DSS 3.3.1.2)."""

POLICIES: Mapping[str, frozenset[str]] = MappingProxyType(
    {"pci": PCI, "pii": PII, "phi": PHI, "all": PCI | PII | PHI, "codes": CODES}
)
"""By the name that `RedactionOptions.policy` takes, and "codes", which is for the vault alone."""
