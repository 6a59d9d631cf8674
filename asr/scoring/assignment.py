"""Which of our speakers is which of the reference's: the cheapest one-to-one naming."""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import NDArray


def cheapest(costs: NDArray[np.float64]) -> list[int]:
    """For each row of a square table the column that is its own, so that what they cost together is least.

    The Hungarian method with potentials (Kuhn 1955, Munkres 1957), O(n^3): rows are added one by one, each along the
    shortest path of exchanges. scipy has it too, and weighs 100 MB.

    >>> cheapest(np.array([[1.0, 2.0], [1.0, 5.0]]))
    [1, 0]
    """
    n = len(costs)
    row_price, column_price = np.zeros(n + 1), np.zeros(n + 1)
    owner = np.full(n + 1, -1)  # of each column; the last column holds the row that is being added
    for row in range(n):
        owner[n], at = row, n
        least, came_from, done = np.full(n, inf), np.full(n, n), np.zeros(n, dtype=bool)
        while owner[at] >= 0:
            if at < n:
                done[at] = True
            own = owner[at]
            reduced = costs[own] - row_price[own] - column_price[:n]
            closer = ~done & (reduced < least)
            least[closer], came_from[closer] = reduced[closer], at
            nearest = int(np.where(done, inf, least).argmin())
            step = least[nearest]
            row_price[owner[[*np.flatnonzero(done), n]]] += step
            column_price[:n][done] -= step
            column_price[n] -= step
            least[~done] -= step
            at = nearest
        while at < n:
            owner[at], at = owner[came_from[at]], int(came_from[at])
    columns = np.empty(n, dtype=int)
    columns[owner[:n]] = np.arange(n)
    return [int(column) for column in columns]
