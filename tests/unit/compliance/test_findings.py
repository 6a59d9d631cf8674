"""Settling findings that overlap."""

import pytest

from compliance.findings import PRECEDENCE, Finding, settle
from compliance.policies import PCI, POLICIES
from compliance.utterance import Utterance

pytestmark = pytest.mark.unit

TURNS = [Utterance("agent", ("w",) * 9), Utterance("customer", ("w",) * 9)]


def test_the_graver_entity_has_the_word() -> None:
    found = [Finding(0, 0, 5, "LOCATION"), Finding(0, 3, 6, "CREDIT_CARD")]
    assert settle(found, TURNS) == [Finding(0, 0, 3, "LOCATION"), Finding(0, 3, 6, "CREDIT_CARD")]


def test_findings_that_touch_become_one() -> None:
    found = [Finding(1, 2, 3, "PERSON"), Finding(0, 1, 2, "PERSON"), Finding(1, 3, 5, "PERSON")]
    assert settle(found, TURNS) == [Finding(0, 1, 2, "PERSON"), Finding(1, 2, 5, "PERSON")]


def test_every_entity_is_in_the_policy_all_and_pci_holds_cards() -> None:
    assert set(PRECEDENCE) == POLICIES["all"]
    assert {"CREDIT_CARD", "CREDIT_CARD_CVV", "CREDIT_CARD_EXPIRATION"} == PCI
    assert all(policy <= POLICIES["all"] for policy in POLICIES.values())


def test_words_stay_out_of_the_repr() -> None:
    assert "secret" not in repr(Utterance("agent", ("secret",)))
