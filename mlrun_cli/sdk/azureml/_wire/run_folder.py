"""Names of what both sides know in the folder of a run, relative to it, and of its logs, relative to the artifacts."""

JOURNAL = "journal"
UPLOADS = "uploads"
ARTIFACTS = "artifacts"
SUPERVISOR_SOCKET = "socket"

STD_LOG = "user_logs/std_log.txt"
PROCESS_LOG_PREFIX = "user_logs/std_log_process_"
"""Before the number of each process, of a script with several."""
ENVIRONMENT_LOG = "system_logs/environment.log"
SUPERVISOR_LOG = "system_logs/supervisor.log"
LOG_FOLDERS = ("system_logs", "user_logs")
"""The folders, as Azure names them, of a run's own logs."""
