"""The target kind for Slurm, which queues jobs and starts them on the nodes of a cluster."""
