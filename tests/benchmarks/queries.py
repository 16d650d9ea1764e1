"""The conditions, orders and pages that `bench_queries` measures in a workspace filled by `seed`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from mlrun_cli.core.named_tuple import NamedTuple

_FIELDS = (
    "status = failed",
    "status != completed",
    "status = active",
    "status in (failed, canceled)",
    "id = seeded_1700500000_0007a120",
    "id ~ 7a120",
    'name = "trial 77"',
    'name != "trial 77"',
    "name ~ trial",
    "name ~ zzz",
    'description = "What came of idea 500000"',
    'description != "What came of idea 500000"',
    "description ~ 77",
    "description ~ zzz",
    "description !~ idea",
    "experiment = seeded-007",
    "experiment != seeded-007",
    "experiment ~ 07",
    "target = gpu",
    "target != local",
    "target ~ large",
    "user = user7",
    "user ~ r7",
    "type = azureml.scriptrun",
    "type != azureml.scriptrun",
    "number <= 1000",
    "number > 1000",
    "exit_code = 0",
    "exit_code != 0",
    "exit_code = 137",
    "exit_code in (2, 137)",
    "exit_code > 1",
    "created > 80d",
    "created <= 89d",
    "started > 79d",
    "started < 89d",
    "ended > 79d",
    "ended < 89d",
    "duration > 90000",
    "duration < 10",
    "duration != 60",
)
_VALUES = (
    "loss < 0.3",
    "loss > 0.3",
    "loss != 0.5",
    "loss < 0.00001",
    "metric.loss",
    "max(loss) < 1",
    "min(accuracy) > 0.45",
    "accuracy in (0.5, 0.25)",
    "lr >= 0.01",
    "lr != 0.1",
    "optimizer = adam",
    "optimizer != adam",
    "optimizer ~ adam",
    "optimizer ~ zzz",
    "optimizer !~ a",
    "param.layers ~ '7 x'",
    "param.seed = 7919",
    "param.amp = true",
    "param.epochs in (10, 20)",
    "param.data.path = /data/set-7",
    "param.momentum",
    "param.nothing = 3",
    "tag.model = m7",
    "tag.model != m7",
    "tag.model ~ m4",
    'tag.quality = "fantastic run"',
    "tag.quality = usual",
    "tag.week7",
    "property.author = user7",
    "property.author ~ r1",
    "property.ContentSnapshotId ~ abc",
)
_COMBINED = (
    "loss < 0.5 and accuracy < 0.5",
    "loss < 0.5 and optimizer = adam",
    "loss < 0.3 and loss > 0.29999",
    "lr < 0.01 and optimizer = adam and epochs > 20",
    "optimizer = adam and target = gpu",
    "optimizer = adam and epochs = 10 and dropout = 0.3",
    "status = failed and loss < 0.3",
    "status = completed and exit_code != 0",
    "exit_code = 137 and loss < 0.5",
    "exit_code = 0 and optimizer = adam",
    "description ~ 77 and loss < 0.5",
    "tag.model = m7 and loss < 0.5",
    "tag.model = m7 and tag.week7 and optimizer = adam",
    "duration > 90000 and loss < 0.1",
    "ended > 79d and loss < 0.5",
    "created > 80d and loss < 0.3 and property.author = user7",
    "experiment = seeded-007 and loss < 0.3",
    "loss < 0.01 or accuracy < 0.01",
    "loss < 0.5 or seed > 900000",
    "optimizer = adam or seed = 7919",
    "exit_code = 137 or loss < 0.01",
    "exit_code = 0 or description ~ 77",
    "param.nothing = 3 or loss < 0.01",
    "status = failed or tag.model = m7",
    "name ~ 77 or description ~ 77",
    "(loss < 0.1 and optimizer = adam) or (loss < 0.2 and optimizer = sgd)",
    "(exit_code = 0 or status = failed) and (lr < 0.001 or ended < 89d)",
    "not loss > 0.3",
    "not loss > 0.5 and not accuracy > 0.5",
    "not tag.model = m7",
    "not exit_code = 0",
    "not exit_code != 0",
    "not description ~ 77",
    "not (status = completed or exit_code = 137)",
    "not (loss < 0.5 and optimizer = adam)",
    "not param.nothing = 3 and not name ~ trial",
    "not ended > 79d",
    "not duration > 100",
)
_ORDERS = ("", "--sort accuracy", "--sort lr --descending", "--sort duration", "--sort description", "--sort tag.model")
"""The orders of conditions, each of which gets the first two and one more in turn."""

_SORTED = (
    *("created", "started", "duration", "status", "name", "number", "id", "experiment", "target", "user", "type"),
    *("description", "loss", "min(accuracy)", "max(loss)", "lr", "optimizer", "param.amp", "param.nothing"),
    *("tag.model", "tag.week7", "property.author", "property.ContentSnapshotId"),
)
_SEARCHES = (
    "usual",
    "fantastic",
    "'trial 77'",
    "adam",
    "seeded-007",
    "nothingwithsuchaname",
    "ad",
    "m7",
    "77",
    "zq",
    "a",
    "7",
    "ü",
    "'ad 77'",
    "'usual 7'",
    "'fantastic m0'",
    "'zq usual'",
)
_SEARCH_OPTIONS = (
    "",
    "--sort accuracy",
    "--sort lr --descending",
    "--where 'loss < 0.3' --sort accuracy",
    "--where 'loss < 0.3 and optimizer = adam'",
    "--status failed",
)
_OPTIONS = (
    "--since 79d --sort loss",
    "--until 89d --sort loss",
    "--since 85d --until 84d --where 'loss < 0.3' --sort accuracy",
    "--tags model=m7 --sort loss",
    "--tags quality='fantastic run' --sort loss",
    "--tags week7 --where 'loss < 0.3' --sort accuracy",
    "--status failed --sort accuracy",
    "--status failed,canceled --where 'loss < 0.3' --sort accuracy",
    "--compute-target-name gpu --where 'loss < 0.3' --sort accuracy",
    "--parent-run-id seeded_1700500000_0007a120 --sort loss",
    "--include-children --where 'loss < 0.3' --sort accuracy",
    "--where 'loss < 0.3' --sort accuracy --metrics all --params all",
    "--where 'loss < 0.3' --sort loss --metrics best --params differing",
    "--metrics best --params differing",
    "--where 'loss < 0.3' --sort loss --last 50 --metrics best --params all -o csv",
    "--search adam --last 50 -o csv",
    "--where 'exit_code = 137' --last 50 --params lr -o csv",
    "--where 'loss < 0.001' --group-by optimizer --metrics loss",
    "--where 'exit_code = 137' --group-by epochs,status --metrics loss --agg mean,count",
    "--where 'loss < 0.3' --sort accuracy --last 200 --group-by tag.model --metrics accuracy",
)
_PAGES = (
    "",
    "sort=parameter:lr",
    "sort=-metric:loss:last",
    "sort=duration",
    "sort=tag:model",
    "where=loss+<+0.3&sort=metric:accuracy:last",
    "where=loss+<+0.3+and+optimizer+=+adam&sort=-parameter:lr",
    "where=exit_code+=+137&sort=metric:loss:last",
    "where=exit_code+=+0",
    "where=ended+>+79d&sort=-metric:loss:last",
    "where=description+~+77&sort=metric:loss:last",
    "parameter=lr+>=+0.01&sort=parameter:lr",
    "parameter=optimizer+=+adam&sort=metric:loss:last",
    "metric=accuracy+>+0.9",
    "tag=model=m7&sort=metric:loss:last",
    "search=fantastic",
    "search=adam&sort=metric:loss:last",
    "search=trial+77&sort=metric:accuracy:last",
    "search=ad",
    "search=77&sort=metric:loss:last",
    "search=zq",
    "status=failed&sort=metric:loss:last",
    "since=79d&where=loss+<+0.3",
)


class Query(NamedTuple):
    """A list or a page of runs.

    Attributes:
        options: the options of `run list --all-experiments`; empty for a page.
        page: the query of the studio's page of all runs; None for a list.
    """

    options: str
    page: str | None = None

    def __str__(self) -> str:
        """Return the code of a row in a table of queries."""
        return f"`{self.options}`" if self.page is None else f"page `{self.page.replace('+', ' ')}`"


def list_queries() -> Sequence[Query]:
    """Return all queries, without duplicates."""
    lists = dict.fromkeys(each.strip() for each in _iterate_lists())
    pages = [f"{page}{'&' if page else ''}page={number}".strip("&") for page, number in product(_PAGES, (1, 2, 20))]
    return [*(Query(each) for each in lists if each), *(Query("", each) for each in pages)]


def _iterate_lists() -> Iterator[str]:
    others = _ORDERS[2:]
    for number, condition in enumerate((*_FIELDS, *_VALUES, *_COMBINED)):
        for order in (*_ORDERS[:2], others[number % len(others)]):
            quoted = condition.replace("'", '"')
            yield f"--where '{quoted}' {order}"
    for name in _SORTED:
        yield from (f"--sort '{name}'", f"--sort '{name}' --descending")
    yield from (f"--search {words} {options}" for words, options in product(_SEARCHES, _SEARCH_OPTIONS))
    yield from _OPTIONS
