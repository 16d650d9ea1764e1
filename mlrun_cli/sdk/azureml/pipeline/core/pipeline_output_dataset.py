"""Step outputs as datasets."""

from azureml.pipeline.core.graph import PipelineData

__all__ = ["PipelineOutputAbstractDataset", "PipelineOutputFileDataset", "PipelineOutputTabularDataset"]


class PipelineOutputAbstractDataset(PipelineData, takes="pipeline_data"):
    """Base class of step outputs as datasets."""

    def __init__(self, pipeline_data: PipelineData) -> None:
        super(PipelineData, self).__init__(pipeline_data)
        self.name = pipeline_data.name


class PipelineOutputFileDataset(PipelineOutputAbstractDataset):
    """A step output as a file dataset."""


class PipelineOutputTabularDataset(PipelineOutputAbstractDataset):
    """A step output as a tabular dataset."""
