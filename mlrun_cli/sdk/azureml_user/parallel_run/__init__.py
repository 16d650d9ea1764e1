"""The helper of entry scripts that run on mini batches."""

from azureml_user.parallel_run.entry_script import EntryScript

__all__ = ["EntryScript"]
