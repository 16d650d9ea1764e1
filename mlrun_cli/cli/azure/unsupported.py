"""Commands of az that mlrun-cli does not support, each with advice about alternatives."""

from __future__ import annotations

from mlrun_cli.targets.kinds import list_attached_kinds

_ATTACH = "Get the data to a folder of this machine, and attach that: 'mlrun datastore attach-local NAME FOLDER'."
_AZ = "'mlrun install-az DIR' makes an az that answers such lines."
_DATA = "Read the data from a folder of this machine; 'mlrun datastore attach-local NAME FOLDER' gives it a name."
_DEFAULTS = f"Set AZURE_DEFAULTS_WORKSPACE and AZURE_DEFAULTS_GROUP, or name them with -w and -g. {_AZ}"
_DATABASE = "Query the database in the script, and keep what comes back as files."
_DEPLOY = "Serving models is not what mlrun-cli is for; take one with 'mlrun model download', and serve its file."
_NEWER = "This is the 'az ml' of azure-cli-ml, not the newer one."
_FEATURES = f"Have the script read its features from files. {_NEWER}"
_JOB = f"Submit the job's script with 'mlrun run submit-script'. {_NEWER}"
_NO_CLUSTER = "Name a target of this machine: 'mlrun computetarget create amlcompute -n NAME --max-nodes N'."
_ATTACH_COMMANDS = [f"{kind.description} ('{kind.attach_subcommand}')" for kind in list_attached_kinds()]
_ATTACHABLE = f"{', '.join(_ATTACH_COMMANDS[:-1])} or {_ATTACH_COMMANDS[-1]}"
_NO_KUBERNETES = f"Kubernetes runs no scripts for mlrun-cli. Attach {_ATTACHABLE}. {_NO_CLUSTER}"
_KEPT = "Leave the line out: datasets stay as they are, and 'mlrun dataset unregister -n NAME' forgets one."
_NO_KEYS = "Leave the line out: a workspace is a folder of this machine, without keys, networks or resources of Azure."
_NO_DRAFTS = "Change the file, and publish it: 'mlrun pipeline create -y FILE -n NAME'."
_NO_ENVIRONMENT = "Leave the step out: the environment that a runconfig asks for is made when a run needs it."
_NO_RESOURCES = "Leave the step out: there is nothing to make in Azure."
_SHELL_SCRIPT = "Write the steps as a shell script of 'mlrun run submit-script' lines."

AZURE_ONLY = {
    "account": f"Leave the line out: there is no subscription to choose. {_AZ}",
    "acr": _NO_RESOURCES,
    "aks": _NO_RESOURCES,
    "attach": f"Attach {_ATTACHABLE}. {_NO_CLUSTER}",
    "attach-adls": _ATTACH,
    "attach-adls-gen2": _ATTACH,
    "attach-blob": _ATTACH,
    "attach-dbfs": _ATTACH,
    "attach-file": _ATTACH,
    "attach-mysqldb": _DATABASE,
    "attach-psqldb": _DATABASE,
    "attach-sqldb": _DATABASE,
    "batch-deployment": _DEPLOY,
    "batch-endpoint": _DEPLOY,
    "capability-host": f"{_NO_RESOURCES} {_NEWER}",
    "component": _JOB,
    "compute": _NO_CLUSTER,
    "computeinstance": "Leave the line out: a compute instance here is this machine, which runs already.",
    "config": _DEFAULTS,
    "configure": _DEFAULTS,
    "connection": f"Give the script what it connects with, as variables of its environment. {_NEWER}",
    "computetarget amlcompute": "Leave the line out: runs have your own rights here, and no identities of Azure.",
    "computetarget attach aks": _NO_KUBERNETES,
    "computetarget attach kubernetes": _NO_KUBERNETES,
    "computetarget create aks": f"{_NO_RESOURCES} {_NO_CLUSTER}",
    "computetarget create datafactory": _SHELL_SCRIPT,
    "computetarget get-credentials": "Leave the line out: targets here have no keys, and are reached with your own.",
    "computetarget update": "Type 'mlrun computetarget create amlcompute -n NAME --max-nodes N' again: it changes it. "
    "A target that was attached is detached and attached again: its ended runs stay.",
    "create": "Nothing has to be made before: 'mlrun folder attach' makes a workspace, a submit its experiment.",
    "data": _DATA,
    "dataset archive": _KEPT,
    "dataset create": "Register it: 'mlrun dataset register -n NAME -p PATH', or with -f FILE.",
    "dataset deprecate": "Register what takes its place: 'mlrun dataset register -n NAME -p PATH'.",
    "dataset reactivate": _KEPT,
    "datastore create": _ATTACH,
    "deploy": _DEPLOY,
    "endpoint": _DEPLOY,
    "environment create": f"Register it: 'mlrun environment register -d FOLDER'. {_NEWER}",
    "extension": f"Leave the line out: 'mlrun ml' is there without an extension. {_AZ}",
    "folder detach": "Remove its .azureml/config.json: the runs stay in the workspace, for 'mlrun run list -w NAME'.",
    "feature-set": _FEATURES,
    "feature-store": _FEATURES,
    "feature-store-entity": _FEATURES,
    "group": f"Leave the step out: a resource group is no more than a name, given with -g. {_AZ}",
    "history": "Type 'mlrun run list', and 'mlrun run show -r ID'.",
    "image": _DEPLOY,
    "index": f"Make the index in the script, and keep it as files. {_NEWER}",
    "job": _JOB,
    "logout": "Leave the line out: nobody is signed in.",
    "marketplace-subscription": f"{_NO_RESOURCES} {_NEWER}",
    "model create": "Type 'mlrun model register -n NAME -f run.json --asset-path PATH'.",
    "online-deployment": _DEPLOY,
    "online-endpoint": _DEPLOY,
    "package": _DEPLOY,
    "pipeline clone-draft": _NO_DRAFTS,
    "pipeline create-draft": _NO_DRAFTS,
    "pipeline delete-draft": _NO_DRAFTS,
    "pipeline list-drafts": _NO_DRAFTS,
    "pipeline publish-draft": _NO_DRAFTS,
    "pipeline show-draft": _NO_DRAFTS,
    "pipeline submit-draft": _NO_DRAFTS,
    "pipeline update-draft": _NO_DRAFTS,
    "prepare": _NO_ENVIRONMENT,
    "profile": _DEPLOY,
    "project": "Attach the folder: 'mlrun folder attach -w WORKSPACE -e EXPERIMENT'.",
    "registry": _NO_RESOURCES,
    "return": "What a run has written stays with it: 'mlrun run download -r ID -d FOLDER'.",
    "schedule": "Schedules are of published pipelines: 'mlrun pipeline create-schedule -i ID', and 'list-schedules'."
    " A single script can be submitted by 'mlrun run submit-script' from cron.",
    "serverless-endpoint": _DEPLOY,
    "service": _DEPLOY,
    "storage": _DATA,
    "submit": "Type 'mlrun run submit-script -c RUNCONFIG SCRIPT'.",
    "workspace delete": "Delete the folder that it is kept in: 'mlrun workspace show --query folder' prints it.",
    "workspace diagnose": "See what is there: 'mlrun workspace show', and 'mlrun workspace list'.",
    "workspace list-keys": _NO_KEYS,
    "workspace private-endpoint": _NO_KEYS,
    "workspace share": "A workspace is its user's alone; hand on what runs show: 'mlrun run export --html FILE'.",
    "workspace sync-keys": _NO_KEYS,
    "workspace update": "Type 'mlrun workspace create -w NAME --description TEXT' again: it changes it."
    " So do --friendly-name and --tags.",
    "workspace update-dependencies": _NO_KEYS,
    "workspace-hub": f"{_NO_RESOURCES} {_NEWER}",
}
"""Advice for unsupported command groups, subcommands, and groups with a subcommand, of `az ml` and of az itself."""
