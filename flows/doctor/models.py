"""The models that these settings use: there, and the very files that were declared."""

from __future__ import annotations

from asr.errors import ModelError
from asr.models import cache_folder, resolve
from flows.doctor.finding import Patient, Verdict, failure, ok
from flows.wiring import model_ids, registry


def models(patient: Patient) -> Verdict:
    """Hash every file of every model that a run with these settings loads."""
    known, cache = registry(patient.settings), cache_folder(patient.settings.models)
    used = model_ids(patient.settings)
    faults = []
    for model_id in used:
        try:
            resolve(known.get(model_id), cache)
        except ModelError as error:
            faults.append(error)
    if faults:
        return failure(
            "; ".join(error.reason for error in faults), "; ".join(dict.fromkeys(error.remedy for error in faults))
        )
    return ok(f"{', '.join(used)} in {cache}, every hash as declared")
