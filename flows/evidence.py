"""Proof that the audit trail, certificates and objects are as they were written: anchors, and checking them all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from asr.errors import FatalError, PipelineError
from compliance.canonical import Json
from compliance.errors import SignatureError
from compliance.signing import PublicKey
from flows.custody import Custody
from storage.audit_log import GENESIS, ChainHead, Prune
from storage.repository import Repository

_ANCHOR = "callwright audit anchor"
_PRUNE = "callwright audit prune"


def write_anchor(custody: Custody) -> str | None:
    """Sign the audit trail's head, keep that apart from the database, and say where; None for an empty trail."""
    head, _ = custody.ledger.chain()
    if not head.id:
        return None
    while True:
        numbers = custody.anchors.numbers()
        number = numbers[-1] + 1 if numbers else 1
        body: dict[str, Json] = {
            "type": _ANCHOR,
            "number": number,
            "event": head.id,
            "hash": head.hash,
            "previous": _digest(custody.anchors.read(numbers[-1]) if numbers else None),
            "at": _instant(custody.ledger.now()),
        }
        try:
            return custody.anchors.write(number, custody.signer.signed(body))
        except FatalError:
            if number not in custody.anchors.numbers():  # else another worker was quicker
                raise


def prune_statement(custody: Custody, through: ChainHead, at: datetime) -> Prune:
    """A signed statement that the audit trail goes on after an event, because those up to it were over their time."""
    body: dict[str, Json] = {"type": _PRUNE, "through": through.id, "hash": through.hash, "at": _instant(at)}
    return Prune(through, at, custody.signer.signed(body).decode())


def check_trail(custody: Custody, repository: Repository, public: PublicKey) -> list[str]:
    """What is wrong with the audit trail, a sentence each; none if it is as it was written, as far as anchors reach."""
    broken = repository.verify_audit()
    faults = [] if broken is None else [f"event {broken} does not continue the chain: it or one before it was changed"]
    head, prunes = custody.ledger.chain()
    pruned = prunes[-1].through.id if prunes else 0
    faults += [fault for prune in prunes for fault in _prune_faults(prune, public)]
    return faults + list(_anchor_faults(custody, public, head.id, pruned))


def check_objects(custody: Custody, keys: list[str]) -> list[str]:
    """What is wrong with these objects, a sentence each: gone, or not what their names say."""
    faults = []
    for key in keys:
        try:
            custody.objects.check(key)
        except PipelineError as error:
            faults.append(error.reason)
    return faults


def _prune_faults(prune: Prune, public: PublicKey) -> Iterator[str]:
    where = f"the deletion of audit events up to {prune.through.id}"
    try:
        body = public.verified(prune.statement.encode())
    except SignatureError as error:
        yield f"{where} is not vouched for: {error.reason}"
        return
    said = (body.get("type"), body.get("through"), body.get("hash"))
    if said != (_PRUNE, prune.through.id, prune.through.hash):
        yield f"{where} is not what was signed"


def _anchor_faults(custody: Custody, public: PublicKey, head: int, pruned: int) -> Iterator[str]:
    previous: bytes | None = None
    for expected, number in enumerate(custody.anchors.numbers(), start=1):
        where = f"anchor {number}"
        if number != expected:
            yield f"anchor {expected} is missing"
            return
        document = custody.anchors.read(number)
        try:
            body = public.verified(document)
        except SignatureError as error:
            yield f"{where}: {error.reason}"
            return
        if (body.get("type"), body.get("number"), body.get("previous")) != (_ANCHOR, number, _digest(previous)):
            yield f"{where} does not follow the anchor before it"
        yield from _event_faults(custody, body, where, (head, pruned))
        previous = document


def _event_faults(custody: Custody, body: Mapping[str, Json], where: str, ends: tuple[int, int]) -> Iterator[str]:
    event, (head, pruned) = body.get("event"), ends
    if not isinstance(event, int):
        yield f"{where} names no event"
    elif event > head:
        yield f"{where} of {body.get('at')} names event {event}, and the trail ends with {head}: its end was cut off"
    elif event > pruned and custody.ledger.event_hash(event) != body.get("hash"):
        yield f"{where} of {body.get('at')} names another event {event} than there is: the trail was written anew"


def _digest(document: bytes | None) -> str:
    return GENESIS if document is None else hashlib.sha256(document).hexdigest()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
