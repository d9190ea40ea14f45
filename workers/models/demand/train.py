"""Trains the model `demand`: units of a stock code on the next open day and in the next week.

    python workers/models/demand/train.py --data ../shared/data/online-retail

writes 1/model.onnx, golden.jsonl and card.md beside this file and prints the
errors of the held-back last week beside those of the baselines. That week is
looked at once, after everything is chosen; `--validate` instead shows the
weeks by which it was chosen, and writes nothing. The same data give the same bytes.
"""
import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from sklearn.ensemble import HistGradientBoostingRegressor

from card import write_card
from ensemble import to_onnx
from features import NAMES, WEEK, WINDOW, Sales

HERE = Path(__file__).parent
SEED = 20261122
# The first open days, with Christmas, only serve as history.
FIRST_TARGET = 20
CHOICE = {
    "loss": "absolute_error",
    "max_iter": 90,
    "learning_rate": 0.08,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 60,
    "early_stopping": False,
}
JITTER = 0.02
GROUPS = 300
# Of all sums together, against all codes together.
GROUPS_WEIGHT = 0.1
HORIZONS = {"day": 1, "week": WEEK}


def fit(sales, end):
    """One model a horizon, from targets that lie before the day `end` as a whole.

    The target is in units of the code's own scale, weighted by it: the loss is the
    error in pieces, and a code that sells ten times as much is forecast ten times as much.
    Sums of codes are there beside the codes: few codes sell steadily, and sums do.
    """
    random = np.random.default_rng(SEED)
    groups = sales.grouped(GROUPS, random)
    models = []
    for index, length in enumerate(HORIZONS.values()):
        days = range(FIRST_TARGET, end - length + 1)
        rows, share, weight = training_rows(sales, days, index, random)
        more_rows, more_share, _ = training_rows(groups, days, index, random)
        more_weight = np.full(len(more_rows), GROUPS_WEIGHT * weight.sum() / len(more_rows))
        model = HistGradientBoostingRegressor(random_state=SEED, **CHOICE)
        models.append(
            model.fit(
                np.concatenate([rows, more_rows]),
                np.concatenate([share, more_share]),
                sample_weight=np.concatenate([weight, more_weight]),
            )
        )
    return models


def training_rows(sales, days, horizon, random):
    known = {at: sales.known(at) for at in days}
    rows = np.concatenate([sales.features(at)[known[at]] for at in days])
    target = np.concatenate([sales.targets(at)[horizon][known[at]] for at in days])
    scale = rows[:, 0].astype(np.float64)
    # Most targets are 0, and so is their median: a sign of the error that is always the same
    # teaches nothing. A little below 0 is 0 too, once it is cut off.
    share = np.where(target > 0, target / scale, -JITTER * random.random(len(target)))
    return rows, share, scale


def predict(models, rows):
    shares = np.stack([np.maximum(0, model.predict(rows)) for model in models], axis=1)
    return shares * rows[:, :1].astype(np.float64)


def evaluate(sales, models, start):
    """Errors over one week: each of its days as next day, and the week as a whole from the evening before."""
    results = {}
    for index, horizon in enumerate(HORIZONS):
        days = range(start, start + WEEK) if horizon == "day" else [start]
        known = {at: sales.known(at) for at in days}
        truth = np.concatenate([sales.targets(at)[index][known[at]] for at in days])
        forecasts = {
            "model": np.concatenate(
                [predict(models, sales.features(at)[known[at]])[:, index] for at in days]
            )
        }
        for name in sales.baselines(start):
            forecasts[name] = np.concatenate(
                [sales.baselines(at)[name][index][known[at]] for at in days]
            )
        asked = sum(sales.targets(at)[index].sum() for at in days)
        results[horizon] = {
            "rows": len(truth),
            "units": int(truth.sum()),
            "unitsOfNewCodes": int(asked - truth.sum()),
            "errors": {
                name: {
                    "wape": float(np.abs(given - truth).sum() / truth.sum()),
                    "mae": float(np.abs(given - truth).mean()),
                    "bias": float(given.sum() / truth.sum() - 1),
                }
                for name, given in forecasts.items()
            },
        }
    return results


def show(title, results):
    print(title)
    for horizon, result in results.items():
        print(f"  next {horizon}: {result['rows']:,} forecasts, {result['units']:,} units")
        for name, error in result["errors"].items():
            print(
                f"    {name:24} WAPE {error['wape']:.4f}  MAE {error['mae']:.3f}  bias {error['bias']:+.2f}"
            )


def golden_rows(sales, models, at):
    """The day, then codes of all kinds on it: the history as an actor keeps it, the features, the answer."""
    known = np.flatnonzero(sales.known(at))
    by_volume = known[np.argsort(-sales.window(at)[known].sum(1), kind="stable")]
    chosen = by_volume[np.unique(np.geomspace(1, len(by_volume), 30).astype(int) - 1)]
    features = sales.features(at)[chosen]
    # The trainer's own answer, not that of its export.
    answers = predict(models, features)
    days = sales.days[max(0, at - WINDOW) : at]
    yield {"day": sales.days[at], "openDays": days}
    for code, row, answer in zip(chosen, features, answers):
        units = zip(days, sales.units[code, at - len(days) : at])
        yield {
            "code": sales.codes[code],
            "sold": {day: int(count) for day, count in units if count > 0},
            "features": [float(value) for value in row],
            "demand": [float(value) for value in answer],
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="../shared/data/online-retail")
    parser.add_argument("--validate", action="store_true")
    options = parser.parse_args()
    sales = Sales(options.data)
    held_back = len(sales.days) - WEEK
    if options.validate:
        for weeks in (3, 2, 1):
            start = held_back - weeks * WEEK
            show(f"week from {sales.days[start]}", evaluate(sales, fit(sales, start), start))
        return
    models = fit(sales, held_back)
    content = to_onnx(models, len(NAMES))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    rows = np.concatenate([sales.features(at) for at in range(FIRST_TARGET, len(sales.days))])
    expected, (given,) = predict(models, rows), session.run(None, {"features": rows})
    difference = float((np.abs(given - expected) / np.maximum(1, expected)).max())
    if difference > 1e-4:
        raise SystemExit(f"ONNX differs from the trainer by {difference}")
    results = evaluate(sales, models, held_back)
    show(f"held-back week from {sales.days[held_back]}", results)
    (HERE / "1").mkdir(exist_ok=True)
    (HERE / "1" / "model.onnx").write_bytes(content)
    golden = golden_rows(sales, models, held_back)
    (HERE / "golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in golden))
    write_card(HERE, sales, results, {"content": content, "difference": difference, "choice": CHOICE})


main()
