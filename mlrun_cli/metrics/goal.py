"""The direction in which a metric is better, guessed from its name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

_WORD = r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*"
_SUMMARY = r"(?:last|min|max|mean)\((?P<name>.+)\)"
_MINIMIZED = (
    "loss logloss error errors err rmse mse mae mape smape rmsle nll perplexity ppl wer cer fid brier"
    " crossentropy divergence regret cost latency deviation"
)
_MAXIMIZED = (
    "acc accuracy auc auroc auprc aucroc f1 fbeta precision recall sensitivity specificity r2 map ap ndcg"
    " mrr bleu rouge meteor iou miou dice jaccard kappa mcc psnr ssim reward rewards score elo throughput"
    " likelihood hits"
)


class Goal(Enum):
    """The direction in which a metric is better."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"

    def get_best(self, values: Iterable[float]) -> float:
        """Return the lowest or highest of the values, depending on the goal; raise ValueError if there are none."""
        return min(values) if self is Goal.MINIMIZE else max(values)


def guess_goal(name: str) -> Goal | None:
    """Return the goal guessed from a metric's name, such as `val_loss` or `max(f1)`, or None if it suggests none."""
    summary = re.fullmatch(_SUMMARY, name)
    words = {word.lower() for word in re.findall(_WORD, summary["name"] if summary else name)}
    if words & set(_MINIMIZED.split()) or {"negative", "likelihood"} <= words:
        return Goal.MINIMIZE
    return Goal.MAXIMIZE if words & set(_MAXIMIZED.split()) else None
