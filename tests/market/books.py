"""Books for the tests: small and nasty ones from hypothesis, large ones from a seed."""

import numpy as np
from hypothesis import strategies as st

from sunpile.market import Book, Tariff

tariffs = st.builds(
    Tariff,
    retail=st.sampled_from([0, 7, 300, 300_000, 2**47]),
    feed_in=st.sampled_from([0, 5, 80_000]),
    buy_fee=st.sampled_from([0, 1, 5_000]),
    sell_fee=st.sampled_from([0, 1, 5_000]),
).filter(lambda tariff: tariff.feed_in <= tariff.retail)


@st.composite
def books(draw: st.DrawFn, most: int = 8) -> Book:
    """Up to `most` rows a side, with ties, rows that do not trade, narrow, empty and missing bands."""
    limits = st.sampled_from([0, 1, 250, 500, 500, 501, 999, 1000])
    energies = st.one_of(st.integers(1, 9), st.sampled_from([1_000, 2**24 - 1, 2**32 - 1]))
    points = draw(st.lists(st.integers(1, 10**6), unique=True, max_size=2 * most))
    half = len(points) // 2 if draw(st.booleans()) else draw(st.sampled_from([0, len(points)]))
    columns = []
    for side, off in ((points[:half], -1), (points[half:], 1001)):
        columns.append([draw(st.one_of(limits, st.just(off))) for _ in side])
        columns.append([draw(energies) for _ in side])
    return Book.from_arrays(draw(tariffs), *columns, points[:half], points[half:])


def random_book(seed: int, size: int, steps: int = 1001) -> Book:
    """A book of `size` rows from a seed; fewer `steps` means more ties."""
    rng = np.random.default_rng(seed)
    half = size // 2
    limits = rng.integers(0, steps, size) * (1000 // max(steps - 1, 1))
    return Book.from_arrays(
        Tariff(300_000, 80_000, 5_000, 5_000),
        limits[:half],
        rng.integers(1, 20_000, half),
        limits[half:],
        rng.integers(1, 20_000, size - half),
        rng.permutation(size)[:half] + 1,
        rng.permutation(size)[half:] + 1 + size,
    )
