"""Thresholds and costs, set so that few runs are queried as many would be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mlrun_cli.store.db.sqlite import text_endings, trigrams
from mlrun_cli.store.runs import conditions, key_plans, key_sets, page_store, text_conditions
from mlrun_cli.store.runs.key_plans import KeyPlan


def seem_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_store, "_FEW", 0)
    monkeypatch.setattr(page_store, "_FEW_TO_COUNT", 0)
    monkeypatch.setattr(conditions, "RARE", 0)
    monkeypatch.setattr(text_conditions, "_FEW_TEXTS", 0)
    # Terms of the index are used for each word that the sample does not contain everywhere.
    monkeypatch.setattr(text_conditions, "_RARE", 1.1)
    monkeypatch.setattr(text_conditions, "_CERTAIN", 5)
    monkeypatch.setattr(text_conditions, "_COMMON", 0)
    monkeypatch.setattr(key_plans, "_MANY_TEXTS", 0)
    monkeypatch.setattr(trigrams, "_TEXTS_PER_LOOK", 0.001)
    monkeypatch.setattr(text_endings, "_TEXTS_PER_VALUE", 0.001)


def use_sets(monkeypatch: pytest.MonkeyPatch, few_keys: int) -> None:
    monkeypatch.setattr(page_store, "_FEW_TO_CHECK", 0)
    for name in ("_FIRST_RUNS", "_FIRST_SEARCHED", "_FIRST_FOUND", "_FIRST_FOUND_TO_CHECK"):
        monkeypatch.setattr(page_store, name, 1)
    monkeypatch.setattr(page_store, "_MAX_FIRST_RUNS", 0)
    monkeypatch.setattr(key_sets, "_FEW_KEYS", few_keys)


def record_plans(monkeypatch: pytest.MonkeyPatch, plans: list[KeyPlan]) -> None:
    def choose_plans(*arguments: Any, **named: Any) -> Iterator[KeyPlan]:
        for plan in key_plans.iterate_plans(*arguments, **named):
            plans.append(plan)
            yield plan

    monkeypatch.setattr(key_sets, "iterate_plans", choose_plans)


def set_costs(monkeypatch: pytest.MonkeyPatch, *costs: float) -> None:
    for name, cost in zip(("_READ", "_SCAN", "_CHECK", "_LOOK_UP"), costs, strict=True):
        monkeypatch.setattr(key_plans, name, cost)
