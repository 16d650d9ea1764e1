"""Columns of a dataset from the paths of its files, and tables that are written so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import Mlrun
from tests.sdk.dataset_files import drive_with_files


@pytest.fixture
def mlrun(tmp_path: Path) -> Iterator[Mlrun]:
    one = Mlrun(tmp_path)
    yield one
    one.close()


def test_paths_have_columns_by_a_partition_format(mlrun: Mlrun) -> None:
    pytest.importorskip("pandas")
    drive_with_files(
        mlrun,
        """
        from datetime import datetime
        from azureml.data.dataset_error_handling import DatasetExecutionError

        for city, day in (("bonn", "2019/05/06"), ("ulm", "2019/05/06"), ("ulm", "2020/01/02")):
            write(f"cities/{city}/{day}/part-1.csv", "x\\n1\\n")
        form = "/{city}/{day:yyyy/MM/dd}/part-*.csv"
        table = Dataset.Tabular.from_delimited_files("cities/**/*.csv", partition_format=form, include_path=True)
        frame = table.to_pandas_dataframe()
        same(list(frame), ["Path", "city", "day", "x"])
        same(frame["city"].tolist(), ["bonn", "ulm", "ulm"])
        same(frame["day"].tolist()[2], datetime(2020, 1, 2))
        same(table.partition_keys, ["city", "day"])
        files = Dataset.File.from_files("cities", partition_format="cities/{city}/{day:yyyy/MM/dd}/part-1.csv")
        same(files.get_partition_key_values(["city"]), [{"city": "bonn"}, {"city": "ulm"}])
        same(len(files.get_partition_key_values()), 3)
        same([Dataset.File.from_files("data").partition_keys], [[]])
        refused(UserErrorException, "'town'; city, day", files.get_partition_key_values, ["town"])
        refused(UserErrorException, "partition_format", Dataset.File.from_files("data").get_partition_key_values)
        refused(UserErrorException, "'x'; twice", Dataset.File.from_files, "data", partition_format="{x}/{x}")
        refused(UserErrorException, "yyyy", Dataset.File.from_files, "data", partition_format="{x:MM}")
        refused(UserErrorException, "text", Dataset.File.from_files, "data", partition_format=3)
        other = Dataset.Tabular.from_delimited_files("data/a.csv", partition_format="/{x}/b.csv")
        refused(DatasetExecutionError, "a.csv; /{x}/b.csv", other.to_pandas_dataframe)
        write("bad/2019/13/a.csv", "x\\n1\\n")
        bad = Dataset.Tabular.from_delimited_files("bad/**/*.csv", partition_format="/{m:yyyy/MM}/a.csv")
        refused(DatasetExecutionError, "13; 'm'", bad.to_pandas_dataframe)
        """,
    )


def test_a_table_is_partitioned_by_the_values_of_columns(mlrun: Mlrun) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    drive_with_files(
        mlrun,
        """
        from azureml.data.datapath import DataPath

        write("sales.csv", "store,day,brand,sold\\n1,2019-01-02,a/b,5\\n2,2019-01-02,,6\\n1,2019-01-03,a/b,7\\n")
        table = Dataset.Tabular.from_delimited_files("sales.csv")
        store = ws.get_default_datastore()
        parts = table.partition_by(["store", "brand"], (store, "/parts/"), name="sales by store")
        same(parts.partition_keys, ["store", "brand"])
        values = sorted(map(str, parts.get_partition_key_values(["store"])))
        same(values, ["{'store': '1'}", "{'store': '2'}"])
        same(parts.get_partition_key_values(["brand"])[0], {"brand": "a%2Fb"})
        again = Dataset.get_by_name(ws, "sales by store")
        same((again.version, again.partition_keys), (1, ["store", "brand"]))
        frame = again.to_pandas_dataframe().sort_values("sold")
        same(list(frame), ["store", "day", "brand", "sold"])
        same(frame["store"].tolist(), [1, 2, 1])
        same(frame["brand"].fillna("none").tolist(), ["a/b", "none", "a/b"])
        same(table.partition_by(["store"], store, name="sales by store").version, 2)
        files = table.partition_by("store", DataPath(store, "files"), partition_as_file_dataset=True)
        same((type(files).__name__, files.version, files.partition_keys), ("FileDataset", None, ["store"]))
        same(len(files.to_path()), 2)
        refused(UserErrorException, "'shop'; store, day", table.partition_by, ["shop"], store)
        refused(UserErrorException, "column", table.partition_by, [], store)
        refused(UserErrorException, "once each", table.partition_by, ["store", "store"], store)
        refused(UserErrorException, "target", table.partition_by, ["store"], "parts")
        """,
    )


def test_no_row_of_a_partitioned_table_is_lost_by_its_value(mlrun: Mlrun) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    drive_with_files(
        mlrun,
        """
        import pandas

        store = ws.get_default_datastore()
        odd = [None, "nan", ".", "..", "", "%", "a/b", "..", ".hidden", "_x", "a b"]
        frame = pandas.DataFrame({"key": odd, "my key": odd, "row": range(len(odd))})
        table = Dataset.Tabular.register_pandas_dataframe(frame, store, "odd")
        parts = table.partition_by(["key"], (store, "parts"))
        again = parts.to_pandas_dataframe().sort_values("row")
        same(again["row"].tolist(), list(range(len(odd))))
        same(again["key"].fillna("missing").tolist(), ["missing", *odd[1:]])
        same(len(parts.get_partition_key_values(["key"])), len(set(odd)) - 1)
        refused(UserErrorException, "'my key'", table.partition_by, ["key", "my key"], store)
        """,
    )
