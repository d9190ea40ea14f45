"""What the model `demand` is given of one stock code, and what is asked of it.

The same features are computed in actors/prediction/features.ts; golden.jsonll
holds rows of both, which a test compares bit by bit.
"""
import csv
import hashlib
from collections import defaultdict
from copy import copy
from datetime import date
from pathlib import Path

import numpy as np

# Open days that the features look back on.
WINDOW = 40
# Open days of a week: the shop is closed on Saturdays.
WEEK = 6
# All but the first are free of the size in which a code sells: they are divided by it, or count days.
NAMES = (
    "scale",
    "last",
    "mean3",
    "mean6",
    "mean12",
    "mean20",
    "mean40",
    "max20",
    "median20",
    "meanOfSoldDays20",
    "mean20WithoutMax",
    "lastWeek",
    "sameWeekday4",
    "soldDays20",
    "soldDays40",
    "sinceLast",
    "age",
    "weekday",
)


class Sales:
    """Units of each stock code on each open day, as the shop would have confirmed them."""

    def __init__(self, folder):
        files = sorted(Path(folder).glob("*.csv"))
        if not files:
            raise SystemExit(f"{folder} has no CSV files; give --data FOLDER")
        hash = hashlib.sha256()
        sold = defaultdict(lambda: defaultdict(int))
        back = defaultdict(lambda: defaultdict(int))
        for file in files:
            content = file.read_bytes()
            hash.update(file.name.encode() + b"\0" + content)
            for row in csv.DictReader(content.decode("utf-8").splitlines()):
                day = row["InvoiceDate"][:10]
                units, price = int(row["Quantity"]), float(row["UnitPrice"])
                who = (row["CustomerID"], row["StockCode"])
                if row["InvoiceNo"].startswith("C"):
                    if units < 0 and price > 0:
                        back[day][who] -= units
                elif units > 0 and price > 0:
                    sold[day][who] += units
        self.hash = hash.hexdigest()
        self.files = len(files)
        self.days = sorted(sold)
        self.codes = sorted({code for day in sold.values() for _, code in day})
        place = {code: index for index, code in enumerate(self.codes)}
        self.units = np.zeros((len(self.codes), len(self.days)))
        for at, day in enumerate(self.days):
            for (customer, code), units in sold[day].items():
                # What a customer took back on the same day was a mistake, and no demand.
                if customer != "":
                    units -= min(units, back[day][(customer, code)])
                self.units[place[code], at] += units
        self.ordinals = np.array([date.fromisoformat(day).toordinal() for day in self.days])

    def grouped(self, count, random):
        """As many made-up codes, each the sum of 3 to 100 real ones."""
        groups = copy(self)
        sizes = np.exp(random.uniform(np.log(3), np.log(100), count)).astype(int)
        chosen = [random.choice(len(self.codes), size, replace=False) for size in sizes]
        groups.units = np.stack([self.units[codes].sum(0) for codes in chosen])
        groups.codes = [f"group {index}" for index in range(count)]
        return groups

    def known(self, at):
        """The codes that were sold within the window before this day: those that have an actor with sales."""
        return self.units[:, max(0, at - WINDOW) : at].any(axis=1)

    def on(self, at, days_before):
        """Units of the same weekday so many days before, and whether the shop was open."""
        found = np.flatnonzero(self.ordinals == self.ordinals[at] - days_before)
        if len(found) == 0:
            return np.zeros(len(self.codes)), 0
        return self.units[:, found[0]], 1

    def window(self, at):
        """Units of the open days before this day, latest first; days before the first count as without sales."""
        before = self.units[:, max(0, at - WINDOW) : at][:, ::-1]
        return np.pad(before, ((0, 0), (0, WINDOW - before.shape[1])))

    def features(self, at):
        window = self.window(at)
        first = window[:, :20]
        sold = first > 0
        sum20, sold20, max20 = first.sum(1), sold.sum(1), first.max(1)
        any_sold = window > 0
        since = np.where(any_sold.any(1), any_sold.argmax(1) + 1, WINDOW + 1)
        age = np.where(any_sold.any(1), WINDOW - any_sold[:, ::-1].argmax(1), 0)
        weeks = [self.on(at, 7 * week) for week in range(1, 5)]
        open_weeks = sum(is_open for _, is_open in weeks)
        same = sum(units for units, _ in weeks)
        weekday = date.fromordinal(int(self.ordinals[at])).isoweekday() % 7
        sold40 = any_sold.sum(1)
        # Units of a day on which the code sold at all; 1 where it did not, which no model is asked about.
        scale = np.where(sold40 > 0, window.sum(1) / np.maximum(sold40, 1), 1)
        columns = (
            scale,
            window[:, 0] / scale,
            window[:, :3].sum(1) / 3 / scale,
            window[:, :6].sum(1) / 6 / scale,
            window[:, :12].sum(1) / 12 / scale,
            sum20 / 20 / scale,
            window.sum(1) / 40 / scale,
            max20 / scale,
            np.median(first, axis=1) / scale,
            np.where(sold20 > 0, sum20 / np.maximum(sold20, 1), 0) / scale,
            (sum20 - max20) / 19 / scale,
            weeks[0][0] / scale,
            (same / open_weeks if open_weeks else same) / scale,
            sold20,
            sold40,
            since,
            age,
            np.full(len(self.codes), weekday),
        )
        return np.stack(columns, axis=1).astype(np.float32)

    def baselines(self, at):
        """Forecasts of the next day and of the next week that need no model."""
        window = self.window(at)
        mean20 = window[:, :20].sum(1) / 20
        zero = np.zeros(len(self.codes))
        return {
            "last value": (window[:, 0], window[:, 0] * WEEK),
            "20-day mean": (mean20, mean20 * WEEK),
            "same weekday last week": (self.on(at, 7)[0], window[:, :WEEK].sum(1)),
            "zero": (zero, zero),
        }

    def targets(self, at):
        return self.units[:, at], self.units[:, at : at + WEEK].sum(1)
