"""The target kind for Ray, whose head queues jobs and starts them on the nodes of a cluster."""
