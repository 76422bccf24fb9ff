"""Clearing with fills for 100,000 orders on one core, beside a numpy sort and cumsum and an LP by HiGHS.

Run `python bench/clearing.py`; prints a JSON list of {name, value, unit, goal, peer, peer_value}.
Each figure is the best of several runs; the books come from seeds, unsorted, and are built before the watch starts.
"""

import json
import os
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import highspy
import numpy as np

from sunpile.market import Book, Tariff, clear

ORDERS = 100_000
TARIFF = Tariff(300_000, 80_000, 5_000, 5_000)
GOAL = 8_000_000


def book(seed: int, size: int = ORDERS, untouched: bool = False) -> Book:
    """Half buyers, half sellers, in no order; `untouched`: every limit is the default, all rows are marginal."""
    rng = np.random.default_rng(seed)
    half = size // 2
    limits = np.full(size, 500) if untouched else rng.integers(0, 1001, size)
    points = rng.permutation(size) + 1
    wh = rng.integers(50, 3001, size)
    return Book.from_arrays(TARIFF, limits[:half], wh[:half], limits[half:], wh[half:], points[:half], points[half:])


def best(work: Callable[[], object], runs: int) -> float:
    """Shortest of `runs` [s]."""
    times: list[float] = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def sort_and_cumsum(book: Book) -> int:
    """The peer: sort both sides by limit, cumulate, cut at the crossing; volume and fills, no tie rule."""
    bids = np.argsort(-book.buyers.limits, kind="stable")
    offers = np.argsort(book.sellers.limits, kind="stable")
    demand, supply = np.cumsum(book.buyers.wh[bids]), np.cumsum(book.sellers.wh[offers])
    reached = np.searchsorted(supply, demand).clip(max=len(supply) - 1)
    crossing = book.buyers.limits[bids] >= book.sellers.limits[offers][reached]
    volume = int(min(demand[crossing][-1], supply[-1])) if crossing.any() else 0
    for wh, order, running in ((book.buyers.wh, bids, demand), (book.sellers.wh, offers, supply)):
        fills = np.empty_like(wh)
        fills[order] = np.clip(volume - (running - wh[order]), 0, wh[order])
    return volume


def linear_program(book: Book) -> float:
    """The other peer: the same market as an LP for HiGHS (welfare only)."""
    model = highspy.HighsLp()
    values = np.concatenate((book.buyers.limits, -book.sellers.limits)).astype(float)
    count = len(values)
    model.num_col_, model.num_row_ = count, 1
    model.col_cost_, model.sense_ = values, highspy.ObjSense.kMaximize
    model.col_lower_ = np.zeros(count)
    model.col_upper_ = np.concatenate((book.buyers.wh, book.sellers.wh)).astype(float)
    model.row_lower_ = model.row_upper_ = np.zeros(1)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.array([0, count])
    model.a_matrix_.index_ = np.arange(count)
    model.a_matrix_.value_ = np.concatenate((np.ones(len(book.buyers)), -np.ones(len(book.sellers))))
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.passModel(model)
    highs.run()
    return highs.getInfo().objective_function_value


def main() -> list[dict[str, object]]:
    """Measure and return the figures."""
    mixed, untouched = book(1), book(2, untouched=True)
    ours, default = best(lambda: clear(mixed), 15), best(lambda: clear(untouched), 15)
    peer, program = best(lambda: sort_and_cumsum(mixed), 7), best(lambda: linear_program(mixed), 1)
    goal = f">= {GOAL}"

    def figure(name: str, seconds: float, peer: str, peer_seconds: float, goal: str = goal) -> dict[str, object]:
        rate, other = round(ORDERS / seconds), round(ORDERS / peer_seconds)
        return {"name": name, "value": rate, "unit": "orders/s", "goal": goal, "peer": peer, "peer_value": other}

    return [
        figure("clearing 100,000 orders with fills", ours, "numpy argsort + cumsum", peer),
        figure("clearing 100,000 orders, all marginal", default, "numpy argsort + cumsum", peer),
        figure("clearing 100,000 orders against an LP", ours, "HiGHS linear program", program),
    ]


if __name__ == "__main__":
    # HiGHS writes a banner to standard output whatever its options say; the figures alone go there.
    output = os.dup(1)
    os.dup2(2, 1)
    figures = json.dumps(main(), indent=1)
    os.write(output, figures.encode() + b"\n")
