"""The helper of an entry script: its logger and its folders."""

import logging
import os
import sys

from azureml._parallel_run.options import find_output_folder, get_node_rank
from azureml.exceptions import UserErrorException


class EntryScript:
    """The logger and the folders of an entry script; all instances in a process are equal."""

    @property
    def working_dir(self) -> str:
        """The working directory of the script."""
        return os.getcwd()

    @property
    def logs_dir(self) -> str:
        """The folder that contains the logs of the script's processes."""
        return os.path.join(os.getcwd(), "logs", "user")

    @property
    def output_dir(self) -> str:
        """The folder of the step's output; created on access if it does not exist.

        Raises:
            UserErrorException: the step has no output, or this is not the script of a ParallelRunStep.
        """
        folder = find_output_folder(sys.argv[1:])
        if folder is None:
            raise UserErrorException(
                "EntryScript().output_dir is the folder of a ParallelRunStep's output, which this script does not "
                "have: give the step one by output=PipelineData('scores')."
            )
        os.makedirs(folder, exist_ok=True)
        return folder

    @property
    def logger(self) -> logging.Logger:
        """A logger that writes to `logs/user/entry_script_log`, with one file per process."""
        logger = logging.getLogger("EntryScript")
        if not logger.handlers:
            folder = os.path.join(self.logs_dir, "entry_script_log", get_node_rank())
            os.makedirs(folder, exist_ok=True)
            handler = logging.FileHandler(os.path.join(folder, f"process{os.getpid()}.log.txt"))
            handler.setFormatter(logging.Formatter("%(asctime)s|%(levelname)s|%(process)d|%(message)s"))
            logger.addHandler(handler)
            logger.setLevel(os.environ.get("AZUREML_PARALLEL_RUN_LOGGING_LEVEL", "INFO"))
            logger.propagate = False
        return logger
