"""A Python package as a contender: reads an order, makes the inputs, and does rounds, as `benches/src/serve.rs` says.

The first line of standard input is the order, in JSON; then a line for each round. Every line is answered with one of JSON.
`compare --with-peers` starts it; by hand:

    echo '{"who": "mpire", "workers": 2, "target_s": 0.1, "shape": {"shape": "noop", "count": 64}}
    round' | python peers.py

Its argument, which only the flights need, is a file with their delays. A second one, `mpi`, makes it a rank of a job.
"""

import gc
import json
import os
import resource
import sys
import time

import work
from pools import ALL, Mpi4py


class Cannot(Exception):
    pass


def times(runs):
    return [nanoseconds for count, nanoseconds in runs for _ in range(count)]


def inputs(shape):
    """The function, the items, those of the watched round, and the digest of an output."""
    kind = shape["shape"]
    if kind == "noop":
        if shape["count"] > 10_000_000:
            raise Cannot("a list of so many Python objects does not fit into memory with its copies")
        return work.noop, [float(i) for i in range(shape["count"])], None, None
    if kind in ("timed", "first", "warm"):
        return work.timed, times(shape["runs"]), None, None
    if kind == "sum":
        if shape["memory"] == "huge":
            raise Cannot("numpy decides itself what memory its arrays lie in")
        if shape["memory"] == "shared_vec":
            raise Cannot("a SharedVec is made by partools")
        work.shared = work.array(shape["len"])
        count, length = shape["sections"], shape["len"]
        cut = [i * length // count for i in range(count + 1)]
        resting = [[(cut[i], cut[i + 1], rest) for i in range(count)] for rest in (0, 5)]
        return work.section, resting[0], resting[1], None
    if kind == "convolve":
        work.shared = work.image(shape["side"])
        items = [work.image_filter(i) for i in range(shape["filters"])]
        return work.convolve, items, None, work.digest_of_image
    if kind == "words":
        items = [work.document(i, shape["words"]) for i in range(shape["documents"])]
        return work.prefixes, items, None, lambda output: output[0] * 1000 + output[1]
    if kind == "flights":
        with open(sys.argv[1]) as file:
            delays = json.load(file)
        work.shared = work.np.array(delays["minutes"], dtype=work.np.int16)
        items = work.blocks(delays["starts"], shape["resamples"])
        return work.resample, items, None, lambda output: int(sum(output)) % work.P
    if kind == "stream":
        return work.stream, list(range(shape["count"])), None, sum
    if kind == "output":
        return outputs(shape["kind"], shape["count"], shape["size"])
    raise Cannot(f"peers.py has no {kind}")


def outputs(kind, count, size):
    if kind == "number":
        return work.number, list(range(count)), None, None
    if kind == "bytes":
        total = lambda output: int(work.np.frombuffer(output, work.np.uint8).sum(dtype=work.np.int64))
        return work.same_bytes, [(i, size) for i in range(count)], None, total
    if kind == "text":
        return work.text, list(range(count)), None, lambda output: sum(output.encode())
    return work.nested, list(range(count)), None, work.digest_of_nested


def descendants(process):
    """All that `process` has started, and what those have."""
    parents = {}
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat") as stat:
                parents.setdefault(int(stat.read().rsplit(")", 1)[1].split()[1]), []).append(int(name))
        except (OSError, ValueError, IndexError):
            pass
    found = list(parents.get(process, []))
    for child in found:
        found.extend(parents.get(child, []))
    return found


def effort():
    """Processor time of this process, of those it has reaped, and of those that live."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    total = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    # A rank counts all ranks: what its launcher has started.
    root = os.getpid() if Mpi4py.executor is None else os.getppid()
    for child in descendants(root):
        if child == os.getpid():
            continue
        try:
            total += time.clock_gettime((~child << 3) | 2)  # as clock_getcpuclockid makes it
        except OSError:
            pass
    return total


class Session:
    def __init__(self, order):
        self.shape, self.target = order["shape"], order["target_s"]
        self.kind = self.shape["shape"]
        self.pool = ALL[order["who"]](order["workers"])
        self.repeats = 1
        if self.kind == "mixed":
            self.items, self.function, self.digest_of = [0] * self.shape["cheap"], work.timed, None
        else:
            self.function, self.items, self.watched, self.digest_of = inputs(self.shape)
        if Mpi4py.executor is not None and work.shared is not None:
            raise Cannot("mpi4py.futures shares nothing: a program would broadcast the array itself")
        gc.freeze()

    def round(self, watched):
        before, begun = effort(), time.perf_counter()
        spent, results, repeats = self.work(watched, begun)
        cpu = effort() - before
        digest = work.digest(results, self.digest_of) if not isinstance(results, int) else results
        return {"seconds": spent / repeats, "cpu_s": cpu / repeats, "repeats": repeats, "digest": digest}

    def work(self, watched, begun):
        if self.kind == "first":
            results = iter(self.pool.imap(self.function, self.items))
            first = next(results)
            spent = time.perf_counter() - begun
            return spent, [first, *results], 1
        if self.kind == "stream":
            total = 0
            for index, output in enumerate(self.pool.imap(self.function, self.items)):
                total = (total + sum(output) % work.P * (index % 1021 + 1)) % work.P
            return time.perf_counter() - begun, total, 1
        if self.kind in ("warm", "mixed"):
            for _ in range(self.shape["maps"]):
                results = self.pool.map(self.function, self.items)
            if self.kind == "mixed":
                results = self.pool.map(self.function, times(self.shape["runs"]))
            return time.perf_counter() - begun, results, 1
        repeats = self.repeats
        for _ in range(repeats):
            results = self.pool.map(self.function, self.watched if watched and self.watched else self.items)
        spent = time.perf_counter() - begun
        if not watched:
            self.repeats = int(min(20_000, max(1, self.target / (spent / repeats))))
        return spent, results, repeats


def say(answer):
    print(json.dumps(answer), flush=True)


def main():
    order = json.loads(sys.stdin.readline())
    try:
        session = Session(order)
    except Cannot as why:
        return say({"cannot": str(why)})
    except MemoryError as why:
        return say({"cannot": f"no memory: {why}"})
    say({"ready": True})
    for line in sys.stdin:
        try:
            say(session.round(line.strip() == "watched"))
        except Exception as error:  # whatever a package raises is what there is to report
            say({"failed": f"{type(error).__name__}: {error}"[:200]})


def rank():
    """Rank 0 answers the coordinator, the others serve it."""
    from mpi4py import MPI
    from mpi4py.futures import MPICommExecutor

    with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
        if executor is not None:
            Mpi4py.executor = executor
            main()


if __name__ == "__main__":
    if sys.argv[2:] == ["mpi"]:
        rank()
    else:
        main()
        # Pools that nobody closed would be waited for: the coordinator has what it wants.
        os._exit(0)
