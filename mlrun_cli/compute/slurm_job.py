"""The Slurm job from which a run was submitted."""

from __future__ import annotations

from collections.abc import Mapping

SLURM_JOB = "SLURM_JOB_ID"


def build_slurm_properties(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the property `slurm_job_id` for a run submitted with these variables; empty outside of Slurm."""
    job = environ.get(SLURM_JOB)
    return {"slurm_job_id": job} if job else {}
