"""Items that do nothing, on mpi4py's MPICommExecutor: the rate of its best chunk size."""

import sys
import time

from mpi4py import MPI
from mpi4py.futures import MPICommExecutor


def nothing(item):
    return item


def main():
    items = int(sys.argv[1])
    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is None:
            return
        sum(executor.map(nothing, range(1000), chunksize=10))  # all is warm
        best = (0.0, 0)
        for size in (100, 1000, 10_000, items // 4):
            begun = time.perf_counter()
            total = sum(executor.map(nothing, range(items), chunksize=size))
            took = time.perf_counter() - begun
            assert total == items * (items - 1) // 2
            best = max(best, (items / took, size))
        print(f"mpi4py noops per s: {best[0]}")
        print(f"mpi4py chunk size: {best[1]}", flush=True)


if __name__ == "__main__":
    main()
