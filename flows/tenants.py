"""Whose a call is: by where its recording lies, or else by what is told of it beside its sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from asr.types import CallMetadata
from storage.options import MetadataOptions

_TOLD_BY = "metadata.tenants"


def tenant_at(uri: str, options: MetadataOptions) -> str | None:
    """The tenant whose folder or prefix is the innermost above a file:// or s3:// URI; None if none is."""
    roots = {_uri(place): tenant for place, tenant in options.tenants.items()}
    above = [root for root in roots if uri.startswith(root)]
    return roots[max(above, key=len)] if above else None


def of_tenant(call: CallMetadata, kept: CallMetadata, placed: str | None, *, again: bool) -> CallMetadata | None:
    """What is told of a call, with the tenant whose it is; None if it is another's already, unless `again`.

    `placed` is the tenant in whose place it lies, and counts before the one that is told. A tenant that is `kept`
    stays if none is told any more, and with it all that is kept if nothing is.
    """
    tenant = placed or call.tenant
    if kept.tenant is not None and tenant not in (None, kept.tenant) and not again:
        return None
    if tenant is None:
        tenant, told_by = kept.tenant, kept.sources.get("tenant")
    else:
        told_by = _TOLD_BY if placed else call.sources.get("tenant")
    if tenant is None or call.tenant == tenant:
        return call
    told = kept if call == CallMetadata() else call
    return replace(told, tenant=tenant, sources={**told.sources, "tenant": told_by or _TOLD_BY})


def _uri(place: str) -> str:
    uri = place if "://" in place else Path(place).absolute().as_uri()
    return f"{uri.rstrip('/')}/"
