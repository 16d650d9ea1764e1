"""The metrics for the resources that a run uses, logged by its supervisor and shown only on request."""

from __future__ import annotations

PREFIX = "resources/"
CPU_PERCENT = f"{PREFIX}cpu_percent"
MEMORY_MB = f"{PREFIX}memory_mb"
READ_MB = f"{PREFIX}read_mb"
WRITTEN_MB = f"{PREFIX}written_mb"
GPU_PERCENT = f"{PREFIX}gpu_percent"
GPU_MEMORY_MB = f"{PREFIX}gpu_memory_mb"
RESOURCE_METRICS = (CPU_PERCENT, MEMORY_MB, READ_MB, WRITTEN_MB, GPU_PERCENT, GPU_MEMORY_MB)
"""Their names, under which a script should log nothing; one MB is 1,048,576 bytes, and 100 percent one CPU or GPU."""
