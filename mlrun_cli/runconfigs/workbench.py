"""Runconfigs of the Azure ML Workbench of 2017 and 2018, translated to today's keys."""

from __future__ import annotations

from mlrun_cli.core.documents.node import Node, format_key_path

_SELECTED_FILE = "$file"
_LOCAL_TARGETS = ("local", "docker")

KEYS = frozenset(
    {
        "ArgumentVector",
        "CondaDependenciesFile",
        "CondaFile",
        "DataSourceSettings",
        "DataSourceSubstitutions",
        "Description",
        "EnvironmentVariables",
        "Framework",
        "ManagedEnvironment",
        "PrepareEnvironment",
        "SparkDependenciesFile",
        "Target",
        "TrackedRun",
        "UseSampling",
    }
)

_SKIPPED = {
    "DataSourceSettings": "there are no data sources of Workbench here",
    "DataSourceSubstitutions": "there are no data sources of Workbench here",
    "SparkDependenciesFile": "Spark gets its packages from its own installation",
}


def is_workbench_runconfig(root: Node) -> bool:
    """Return whether a document is a Workbench runconfig: it has some of `KEYS`, and all its keys are capitalized."""
    keys = root.as_mapping()
    return not keys.keys().isdisjoint(KEYS) and all(key[:1].isupper() for key in keys)


def translate_workbench_runconfig(root: Node) -> tuple[Node, tuple[str, ...]]:
    """Translate a Workbench runconfig to the current keys, keeping the line numbers; return the document and notes.

    Raises:
        InvalidFile: a value is of a wrong type; the message contains the key as written.
    """
    translation = _Translation(root)
    return translation.build_document(), tuple(translation.notes)


class _Translation:
    def __init__(self, root: Node) -> None:
        self._root = root
        self._old = {key: node for key, node in root.as_mapping().items() if not node.is_null}
        self._top: dict[str, Node] = {}
        self._python: dict[str, Node] = {}
        self._docker: dict[str, Node] = {}
        self.notes = [
            f"{root.path} is a runconfig of the Workbench of 2018, read in today's keys; "
            "'mlrun runconfig show' prints it in them."
        ]

    def build_document(self) -> Node:
        self._translate_arguments()
        self._translate_target()
        self._translate_environment()
        for old, new in (("Framework", "framework"), ("PrepareEnvironment", "prepareEnvironment")):
            if old in self._old:
                self._top[new] = self._old[old].rebase(new)
        if "TrackedRun" in self._old and not self._old["TrackedRun"].as_boolean():
            self._note_skipped_key("TrackedRun", "every run is recorded")
        if "UseSampling" in self._old and not self._old["UseSampling"].as_boolean():
            self._note_skipped_key("UseSampling", "there are no data sources of Workbench here")
        for key, reason in _SKIPPED.items():
            if key in self._old and (key != "SparkDependenciesFile" or self._is_for_spark()):
                self._note_skipped_key(key, reason)
        for key, node in self._old.items():
            if key not in KEYS:
                self.notes.append(f"{node.location}: unknown key {format_key_path(key)[:200]!r} is skipped")
        environment = {
            name: self._build_section(f"environment.{name}", keys) for name, keys in self._list_sections() if keys
        }
        if environment:
            self._top["environment"] = self._build_section("environment", environment)
        return self._build_section("", self._top)

    def _list_sections(self) -> list[tuple[str, dict[str, Node]]]:
        return [("python", self._python), ("docker", self._docker)]

    def _translate_arguments(self) -> None:
        """Translate the script and its arguments, omitting `$file`, the file open in Workbench's editor."""
        if "ArgumentVector" not in self._old:
            return
        words = self._old["ArgumentVector"].as_list()
        if words and words[0].as_text() != _SELECTED_FILE:
            self._top["script"] = words[0].rebase("script")
        arguments = tuple(word.rebase(f"arguments[{index}]") for index, word in enumerate(words[1:]))
        self._top["arguments"] = self._old["ArgumentVector"]._replace(key_path="arguments", content=arguments)

    def _translate_target(self) -> None:
        """Translate the target; `docker` means a container on the local machine."""
        target = self._old.get("Target")
        if target is None:
            return
        is_local = target.as_text() in _LOCAL_TARGETS
        name = "local" if is_local else target.as_text()
        self._top["target"] = target._replace(key_path="target", content=name, source=name)
        if is_local and target.as_text() == "docker":
            enabled = target._replace(key_path="environment.docker.enabled", content=True, source="true")
            self._docker["enabled"] = enabled

    def _translate_environment(self) -> None:
        if "EnvironmentVariables" in self._old:
            self._old["EnvironmentVariables"].as_mapping()
            self._top["environmentVariables"] = self._old["EnvironmentVariables"].rebase("environmentVariables")
        file = self._old.get("CondaDependenciesFile", self._old.get("CondaFile"))
        if file is not None:
            file.as_text()
            self._python["condaDependenciesFile"] = file.rebase("environment.python.condaDependenciesFile")
        managed = self._old.get("ManagedEnvironment")
        if managed is not None:
            is_own = not managed.as_boolean()
            self._python["userManagedDependencies"] = managed._replace(
                key_path="environment.python.userManagedDependencies", content=is_own, source=str(is_own).lower()
            )

    def _is_for_spark(self) -> bool:
        return "Framework" in self._old and self._old["Framework"].as_text().casefold() == "pyspark"

    def _build_section(self, key_path: str, content: dict[str, Node]) -> Node:
        return self._root._replace(key_path=key_path, content=content)

    def _note_skipped_key(self, key: str, reason: str) -> None:
        node = self._old[key]
        self.notes.append(f"{node.location}: {key} is skipped: {reason}.")
