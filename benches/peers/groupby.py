"""The group-by questions of benches/groupby.rs by pandas, polars (Python) and pandarallel, on the same table:

    cargo bench -p partools-bench --bench groupby -- --rows 1e7 --write g1.csv
    pip install pandas polars pandarallel
    python benches/peers/groupby.py g1.csv --workers 2 --only q9

Every question is a Python function of one group, which is what is compared; "native" is what polars has built in for it.
Reading the file does not count. Each result's sums are printed, to be compared with the other libraries' and with what the
db-benchmark publishes.
"""

import argparse
import os
import statistics
import time

KEYS = {
    "q3": ["id3"],
    "q6": ["id4", "id5"],
    "q8": ["id6"],
    "q9": ["id2", "id4"],
    "q10": ["id1", "id2", "id3", "id4", "id5", "id6"],
}


def of_pandas(question):
    import pandas as pd

    return {
        "q3": lambda g: pd.Series({"a": g["v1"].sum(), "b": g["v3"].mean()}),
        "q6": lambda g: pd.Series({"a": g["v3"].median(), "b": g["v3"].std()}),
        "q8": lambda g: g["v3"].nlargest(2),
        "q9": lambda g: g["v1"].corr(g["v2"]) ** 2,
        "q10": lambda g: pd.Series({"a": g["v3"].sum(), "b": len(g)}),
    }[question]


def of_polars(question):
    import polars as pl

    return {
        "q3": lambda g: pl.DataFrame({"a": [g["v1"].sum()], "b": [g["v3"].mean()]}),
        "q6": lambda g: pl.DataFrame({"a": [g["v3"].median()], "b": [g["v3"].std()]}),
        "q8": lambda g: pl.DataFrame({"a": g["v3"].top_k(2)}),
        "q9": lambda g: g.select((pl.corr("v1", "v2") ** 2).alias("a")),
        "q10": lambda g: pl.DataFrame({"a": [g["v3"].sum()], "b": [float(len(g))]}),
    }[question]


def natively(question):
    import polars as pl

    v1, v3 = pl.col("v1"), pl.col("v3")
    return {
        "q3": [v1.sum().alias("a"), v3.mean().alias("b")],
        "q6": [v3.median().alias("a"), v3.std().alias("b")],
        "q8": [v3.top_k(2).alias("a")],
        "q9": [(pl.corr("v1", "v2") ** 2).alias("a")],
        "q10": [v3.sum().alias("a"), pl.len().alias("b")],
    }[question]


def contenders(path, workers):
    """Name, and a function from a question to what is timed."""
    # Before polars is imported: it makes its pool then.
    os.environ["POLARS_MAX_THREADS"] = str(workers)
    import pandas as pd
    import polars as pl

    pandas, polars = pd.read_csv(path), pl.read_csv(path)
    print(f"pandas {pd.__version__}, polars {pl.__version__}, {len(pandas)} rows, {workers} workers", flush=True)
    yield "pandas", lambda q: pandas.groupby(KEYS[q]).apply(of_pandas(q), include_groups=False)
    try:
        from pandarallel import pandarallel

        pandarallel.initialize(nb_workers=workers, progress_bar=False, verbose=1)
        yield "pandarallel", lambda q: pandas.groupby(KEYS[q]).parallel_apply(of_pandas(q))
    except ImportError as why:  # it reaches into pandas, and not into pandas 3: `pip install "pandas<3"`
        print(f"pandarallel is missing: {why}", flush=True)
    yield "polars map_groups", lambda q: polars.group_by(KEYS[q]).map_groups(of_polars(q))
    yield "polars native", lambda q: polars.group_by(KEYS[q]).agg(natively(q))


def total(result):
    """The sum of everything that the question asked for."""
    if type(result).__module__.startswith("polars"):
        import polars as pl

        values = [result[name] for name in result.columns if name in ("a", "b")]
        values = [column.explode() if column.dtype == pl.List else column for column in values]
        return sum(column.fill_nan(None).sum() if column.dtype.is_float() else column.sum() for column in values)
    total = result.sum()
    return float(total.sum() if hasattr(total, "sum") else total)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", help="the table as CSV")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="questions with this in their name")
    parser.add_argument("--by", default="", help="libraries with this in their name")
    asked = parser.parse_args()
    for name, run in contenders(asked.path, asked.workers):
        if asked.by not in name:
            continue
        for question in KEYS:
            if asked.only not in question:
                continue
            times = []
            for _ in range(asked.rounds):
                begun = time.perf_counter()
                result = run(question)
                times.append(time.perf_counter() - begun)
            print(f"{question:4} {name:20} {statistics.median(times) * 1e3:10.1f} ms   sum {total(result):.3f}", flush=True)


if __name__ == "__main__":
    main()
