"""The packages, each as its own documentation would have it, all with the same interface: `map` gives a list, `imap` an
iterator in order. Workers are made by the first call and kept. Chunks are those of `multiprocessing.Pool.map` (four for
each worker) wherever a package lets one choose and its own default is slower.
"""

import multiprocessing

import work


class Pool:
    """What they have in common. `shares` says whether the function has the shared array as a second argument."""

    shares = False

    def __init__(self, workers):
        self.workers = workers
        self.pool = None

    def chunk(self, items):
        return max(1, -(-len(items) // (self.workers * 4)))

    def map(self, function, items):
        return list(self.imap(function, items))


class Multiprocessing(Pool):
    def started(self):
        if self.pool is None:
            self.pool = multiprocessing.get_context("fork").Pool(self.workers)
        return self.pool

    def map(self, function, items):
        return self.started().map(function, items)

    def imap(self, function, items):
        return self.started().imap(function, items, self.chunk(items))


class ConcurrentFutures(Pool):
    def imap(self, function, items):
        from concurrent.futures import ProcessPoolExecutor

        if self.pool is None:
            context = multiprocessing.get_context("fork")
            self.pool = ProcessPoolExecutor(self.workers, mp_context=context)
        return self.pool.map(function, items, chunksize=self.chunk(items))


class Mpire(Pool):
    shares = True

    def started(self):
        from mpire import WorkerPool

        if self.pool is None:
            self.pool = WorkerPool(
                self.workers, start_method="fork", keep_alive=True, shared_objects=work.shared
            )
        return self.pool

    def call(self, method, function, items, **options):
        from mpire.utils import make_single_arguments

        arguments = make_single_arguments(items, generator=False)
        function = MPIRE_SHARED.get(function, function) if work.shared is not None else function
        return method(function, arguments, chunk_size=self.chunk(items), **options)

    def map(self, function, items):
        return self.call(self.started().map, function, items, concatenate_numpy_output=False)

    def imap(self, function, items):
        return self.call(self.started().imap, function, items)


def mpire_section(array, item):
    return work.section(item, array)


def mpire_convolve(image, item):
    return work.convolve(item, image)


def mpire_resample(delays, item):
    return work.resample(item, delays)


MPIRE_SHARED = {
    work.section: mpire_section,
    work.convolve: mpire_convolve,
    work.resample: mpire_resample,
}


class Joblib(Pool):
    """Its workers are started anew, not forked: the shared array goes as an argument, which joblib maps from a file."""

    def call(self, function, items, **options):
        from joblib import Parallel, delayed

        if self.pool is None:
            self.pool = Parallel(self.workers, **options)
            self.pool.__enter__()
        shared = () if work.shared is None else (work.shared,)
        return self.pool(delayed(function)(item, *shared) for item in items)

    def map(self, function, items):
        return self.call(function, items)

    def imap(self, function, items):
        return self.call(function, items, return_as="generator")


class Pathos(Pool):
    def started(self):
        from pathos.multiprocessing import ProcessPool

        if self.pool is None:
            self.pool = ProcessPool(nodes=self.workers)
        return self.pool

    def map(self, function, items):
        return self.started().map(function, items, chunksize=self.chunk(items))

    def imap(self, function, items):
        return self.started().imap(function, items, chunksize=self.chunk(items))


class Pebble(Pool):
    def imap(self, function, items):
        from pebble import ProcessPool

        if self.pool is None:
            context = multiprocessing.get_context("fork")
            self.pool = ProcessPool(max_workers=self.workers, context=context)
        return self.pool.map(function, items, chunksize=self.chunk(items)).result()


class Mpi4py(Pool):
    """Rank 0's executor, which `peers.py` begins on all ranks."""

    executor = None

    def imap(self, function, items):
        return Mpi4py.executor.map(function, items, chunksize=self.chunk(items))


ALL = {
    "multiprocessing": Multiprocessing,
    "concurrent.futures": ConcurrentFutures,
    "mpire": Mpire,
    "joblib": Joblib,
    "pathos": Pathos,
    "pebble": Pebble,
    "mpi4py": Mpi4py,
}
