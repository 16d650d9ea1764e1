from __future__ import annotations

import pytest

from mlrun_cli.metrics.goal import Goal, guess_goal


@pytest.mark.parametrize(
    "name", ["val_loss", "RMSE", "valLoss", "eval/wer", "top1_error", "min(mae)", "accuracy_error"]
)
def test_losses_and_errors_are_minimized(name: str) -> None:
    assert guess_goal(name) is Goal.MINIMIZE


@pytest.mark.parametrize("name", ["accuracy", "testAccuracy", "ROC_AUC", "F1Score", "r2", "max(f1)", "mAP", "val.acc"])
def test_scores_are_maximized(name: str) -> None:
    assert guess_goal(name) is Goal.MAXIMIZE


@pytest.mark.parametrize("name", ["epoch", "lr", "time", "", "日本", "lossy"])
def test_other_names_have_no_goal(name: str) -> None:
    assert guess_goal(name) is None
