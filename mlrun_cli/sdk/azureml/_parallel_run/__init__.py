"""The program of a ParallelRunStep: it runs an entry script on small batches of the step's inputs."""
