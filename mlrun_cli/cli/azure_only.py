"""What az has and this program does not: refused by name, with what to do instead."""

from __future__ import annotations

_DEPLOY = "Serving models is not what mlrun-cli is for; take them from a run with 'mlrun run download'."
_NO_CLUSTER = "Leave the step out: runs go to the target 'local', this machine ('--ct local')."

AZURE_ONLY = {
    "account": "Leave the line out: there is no subscription to choose.",
    "computetarget": _NO_CLUSTER,
    "datastore": "Read the data from a folder of this machine.",
    "dataset": "Read the data from a folder of this machine.",
    "endpoint": _DEPLOY,
    "extension": "Leave the line out: 'mlrun ml' is there without an extension.",
    "model": "Keep the model under outputs/ and take it with 'mlrun run download -r ID outputs -d DIR'.",
    "monitor-tensorboard": "Download its event files with 'mlrun run download', and start tensorboard on them.",
    "pipeline": "Write the steps as a shell script of 'mlrun run submit-script' lines.",
    "service": _DEPLOY,
    "submit-hyperdrive": "Write the sweep as a shell loop of 'mlrun run submit-script --async' lines.",
    "submit-pipeline": "Write the steps as a shell script of 'mlrun run submit-script' lines.",
}
"""Nouns and verbs of `az ml`, and of the `az` around it, each with the way out."""
