"""What az has and this program does not: refused by name, with what to do instead."""

from __future__ import annotations

_DATA = "Read the data from a folder of this machine."
_DEFAULTS = "Set AZURE_DEFAULTS_WORKSPACE and AZURE_DEFAULTS_GROUP, or name them with -w and -g."
_DEPLOY = "Serving models is not what mlrun-cli is for; take one with 'mlrun model download', and serve its file."
_NO_CLUSTER = "Leave the step out: runs go to the target 'local', this machine ('--ct local')."
_NO_RESOURCES = "Leave the step out: there is nothing to make in Azure."
_SHELL_SCRIPT = "Write the steps as a shell script of 'mlrun run submit-script' lines."

AZURE_ONLY = {
    "account": "Leave the line out: there is no subscription to choose.",
    "acr": _NO_RESOURCES,
    "aks": _NO_RESOURCES,
    "compute": _NO_CLUSTER,
    "computetarget": _NO_CLUSTER,
    "config": _DEFAULTS,
    "configure": _DEFAULTS,
    "create": "Nothing has to be made before: 'mlrun folder attach' makes a workspace, a submit its experiment.",
    "data": _DATA,
    "datastore": _DATA,
    "dataset": _DATA,
    "deploy": _DEPLOY,
    "endpoint": _DEPLOY,
    "environment": "Name the packages in a conda file: 'mlrun run submit-script -d FILE', or in the runconfig.",
    "extension": "Leave the line out: 'mlrun ml' is there without an extension.",
    "group": "Leave the step out: a resource group is no more than a name, given with -g.",
    "job": "Submit the job's script with 'mlrun run submit-script'.",
    "logout": "Leave the line out: nobody is signed in.",
    "monitor-tensorboard": "Download its event files with 'mlrun run download', and start tensorboard on them.",
    "package": _DEPLOY,
    "pipeline": _SHELL_SCRIPT,
    "profile": _DEPLOY,
    "service": _DEPLOY,
    "storage": _DATA,
    "submit": "Type 'mlrun run submit-script -c RUNCONFIG SCRIPT'.",
    "submit-hyperdrive": "Write the sweep as a shell loop of 'mlrun run submit-script --async' lines.",
    "submit-pipeline": _SHELL_SCRIPT,
}
"""Nouns and verbs of `az ml`, and of the `az` around it, each with the way out."""
