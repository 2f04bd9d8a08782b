"""What an item is and what is done with it, as in `benches/src/works`: the same numbers, and so the same digests.

Functions are at the top of a module, so that every package can find them by name in its workers. The array that `sum` and
`convolve` share is a global: workers that are forked after it was made have it without a copy.
"""

import time

import numpy as np

P = 2**31 - 1
LONG = 1_000_000
shared = None


def noop(x):
    return x * 2.0 + 1.0


def timed(nanoseconds):
    """Short items look at the clock, long ones count the processor time of their thread."""
    if nanoseconds > 0:
        now = time.perf_counter_ns if nanoseconds < LONG else time.thread_time_ns
        end = now() + nanoseconds
        while now() < end:
            pass
    return nanoseconds


def section(item, array=None):
    start, end, rest = item
    array = shared if array is None else array
    total = float(array[start:end].sum())
    if rest:
        time.sleep(rest / 1000)
    return total


def convolve(item, image=None):
    image = shared if image is None else image
    side = image.shape[0]
    full = np.zeros((side + 3, side + 3))
    for a in range(4):
        for b in range(4):
            full[a : a + side, b : b + side] += item[a * 4 + b] * image
    return full[::5, ::5].copy()


def mix(z):
    """Sebastiano Vigna's splitmix64."""
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def blocks(starts, resamples):
    """As `benches/src/works/flights.rs` cuts them."""
    items = []
    for start, end in zip(starts, starts[1:]):
        size = max(1, 1_000_000 // (end - start))
        for first in range(0, resamples, size):
            items.append((start, end, min(size, resamples - first), len(items)))
    return items


def resample(item, delays=None):
    start, end, resamples, seed = item
    minutes = (shared if delays is None else delays)[start:end]
    length = np.uint64(end - start)
    sums = []
    for number in range(resamples):
        first = (seed << 32) + number * (end - start)
        drawn = mix(np.arange(first, first + (end - start), dtype=np.uint64))
        at = (drawn >> np.uint64(32)) * length >> np.uint64(32)
        sums.append(float(minutes[at].sum(dtype=np.int64)))
    return sums


def number(item):
    return float(item * 3 + 1)


def same_bytes(item):
    index, size = item
    return bytes([index % 251 + 1]) * size


def text(item):
    return f"item {item} of a list of many strings"


def nested(item, depth=1):
    return {
        "id": item,
        "name": text(item),
        "points": [(float(item + k), float(k)) for k in range(4)],
        "tags": {f"tag {k}": item * k for k in range(3)},
        "child": nested(item + 1, depth - 1) if depth > 0 else None,
    }


def prefixes(document):
    counts = {}
    for at in range(0, len(document), 20):
        for end in range(at + 1, at + 20):
            prefix = document[at:end]
            counts[prefix] = counts.get(prefix, 0) + 1
    return len(counts), sum(1 for count in counts.values() if count > 3)


def stream(item):
    return item, item + 1, item * 2, item * 3


def document(index, words):
    k = np.arange(words * 20, dtype=np.int64)
    drawn = ((k * 7919 + index * 104_729) * 48_271) % P
    return (drawn // 256 % 26 + 97).astype(np.uint8).tobytes().decode()


def array(length):
    """Made in blocks, so that no copy of it is ever there."""
    made = np.empty(length)
    for start in range(0, length, 1 << 22):
        index = np.arange(start, min(start + (1 << 22), length), dtype=np.int64)
        made[start : start + len(index)] = (index * 7919 + 13) % 1021
    return made


def image(side):
    index = np.arange(side * side, dtype=np.int64)
    return ((index * 7919 + 13) % 256).astype(float).reshape(side, side)


def image_filter(index):
    return [float((k * 31 + index * 17) % 7 - 3) for k in range(16)]


def digest_of_nested(output):
    own = output["id"] + len(output["name"]) + int(sum(x + y for x, y in output["points"]))
    child = digest_of_nested(output["child"]) if output["child"] else 0
    return own + sum(output["tags"].values()) + child


def digest_of_image(output):
    weights = np.arange(output.size, dtype=np.int64) % 13 + 1
    return int((output.ravel().astype(np.int64) * weights).sum() % P)


def digest(outputs, of):
    """As `benches/src/digest.rs`: `of` gives the number of one output; None where outputs are numbers already."""
    if of is None:
        values = np.array(outputs).astype(np.int64)
    else:
        values = np.array([of(output) % P for output in outputs], dtype=np.int64)
    weights = np.arange(len(values), dtype=np.int64) % 1021 + 1
    return int((values % P * weights % P).sum() % P)
