"""Datasets that a step has written."""

from azureml.pipeline.core.graph import PipelineData

__all__ = ["PipelineOutputAbstractDataset", "PipelineOutputFileDataset", "PipelineOutputTabularDataset"]


class PipelineOutputAbstractDataset(PipelineData, takes="pipeline_data"):
    """A step's result as a dataset."""

    def __init__(self, pipeline_data: PipelineData) -> None:
        super(PipelineData, self).__init__(pipeline_data)
        self.name = pipeline_data.name


class PipelineOutputFileDataset(PipelineOutputAbstractDataset):
    """A step's files."""


class PipelineOutputTabularDataset(PipelineOutputAbstractDataset):
    """A step's table."""
