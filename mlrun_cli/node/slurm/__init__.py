"""The processes of a run on several nodes of a Slurm job."""
