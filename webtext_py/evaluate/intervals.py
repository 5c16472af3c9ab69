"""Scores of groups of items and their differences, with 95 % intervals.

The bootstrap draws whole clusters, since items about one passage are not independent: that of
`overlap.scores`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from webtext_py.overlap.scores import LEAST_CLUSTERS, SEED, bootstrap

from .protocols import Metric

RESAMPLES = 1000  # our choice: the ends move by about 3 % of the interval's width

Numbers = npt.NDArray[np.float64]
Masks = Mapping[str, npt.NDArray[np.bool_]]


def groups_of(shares: Numbers | None, items: int) -> dict[str, npt.NDArray[np.bool_]]:
    """All items, and those without and with overlap where it is known; too short ones are in
    neither."""
    found = {"all": np.ones(items, bool)}
    if shares is not None:
        found |= {"clean": shares == 0, "overlapping": shares > 0}
    return found


def scores(
    metric: Metric, parts: Numbers, wholes: Numbers, groups: Masks, clusters: npt.NDArray[np.int64]
) -> dict[str, dict[str, Any]]:
    """Score, standard error and interval of each group, and the difference of `overlapping` and
    `clean`; a note where something cannot be said."""
    drawn = bootstrap(parts, groups, clusters, RESAMPLES, SEED, wholes)
    applied = {name: _apply(metric, values) for name, values in drawn.items()}
    made = {}
    for name, mask in groups.items():
        number = len(np.unique(clusters[mask]))
        value = score_of(metric, parts[mask], wholes[mask])
        made[name] = {
            "items": int(mask.sum()),
            **_row(value, applied[name], number),
            "stderr": _error(metric, parts[mask], wholes[mask], number, applied[name]),
        }
    if "overlapping" in groups:
        one, other = made["overlapping"]["value"], made["clean"]["value"]
        value = None if one is None or other is None else one - other
        number = min(len(np.unique(clusters[groups[name]])) for name in ("overlapping", "clean"))
        made["difference"] = _row(value, applied["overlapping"] - applied["clean"], number)
    return made


def score_of(metric: Metric, parts: Numbers, wholes: Numbers) -> float | None:
    """The score of some items; None where they weigh nothing."""
    whole = float(wholes.sum())
    return metric.of(float(parts.sum()) / whole) if whole else None


def _apply(metric: Metric, values: Numbers) -> Numbers:
    return np.array([metric.of(v) if v == v else v for v in values.tolist()])


def _row(value: float | None, drawn: Numbers, clusters: int) -> dict[str, Any]:
    interval, note = None, None
    if value is None:
        note = "no items"
    elif clusters < LEAST_CLUSTERS:
        note = f"too few: {clusters} of {LEAST_CLUSTERS}"
    else:
        interval = [float(end) for end in np.percentile(drawn[~np.isnan(drawn)], [2.5, 97.5])]
    return {"value": value, "interval_95": interval, "note": note}


def _error(
    metric: Metric, parts: Numbers, wholes: Numbers, clusters: int, drawn: Numbers
) -> float | None:
    """The standard error: of a mean of independent items the usual one, else the bootstrap's."""
    items = len(parts)
    if items < 2 or clusters < LEAST_CLUSTERS:
        return None
    if clusters == items and metric == Metric(says=metric.says) and (wholes == 1).all():
        return float(parts.std(ddof=1) / items**0.5)
    return float(drawn[~np.isnan(drawn)].std(ddof=1))
