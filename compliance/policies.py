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

PHI = PII | {"CREDIT_CARD", "MEDICAL_RECORD", "MEDICAL_DATE", "AGE_OVER_89", "VEHICLE_ID", "DEVICE_ID"}
"""The 18 identifiers of HIPAA's safe harbour, but for those that no speech carries (45 CFR 164.514(b)(2)(i)).

(A) PERSON, (B) LOCATION, (C) DATE_OF_BIRTH, MEDICAL_DATE and AGE_OVER_89, (D) and (E) PHONE_NUMBER with fax,
(F) EMAIL_ADDRESS, (G) US_SSN, (H) MEDICAL_RECORD, (I) and (J) ACCOUNT_NUMBER with plans, IBAN_CODE, CREDIT_CARD,
(K) US_DRIVER_LICENSE and US_PASSPORT, (L) VEHICLE_ID, (M) DEVICE_ID, (N) URL, (O) IP_ADDRESS, (R) what
`redact.patterns` adds. Biometrics (P) are the voice itself, and photographs (Q) are not in a transcript.
"""

CODES = frozenset({"CREDIT_CARD_CVV"})
"""Security codes: what not even the vault may keep (PCI DSS 3.3.1.2)."""

POLICIES: Mapping[str, frozenset[str]] = MappingProxyType(
    {"pci": PCI, "pii": PII, "phi": PHI, "all": PCI | PII | PHI, "codes": CODES}
)
"""By the name that `RedactionOptions.policy` takes, and "codes", which is for the vault alone."""
