"""The Slurm job from which a run was submitted."""

from __future__ import annotations

from collections.abc import Mapping

SLURM_JOB = "SLURM_JOB_ID"


def build_slurm_properties(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the run property `slurm_job_id` if these variables are those of a Slurm job, or else an empty dict."""
    job = environ.get(SLURM_JOB)
    return {"slurm_job_id": job} if job else {}
