"""Datasets of files and tables: found, downloaded, registered, read, and given to runs."""

from __future__ import annotations

import http.server
import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlrun_cli.data.copies import copy_files
from mlrun_cli.data.files import DataFile
from mlrun_cli.errors import OperatingSystemError
from mlrun_cli.wire import http_download
from tests.running import Mlrun
from tests.sdk.dataset_files import drive_with_files


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path)
    yield one
    one.close()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Of a server with `far/d.csv`, which cuts what is asked of it below `cut/`, and wants a password for `private`.

    Below `here/` and `there/` it says that all has moved: to its root, and to that by its other name.
    """
    (tmp_path / "served" / "far").mkdir(parents=True)
    (tmp_path / "served" / "far" / "d.csv").write_text("x,y\n4,q\n", encoding="utf-8")
    (tmp_path / "served" / "private").symlink_to("far")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object, **named: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "served"), **named)  # type: ignore[arg-type]

        def do_GET(self) -> None:
            _, first, rest = self.path.split("/", 2)
            if first in {"here", "there"}:
                host = self.headers["Host"].replace("127.0.0.1", "127.0.0.1" if first == "here" else "localhost")
                self.send_response(302)
                self.send_header("Location", f"http://{host}/{rest}")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif first == "private" and self.headers["Authorization"] != f"Basic {b64encode(b'b@b:p/w%').decode()}":
                self.send_error(401)
            elif first == "cut":
                self.send_response(200)
                self.send_header(*rest.split("="))
                self.end_headers()
                self.wfile.write(b"100\r\nabc")
            else:
                super().do_GET()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("header", "missing"), [("Content-Length=1000000", r"\d{6} bytes"), ("Transfer-Encoding=chunked", "IncompleteRead")]
)
def test_a_download_that_is_cut_is_an_error(address: str, tmp_path: Path, header: str, missing: str) -> None:
    with pytest.raises(OperatingSystemError, match=rf"{address}/cut/{header} .* {tmp_path}/d\.csv: .*({missing})"):
        copy_files([DataFile("d.csv", f"{address}/cut/{header}")], tmp_path)


def test_a_download_gives_the_password_of_its_address_to_that_host_alone(address: str, tmp_path: Path) -> None:
    own = address.replace("//", "//b%40b:p%2Fw%25@")
    copy_files([DataFile(f"{path}.csv", f"{own}/{path}private/d.csv") for path in ("", "here/")], tmp_path)
    with pytest.raises(OperatingSystemError) as error:
        copy_files([DataFile("d.csv", f"{own}/there/private/d.csv?secret=1")], tmp_path)
    there = f"{address}/there/private/d.csv"
    assert error.value.message.startswith(f"{there} ")
    assert f" {tmp_path}/d.csv: HTTP Error 401: " in error.value.message


def test_addresses_are_taken_as_people_write_them(address: str, tmp_path: Path) -> None:
    (tmp_path / "served" / "far" / "é b%.csv").write_text("x", encoding="utf-8")
    http_download.download(f"{address}/far/é b%25.csv?name=é b", tmp_path / "copy.csv")
    assert (tmp_path / "copy.csv").read_text("utf-8") == "x"


def test_an_error_of_a_download_does_not_show_its_address(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="InvalidURL") as error:
        http_download.download("http://127.0.0.1:TOPSECRET/a.csv", tmp_path / "copy.csv")
    assert "TOPSECRET" not in str(error.value)


@pytest.mark.parametrize(
    ("before", "after", "is_kept"),
    [
        ("http://h/a", "http://h/b", True),
        ("http://h/a", "https://h/a", True),
        ("http://h:80/a", "https://H:443/a", True),
        ("https://h/a", "http://h/a", False),
        ("http://h/a", "http://h:none/a", False),
        ("http://h/a", "http://h:8080/a", False),
        ("https://h:8443/a", "https://h/a", False),
        ("http://h/a", "https://h.example.org/a", False),
    ],
)
def test_a_password_follows_to_the_same_host_unless_it_would_be_open(before: str, after: str, is_kept: bool) -> None:
    request = http_download._build_request(before.replace("//", "//bob:word@"))
    redirected = http_download._RedirectHandler().redirect_request(request, None, 302, "Found", {}, after)
    assert redirected is not None
    assert redirected.has_header("Authorization") == is_kept


def test_files_are_found_by_folder_pattern_list_and_datastore(mlrun: Mlrun) -> None:
    drive_with_files(
        mlrun,
        """
        from azureml.data import FileDataset
        from azureml.data.datapath import DataPath
        from azureml.data.dataset_error_handling import DatasetValidationError

        whole = Dataset.File.from_files("data")
        assert type(whole) is FileDataset and whole.to_path() == ["/a.csv", "/b.txt", "/sub/c.csv"]
        assert (whole.id, whole.name, whole.version, whole.tags) == (None, None, None, None)
        assert Dataset.File.from_files("data/a.csv").to_path() == ["/a.csv"]
        assert Dataset.File.from_files("data/**/*.csv").to_path() == ["/a.csv", "/sub/c.csv"]
        assert Dataset.File.from_files("data/*.???").to_path() == ["/a.csv", "/b.txt"]
        assert Dataset.File.from_files("data/**").to_path() == whole.to_path()
        several = Dataset.File.from_files(["data/sub/c.csv", os.path.abspath("data/b.txt"), "data/*.txt"])
        assert several.to_path() == ["/sub/c.csv", "/b.txt"]
        write("odd/[1]*.txt", "")
        assert Dataset.File.from_files("odd/[1]*.txt").to_path() == ["/[1]*.txt"]
        os.symlink("..", "odd/loop")
        through_links = Dataset.File.from_files("odd").to_path()
        assert "/loop/data/a.csv" in through_links and len([path for path in through_links if "[1]" in path]) == 1

        store = Datastore(ws)
        store.upload("data", "up", show_progress=False)
        kept = Dataset.File.from_files([(store, "up/*.csv"), DataPath(store, "up/sub")])
        assert kept.to_path() == ["/a.csv", "/sub/c.csv"]
        assert kept.id == Dataset.File.from_files([(store, "up/*.csv"), (store, "up/sub")]).id
        assert Dataset.File.from_files(store.path("up")).to_path() == whole.to_path()
        sent = Dataset.File.upload_directory("data", (store, "csv"), pattern="*.csv", show_progress=False)
        assert sent.to_path() == ["/a.csv", "/sub/c.csv"]

        assert whole.take(1).to_path() == ["/a.csv"] and whole.skip(2).to_path() == ["/sub/c.csv"]
        one, other = whole.random_split(0.5, seed=7)
        assert sorted(one.to_path() + other.to_path()) == whole.to_path()
        assert whole.random_split(0.5, seed=7)[0].to_path() == one.to_path()
        assert whole.take_sample(1.0).to_path() == whole.to_path()

        missing = error_of(Dataset.File.from_files, "nowhere/*.csv")
        assert type(missing) is DatasetValidationError and "nowhere" in str(missing)
        later = Dataset.File.from_files("nowhere/*.csv", validate=False)
        assert "nowhere" in str(error_of(later.to_path))
        for wrong in (5, [], "", "wasbs://c@a/x", (store, 5)):
            assert type(error_of(Dataset.File.from_files, wrong)) is UserErrorException, wrong
        assert "leads out" in str(error_of(Dataset.File.from_files, (store, "../x")))
        refused(UserErrorException, "'data/'; no column", Dataset.File.from_files, "data", partition_format="data/")
        assert type(error_of(whole.random_split, 2)) is ValueError
        assert "FileDataset.filter" in str(error_of(whole.filter, None))
        assert "mine" in str(error_of(whole.__getitem__, "mine"))
        assert "Dataset.File" in str(error_of(FileDataset))
        """,
    )


@pytest.mark.promises("local", "data")
def test_files_are_downloaded_and_mounted(mlrun: Mlrun, address: str) -> None:
    drive_with_files(
        mlrun,
        """
        import sys

        far = Dataset.File.from_files(["data/a.csv", sys.argv[1] + "/far/d.csv"])
        assert far.to_path() == ["/a.csv", "/d.csv"]
        places = far.download("out")
        assert places == [os.path.abspath("out/a.csv"), os.path.abspath("out/d.csv")]
        assert open("out/d.csv").read() == "x,y\\n4,q\\n"
        assert "overwrite=True" in str(error_of(far.download, "out"))
        assert far.download("out", overwrite=True) == places
        assert os.path.isfile(far.download()[0])
        gone = Dataset.File.from_files(sys.argv[1] + "/far/nothing.csv?secret=1")
        assert "/far/nothing.csv cannot" in str(error_of(gone.download)) and gone.download(ignore_not_found=True) == []
        for header in ("Content-Length=1000000", "Transfer-Encoding=chunked"):
            cut = Dataset.File.from_files(f"{sys.argv[1]}/cut/{header}")
            refused(UserErrorException, "cannot be copied to; it ended too early", cut.download, "cut")
        assert os.listdir("cut") == []
        own = sys.argv[1].replace("//", "//b%40b:p%2Fw%25@")
        for path in ("private", "here/private"):
            assert len(Dataset.File.from_files(f"{own}/{path}/d.csv").download()) == 1
        there = Dataset.File.from_files(f"{own}/there/private/d.csv")
        refused(UserErrorException, f"{sys.argv[1]}/there; cannot be copied to; 401", there.download)

        whole = Dataset.File.from_files("data")
        assert whole.mount().mount_point == os.path.abspath("data")
        with whole.mount() as mounted:
            assert all(os.path.isfile(mounted.mount_point + path) for path in whole.to_path())
        assert os.path.isfile("data/a.csv")
        with far.mount("mounted") as mounted:
            assert mounted.mount_point == os.path.abspath("mounted")
            assert sorted(os.listdir("mounted")) == ["a.csv", "d.csv"]
        assert not os.path.exists("mounted") and os.path.isfile("data/a.csv")
        context = far.take(1).mount()
        context.start()
        assert os.listdir(context.mount_point) == ["a.csv"]
        context.stop()
        assert "not empty" in str(error_of(whole.mount("data").start))
        """,
        address,
    )


def test_datasets_are_registered_in_versions(mlrun: Mlrun) -> None:
    drive_with_files(
        mlrun,
        """
        first = Dataset.File.from_files("data/*.csv").register(ws, "tables", "about", {"kind": "csv"})
        assert (first.name, first.version, first.description, first.tags) == ("tables", 1, "about", {"kind": "csv"})
        assert Dataset.File.from_files("data/*.csv").register(workspace=ws, name="tables").id == first.id
        taken = error_of(Dataset.File.from_files("data").register, ws, "tables")
        assert type(taken) is UserErrorException and "create_new_version=True" in str(taken)
        second = Dataset.File.from_files("data").register(ws, "tables", create_new_version=True)
        assert second.version == 2 and second.id != first.id

        found = Dataset.get_by_name(ws, "tables")
        assert (found.id, found.version, found.to_path()) == (second.id, 2, second.to_path())
        assert Dataset.get_by_name(ws, name="tables", version=1).to_path() == ["/a.csv"]
        assert Dataset.get_by_name(ws, "tables", version="latest").id == Dataset.get_by_id(ws, id=second.id).id
        Dataset.Tabular.from_delimited_files("data/a.csv").register(ws, "rows")
        assert {name: dataset.version for name, dataset in ws.datasets.items()} == {"rows": 1, "tables": 2}
        assert type(ws.datasets["rows"]).__name__ == "TabularDataset" and '"version": 2' in repr(found)

        found.add_tags({"more": "1"}).remove_tags(["nothing"])
        assert found.update(description="new").description == "new"
        again = Dataset.get_by_name(ws, "tables")
        assert (again.description, again.tags) == ("new", {"more": "1"})

        unknown = error_of(Dataset.get_by_name, ws, "nothing")
        assert type(unknown) is UserErrorException and "rows, tables" in str(unknown)
        assert "no version 3; its latest is 2" in str(error_of(Dataset.get_by_name, ws, "tables", version=3))
        assert "no dataset with the id" in str(error_of(Dataset.get_by_id, ws, "0000"))
        assert "number or 'latest'" in str(error_of(Dataset.get_by_name, ws, "tables", version="new"))
        assert "not a name" in str(error_of(first.register, ws, ""))
        assert "register" in str(error_of(Dataset.File.from_files("data").add_tags, {}))

        found.unregister_all_versions()
        assert sorted(ws.datasets) == ["rows"] and Dataset.get_by_id(ws, second.id).name is None
        """,
    )


def test_a_table_without_pandas_says_what_to_install(mlrun: Mlrun) -> None:
    drive_with_files(
        mlrun,
        """
        import sys

        sys.modules["pandas"] = None
        table = Dataset.Tabular.from_delimited_files("data/a.csv")
        error = error_of(table.to_pandas_dataframe)
        assert type(error) is UserErrorException and "pip install pandas" in str(error)
        assert "TabularDataset.to_spark_dataframe" in str(error_of(table.to_spark_dataframe))
        assert "only a FileDataset" in str(error_of(table.as_named_input("t").as_mount))
        for wrong in ({"encoding": "klingon"}, {"header": 5}, {"separator": ""}, {"set_column_types": {"x": int}}):
            assert type(error_of(Dataset.Tabular.from_delimited_files, "data/a.csv", **wrong)) is UserErrorException
        assert "Dataset.Tabular.from_sql_query" in str(error_of(Dataset.Tabular.from_sql_query, "select 1"))
        assert "Dataset.from_excel_files" in str(error_of(Dataset.from_excel_files, "data/a.xlsx"))
        """,
    )


def test_tables_are_read_by_pandas(mlrun: Mlrun) -> None:
    pytest.importorskip("pandas")
    drive_with_files(
        mlrun,
        """
        from azureml.data import DataType
        from azureml.data.dataset_error_handling import DatasetExecutionError
        from azureml.data.dataset_type_definitions import PromoteHeadersBehavior

        read = Dataset.Tabular.from_delimited_files
        table = read("data/**/*.csv")
        frame = table.to_pandas_dataframe()
        assert frame["x"].tolist() == [1, 2, 3] and frame["y"].isna().tolist() == [False, True, False]
        assert table.take(2).skip(1).to_pandas_dataframe()["x"].tolist() == [2]
        assert list(table.drop_columns("y").to_pandas_dataframe()) == ["x"]
        assert list(table.keep_columns(["y"]).to_pandas_dataframe()) == ["y"]
        one, other = table.random_split(0.5, seed=1)
        rows = one.to_pandas_dataframe()["x"].tolist() + other.to_pandas_dataframe()["x"].tolist()
        assert sorted(rows) == [1, 2, 3]
        assert type(error_of(table.keep_columns("z").to_pandas_dataframe)) is DatasetExecutionError

        typed = read("data/a.csv", set_column_types={"y": DataType.to_string(), "x": DataType.to_float()})
        assert typed.to_pandas_dataframe()["y"].tolist()[0] == "007"
        assert typed.to_pandas_dataframe()["x"].tolist() == [1.0, 2.0]
        assert read("data/a.csv", infer_column_types=False).to_pandas_dataframe()["x"].tolist() == ["1", "2"]
        assert read("data/a.csv", empty_as_string=True).to_pandas_dataframe()["y"].tolist()[1] == ""
        plain = read("data/a.csv", header=False).to_pandas_dataframe()
        assert list(plain) == ["Column1", "Column2"] and len(plain) == 3
        first = read(["data/a.csv", "data/sub/c.csv"], header=PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS)
        assert first.to_pandas_dataframe()["x"].tolist() == ["1", "2", "x", "3"]
        write("wide.csv", "1,2,3\\n")
        only_first = PromoteHeadersBehavior.ONLY_FIRST_FILE_HAS_HEADERS
        wide = str(error_of(read(["data/a.csv", "wide.csv"], header=only_first).to_pandas_dataframe))
        assert "wide.csv cannot be read: it has 3 columns, and the header of the first file 2" in wide, wide
        assert read("data/**/*.csv", include_path=True).to_pandas_dataframe()["Path"].tolist()[2] == "/sub/c.csv"
        write("times.csv", "t;v;b\\n2020-01-31;1.234,5;yes\\n;;no\\n")
        kinds = {"t": DataType.to_datetime("%Y-%m-%d"), "v": DataType.to_float(","), "b": DataType.to_bool()}
        times = read("times.csv", separator=";", set_column_types=kinds).to_pandas_dataframe()
        assert times["t"][0].month == 1 and times["v"][0] == 1234.5 and times["b"].tolist() == [True, False]
        write("days.csv", "d,t,m,us\\n2020-01-31,2020-01-31T10:20:30.5Z,2020-01-31,1/2/2020\\n,2020-02-01 08:00,no\\n")
        days = read("days.csv").to_pandas_dataframe()
        assert days["d"].dt.day.tolist()[0] == 31 and days["d"].isna().tolist() == [False, True]
        assert [time.isoformat() for time in days["t"]] == ["2020-01-31T10:20:30.500000", "2020-02-01T08:00:00"]
        assert (days["m"].tolist(), days["us"].tolist()[0]) == (["2020-01-31", "no"], "1/2/2020")
        rows = ["1/31/2020,31/1/2020 9:05,1/31/2020 9:05:01 PM,1/2/2020,1/31/2020,2/30/2020"]
        rows += [",2/1/2020 10:00,2/1/2020 10:00:00 am,12/12/2020,31/1/2020,1/31/2020"]
        write("us.csv", "\\n".join(["us,eu,pm,either,both,none", *rows, ""]))
        slashed = read("us.csv").to_pandas_dataframe()
        assert slashed["us"].dt.strftime("%m-%d").tolist()[0] == "01-31" and slashed["us"].isna().tolist()[1]
        assert [time.isoformat() for time in slashed["eu"]] == ["2020-01-31T09:05:00", "2020-01-02T10:00:00"]
        assert [time.isoformat() for time in slashed["pm"]] == ["2020-01-31T21:05:01", "2020-02-01T10:00:00"]
        assert [slashed[name].tolist()[0] for name in ("either", "both")] == ["1/2/2020", "1/31/2020"]
        assert slashed["none"].tolist() == ["2/30/2020", "1/31/2020"]
        for as_text in ({"infer_column_types": False}, {"set_column_types": {"d": DataType.to_string()}}):
            assert read("days.csv", **as_text).to_pandas_dataframe()["d"].tolist()[0] == "2020-01-31"
        write("latin.csv", "")
        with open("latin.csv", "wb") as file:
            file.write("n\\nä\\n".encode("latin-1"))
        assert read("latin.csv", encoding="latin1").to_pandas_dataframe()["n"][0] == "ä"
        assert type(error_of(read("latin.csv").to_pandas_dataframe)) is DatasetExecutionError

        write("rows.jsonl", '{"x": 1}\\nnonsense\\n{"x": 2}\\n')
        lines = Dataset.Tabular.from_json_lines_files("rows.jsonl", invalid_lines="drop")
        assert lines.to_pandas_dataframe()["x"].tolist() == [1, 2]
        assert open(table.to_csv_files().download("csv")[0]).readline() == "x,y\\n"
        registered = table.keep_columns("x").register(ws, "rows")
        assert list(Dataset.get_by_name(ws, "rows").to_pandas_dataframe()) == ["x"]
        """,
    )


def test_rows_are_selected_by_their_times(mlrun: Mlrun) -> None:
    pytest.importorskip("pandas")
    drive_with_files(
        mlrun,
        """
        from datetime import datetime, timedelta, timezone
        from azureml.exceptions import DatasetTimestampMissingError

        now = datetime.now()
        days = [datetime(2019, 1, day) for day in (1, 2, 3)] + [now - timedelta(hours=1)]
        write("days.csv", "t,m,x\\n" + "".join(f"{t.isoformat()},{t:%Y-%m-01},{n}\\n" for n, t in enumerate(days)))
        plain = Dataset.Tabular.from_delimited_files("days.csv")
        table = plain.with_timestamp_columns("t").register(ws, "days")
        table = Dataset.get_by_name(ws, "days")
        def rows(dataset):
            return dataset.to_pandas_dataframe()["x"].tolist()
        second = datetime(2019, 1, 2)
        same(rows(table.time_before(second)), [0, 1])
        same(rows(table.time_before(second, include_boundary=False)), [0])
        same(rows(table.time_after(second)), [1, 2, 3])
        same(rows(table.time_after(second, include_boundary=False).time_before(datetime(2019, 1, 9))), [2])
        same(rows(table.time_between(second, datetime(2019, 1, 3))), [1, 2])
        same(rows(table.time_after(second.replace(tzinfo=timezone(timedelta(hours=1))))), [1, 2, 3])
        same(rows(table.time_recent(timedelta(days=1))), [3])
        same(rows(table.with_timestamp_columns("t", "m").time_between(datetime(2018, 12, 1), second)), [0, 1])
        refused(DatasetTimestampMissingError, "time_recent", plain.time_recent, timedelta(1))
        for without in (table.drop_columns("t"), table.keep_columns("x")):
            same(without.timestamp_columns, (None, None))
        both = table.with_timestamp_columns("t", "m")
        same(both.drop_columns("m").timestamp_columns, ("t", None))
        same(both.keep_columns(["t", "m"]).timestamp_columns, ("t", "m"))
        refused(UserErrorException, "timestamp", table.with_timestamp_columns, None, "m")
        refused(UserErrorException, "timestamp", table.with_timestamp_columns, "t", "t")
        """,
    )


SUBMIT_WITH_DATA = """
from azureml.core import Experiment, ScriptRunConfig
from azureml.data import OutputFileDatasetConfig
from azureml.data.data_reference import DataReference

store = Datastore(ws)
whole = Dataset.File.from_files(os.path.abspath("data"))
single = Dataset.File.from_files("data/a.csv").register(ws, "single")
output = OutputFileDatasetConfig("written", destination=(store, "results/{run-id}/{output-name}"))
store.upload_files(["data/a.csv"], target_path="some/where", show_progress=False)
place = DataReference(store, "place", "some/where")
config = ScriptRunConfig(
    ".",
    script="train.py",
    arguments=[
        whole.as_named_input("mounted").as_mount(),
        Dataset.File.from_files("data/**/*.csv").as_named_input("copied").as_download(),
        single.as_named_input("direct"),
        output.as_upload().register_on_complete("results", description="of a run", tags={"a": "b"}),
        place,
        f"at={place}/x",
    ],
)
run = Experiment(ws, "exp").submit(config)
run.wait_for_completion(raise_on_error=False)
assert run.get_status() == "Completed", run.get_details()
assert open("data/a.csv").read().startswith("x,y")
store.download("out", prefix="some/where", show_progress=False)
assert open("out/some/where/kept.txt").read() == "kept"
assert sorted(run.input_datasets) == ["copied", "direct", "mounted"]
assert "copied, direct" in str(error_of(lambda: run.input_datasets["other"]))
results = Dataset.get_by_name(ws, "results")
assert results.to_path() == ["/result.txt"] and (results.description, results.tags) == ("of a run", {"a": "b"})

def refused(argument):
    config = ScriptRunConfig(".", script="train.py", arguments=[argument])
    return str(error_of(Experiment(ws, "exp").submit, config))

assert "'nothing' is not in the section data" in refused("DatasetConsumptionConfig:nothing")
assert "dataReferences" in refused("$AZUREML_DATAREFERENCE_nothing/x")
later = Dataset.File.from_files("nowhere", validate=False).as_named_input("gone").as_mount()
assert "data.gone" in refused(later) and "nowhere" in refused(later)
assert "outputData.o" in refused(OutputFileDatasetConfig("o", source="x"))
assert "register_on_complete" in refused(output.as_input("i"))
for wrong in ("a b", "1x", "a-b"):
    assert type(error_of(whole.as_named_input, wrong)) is UserErrorException
    assert type(error_of(OutputFileDatasetConfig, wrong)) is UserErrorException
"""


def test_a_run_is_given_its_data_and_registers_its_output(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import os, sys
        from azureml.core import Dataset, Run

        mounted, copied, direct, output, reference, text = sys.argv[1:]
        run = Run.get_context()
        ws = run.experiment.workspace
        given = run.input_datasets
        assert given["mounted"] == mounted == os.environ["mounted"]
        assert sorted(os.listdir(mounted)) == ["a.csv", "b.txt", "sub"]
        assert given["copied"] == copied == os.environ["copied"] and not os.path.islink(copied + "/a.csv")
        open(copied + "/a.csv", "w").write("changed")
        assert given["direct"].id == direct == os.environ["direct"]
        assert given["direct"].to_path() == ["/a.csv"] and Dataset.get_by_id(ws, id=direct).name == "single"
        assert output == run.output_datasets["written"] == os.environ["AZUREML_DATAREFERENCE_written"]
        open(output + "/result.txt", "w").write("done")
        assert reference == os.environ["AZUREML_DATAREFERENCE_place"] and text == f"at={reference}/x"
        open(reference + "/kept.txt", "w").write("kept")
        """
    )
    drive_with_files(
        mlrun,
        SUBMIT_WITH_DATA,
    )


def test_a_runconfig_names_its_data(mlrun: Mlrun) -> None:
    mlrun.script(
        """
        import os, sys
        from azureml.core import Run

        cars = os.environ["cars"]
        assert len(Run.get_context().input_datasets["own"].to_path()) == 3
        assert sys.argv[1:] == [cars, cars + "/sub/c.csv", os.environ["AZUREML_DATAREFERENCE_in"]]
        assert os.path.isfile(sys.argv[2])
        """
    )
    drive_with_files(mlrun, 'Dataset.File.from_files("data").register(ws, "cars")')
    (mlrun.folder / "with_data.runconfig").write_text(
        """
script: train.py
arguments: [/data, /data/sub/c.csv, /mnt/in]
environment: {python: {userManagedDependencies: true}}
data:
  training:
    dataLocation: {dataset: {name: cars, version: 1}}
    environmentVariableName: cars
    mechanism: download
    pathOnCompute: /data
    overwrite: true
  own: {dataLocation: {uri: {path: data}}, mechanism: direct}
dataReferences:
  in: {dataStoreName: workspaceblobstore, pathOnDataStore: in/, pathOnCompute: /mnt/in, mode: mount, overwrite: false}
""",
        encoding="utf-8",
    )
    mlrun("datastore", "upload", "-n", "workspaceblobstore", "-p", "data", "-u", "in")
    done = mlrun("run", "submit-script", "-c", "with_data")
    assert re.search(r"\bdata\.training\.pathOnCompute: /data .*/inputs/training\b", done.stderr)
    assert re.search(r"\bdataReferences\.in\.pathOnCompute: /mnt/in .*/in\b", done.stderr)
    text = (mlrun.folder / "with_data.runconfig").read_text(encoding="utf-8")
    (mlrun.folder / "bad.runconfig").write_text(text.replace("name: cars", "id: 0-0"), encoding="utf-8")
    refused = mlrun.fails("run", "submit-script", "-c", "bad", exit_code=3)
    assert refused.code == "DatasetNotFound"
    assert re.search(r"\bdata\.training: .*'0-0'", refused.message)
    before = mlrun.stored("SELECT * FROM datasets")
    uri = "{path: 'http://me:pw@127.0.0.1:9/b.csv?sig=x'}"
    (mlrun.folder / "bad.runconfig").write_text(
        text.replace("dataset: {name: cars, version: 1}", f"uri: {uri}"), encoding="utf-8"
    )
    refused = mlrun.fails("run", "submit-script", "-c", "bad", exit_code=1)
    assert refused.code == "OperatingSystemError"
    assert re.search(r"http://127\.0\.0\.1:9/b\.csv .*: .*\bConnection refused\b", refused.message)
    assert mlrun.stored("SELECT * FROM datasets") == before


@pytest.mark.parametrize("mode", ["as_mount", "as_download"])
def test_a_relative_path_on_compute_is_one_in_the_working_folder(mlrun: Mlrun, mode: str) -> None:
    mlrun.script("import os\nassert sorted(os.listdir('data/cars')) == ['a.csv', 'b.txt', 'sub'], os.listdir('data')\n")
    output = drive_with_files(
        mlrun,
        f"""
        from azureml.core import Experiment, ScriptRunConfig
        from azureml.core.runconfig import RunConfiguration

        files = Dataset.File.from_files("data").as_named_input("cars").{mode}(path_on_compute="./data/cars/")
        configuration = RunConfiguration()
        configuration.environment.python.user_managed_dependencies = True
        configuration.data = {{"cars": files}}
        run = Experiment(ws, "linked").submit(ScriptRunConfig(".", "train.py", run_config=configuration))
        run.wait_for_completion()
        assert not run.get_details().get("warnings"), run.get_details()["warnings"]
        print(run.id)
        """,
    )
    record = mlrun.show(output.splitlines()[-1])
    assert record["status"] == "Completed"
    assert not list(mlrun.run_folder(record["run_id"]).rglob("work/data/cars"))
