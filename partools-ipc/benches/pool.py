"""A million items that do nothing on multiprocessing.Pool: for each chunk size, its name and the median of seven rounds in ms."""

import multiprocessing
import statistics
import sys
import time


def nothing(item):
    return item


def once(pool, items, size):
    begun = time.perf_counter()
    outputs = pool.map(nothing, range(items), chunksize=size)
    took = time.perf_counter() - begun
    assert len(outputs) == items and outputs[-1] == items - 1
    return took * 1e3


def main():
    workers, items = int(sys.argv[1]), int(sys.argv[2])
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        pool.map(nothing, range(1000))  # all is warm
        for size in (1000, 10_000, 31_250, 62_500, 125_000, 250_000, 500_000):
            print(size, statistics.median(once(pool, items, size) for _ in range(7)), flush=True)


if __name__ == "__main__":
    main()
