"""Names in a run folder, and the paths of logs below its artifacts, shared by both sides."""

JOURNAL = "journal"
UPLOADS = "uploads"
ARTIFACTS = "artifacts"
EVENTS = "events"
"""What only the folder of a run in the shared folder of a target has."""
SUPERVISOR_SOCKET = "socket"
OUTPUTS = "outputs"
"""The folder in the working folder whose files Azure would upload."""

STD_LOG = "user_logs/std_log.txt"
PROCESS_LOG_PREFIX = "user_logs/std_log_process_"
"""The prefix of the log names of a script with several processes; the process number follows."""
ENVIRONMENT_LOG = "system_logs/environment.log"
SUPERVISOR_LOG = "system_logs/supervisor.log"
PIPELINE_LOG = "logs/azureml/executionlogs.txt"
"""The log of a pipeline's run, and of what was decided about that of a step."""
CONTROLLER_LOGS = ("azureml-logs/hyperdrive.txt", PIPELINE_LOG)
"""The logs of runs without a script of their own, such as sweeps and pipelines."""
LOG_FOLDERS = ("azureml-logs", "logs/azureml", "system_logs", "user_logs")
"""Azure's names of the folders that contain a run's own logs."""
