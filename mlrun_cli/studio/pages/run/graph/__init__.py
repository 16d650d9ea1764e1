"""The Graph tab of a pipeline run, and the Step tab of a step run."""
