"""The form to submit a sweep or a pipeline again, which is converted to the changes of a rerun."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from types import MappingProxyType

from mlrun_cli.core.named_tuple import NamedTuple
from mlrun_cli.errors import InvalidValue
from mlrun_cli.pipelines.parameter_values import format_parameter_value
from mlrun_cli.pipelines.plan import read_pipeline_plan
from mlrun_cli.pipelines.run_types import PIPELINE_RUN
from mlrun_cli.runs.run import Run
from mlrun_cli.studio.pages.submit.submit_form import FOLDER, parse_tags, parse_variables, split_words
from mlrun_cli.submit.earlier_templates import read_template_submission
from mlrun_cli.submit.pipeline_rerun import PipelineRerun
from mlrun_cli.submit.rerun import RerunChanges
from mlrun_cli.submit.sweep import read_sweep_plan
from mlrun_cli.submit.sweep_rerun import SweepRerun
from mlrun_cli.sweeps.sampling import SamplingMethod
from mlrun_cli.workspace import Workspace

_VALUE = "value-"


class RerunForm(NamedTuple):
    """The fields of the form as typed by the user.

    Attributes:
        like: the id of the sweep or the pipeline.
        source: `FOLDER` to use the folders as they are now; else the snapshots and environments are used.
        values: the values of a pipeline's parameters, by name.
        arguments, seed: those of a sweep; without a seed, it stays.
    """

    like: str = ""
    source: str = ""
    arguments: str = ""
    seed: str = ""
    regenerate: str = ""
    target: str = ""
    name: str = ""
    tags: str = ""
    variables: str = ""
    values: Mapping[str, str] = MappingProxyType({})

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> RerunForm:
        """Create a form from the fields of a request."""
        texts = {name: fields[name].strip() for name in cls._fields if name in fields and name != "values"}
        given = {name[len(_VALUE) :]: text for name, text in fields.items() if name.startswith(_VALUE)}
        return cls(**texts, values=given)

    @classmethod
    def from_run(cls, workspace: Workspace, run: Run) -> RerunForm:
        """Create a form that resubmits a run without changes; secrets are redacted, and must be typed again.

        Raises:
            RunNotRepeatable, StoredFilesLost: files of the run are gone or damaged.
        """
        folder = workspace.get_run_folder(run.run_id)
        if run.run_type == PIPELINE_RUN:
            values = read_pipeline_plan(folder).values
            return cls(run.run_id, values={name: format_parameter_value(value) for name, value in values.items()})
        submission, sampling = (
            read_template_submission(run, folder.template),
            read_sweep_plan(folder).definition.sampling,
        )
        return cls(
            run.run_id,
            arguments=shlex.join(submission.get_submit_options().arguments or submission.argv[1:]),
            seed="" if sampling.method is SamplingMethod.GRID else str(sampling.seed),
        )

    def build_changes(self, before: RerunForm) -> RerunChanges:
        """Return the changes relative to `before`, the form that resubmits a run without changes.

        Raises:
            UsageError: a field is not valid; the message starts with its label.
        """
        texts = {**self._asdict(), **self.values}
        for name, text in texts.items():
            if isinstance(text, str) and "\0" in text:
                raise InvalidValue(f"{name}: it contains a zero byte.", hint="Type it again.")
        if self.seed and not (self.seed.isdecimal() and self.seed.isascii()):
            raise InvalidValue(f"Seed: '{self.seed}' is not a whole number.", hint="Type one such as 7.")
        is_same = not self.arguments or self.arguments == before.arguments
        return RerunChanges(
            arguments=() if is_same else split_words("arguments", self.arguments),
            parameters={name: text for name, text in self.values.items() if text != before.values.get(name)},
            target=self.target or None,
            variables=parse_variables(self.variables),
            uses_current_code=self.source == FOLDER,
            seed=int(self.seed) if self.seed and self.seed != before.seed else None,
            regenerate_outputs=bool(self.regenerate),
        )

    def apply_name_and_tags(self, rerun: SweepRerun | PipelineRerun) -> SweepRerun | PipelineRerun:
        """Return a copy of a rerun with the name and the tags of the form.

        Raises:
            UsageError: the tags are not valid.
        """
        name, tags = self.name or None, {**rerun.request.tags, **parse_tags(self.tags)}
        if isinstance(rerun, SweepRerun):
            return rerun._replace(request=rerun.request._replace(display_name=name, tags=tags))
        return rerun._replace(request=rerun.request._replace(display_name=name, tags=tags))
