from __future__ import annotations

import pytest

from mlrun_cli.core.redaction import Redactor
from mlrun_cli.errors import ModelNotFound
from mlrun_cli.models.model import Model, ModelDetails, ModelFilter, NewModel, PairFilter
from mlrun_cli.store.db.database import Database
from mlrun_cli.store.models import ModelStore


@pytest.fixture
def models(database: Database) -> ModelStore:
    return ModelStore(database, Redactor())


def add(models: ModelStore, new: NewModel) -> Model:
    version = models.reserve_version(new.name)
    models.insert(new, version, "someone")
    return models.get(new.name, version)


def test_what_is_said_of_a_model_comes_back(models: ModelStore) -> None:
    new = NewModel(
        name="iris",
        description="ä 'quoted' text",
        tags={"stage": "test", "é": "ü"},
        properties={"accuracy": "0.9"},
        framework="ScikitLearn",
        framework_version="1.5",
        run_id="exp_1",
        experiment_name="exp",
        details=ModelDetails((("training", "a-guid"),), "in", "out", {"cpu": 1, "memoryInGB": 0.5, "gpu": None}),
    )
    model = add(models, new)
    assert (model.model_id, model.user_name, model.created_at) == ("iris:1", "someone", model.modified_at)
    found = {name: value for name, value in model._asdict().items() if name in NewModel._fields}
    assert NewModel(**found)._replace(details=new.details) == new
    assert model.details._replace(datasets=tuple(model.details.datasets)) == new.details


def test_a_version_is_never_given_twice(models: ModelStore) -> None:
    for _ in range(2):
        add(models, NewModel("iris"))
    newest = models.get("iris")
    assert models.delete(newest)
    assert not models.delete(newest)
    assert [add(models, NewModel("iris")).version, add(models, NewModel("other")).version] == [3, 1]


def test_models_are_listed_newest_first_as_they_are_asked_for(models: ModelStore) -> None:
    add(models, NewModel("a", tags={"stage": "test", "x": "1"}, run_id="r1"))
    add(models, NewModel("b", properties={"p": "q"}, framework="Onnx", details=ModelDetails((("training", "guid"),))))
    add(models, NewModel("a", tags={"stage": "production"}, run_id="r2"))

    def ids(which: ModelFilter) -> list[str]:
        return [model.model_id for model in models.list(which)]

    assert ids(ModelFilter()) == ["a:2", "b:1", "a:1"]
    assert ids(ModelFilter(latest=True)) == ["a:2", "b:1"]
    assert ids(ModelFilter(name="a", version=1)) == ["a:1"]
    assert ids(ModelFilter(run_id="r1")) == ["a:1"]
    assert ids(ModelFilter(framework="Onnx")) == ["b:1"]
    assert ids(ModelFilter(dataset_id="guid")) == ["b:1"]
    assert ids(ModelFilter(dataset_id="another")) == []
    assert ids(ModelFilter(tags=(PairFilter("stage"),))) == ["a:2", "a:1"]
    assert ids(ModelFilter(tags=(PairFilter("stage", "test"), PairFilter("x")), latest=True)) == ["a:1"]
    assert ids(ModelFilter(properties=(PairFilter("p", "q"),))) == ["b:1"]
    assert ids(ModelFilter(properties=(PairFilter("p", "z"),))) == []


def test_an_update_changes_what_it_is_given_and_the_time(models: ModelStore) -> None:
    model = add(models, NewModel("iris", tags={"a": "b"}))
    other = add(models, NewModel("iris"))
    models.update(model, tags={"c": "d"}, properties={"p": "q"}, description="new", details=ModelDetails())
    changed = models.get("iris", 1)
    assert (changed.tags, changed.properties, changed.description) == ({"c": "d"}, {"p": "q"}, "new")
    assert changed.modified_at > changed.created_at == model.created_at
    assert models.get("iris") == other


def test_a_model_that_is_not_there_is_answered_with_what_is(models: ModelStore) -> None:
    with pytest.raises(ModelNotFound, match="'iris'"):
        models.get("iris")
    for name in ("iris", "iris", "other"):
        add(models, NewModel(name))
    with pytest.raises(ModelNotFound, match=r"'iris'.* 3.*1, 2"):
        models.get("iris", 3)
    with pytest.raises(ModelNotFound, match=r"'irys'.*iris, other"):
        models.get("irys")
