#!/usr/bin/env python3
"""Measures `tarsia check` beside GN and Kconfiglib on one generated catalogue, in turns, and prints
medians as ratios (docs/performance.md). Usage: compare.py TARSIA FOLDER, with FOLDER written by the
example `catalogue`; `gn` is on the PATH, kconfiglib importable by this Python."""

import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 11
KCONFIG = """
import glob, tempfile, kconfiglib
out = tempfile.mkdtemp()
tree = kconfiglib.Kconfig("Kconfig", warn=False)
for product in sorted(glob.glob("products/*.config")):
    tree.load_config(product)
    tree.write_config(f"{out}/config")
"""


def main():
    tarsia, folder = sys.argv[1:]
    out = tempfile.mkdtemp()
    commands = {
        "tarsia check": ([tarsia, "check"], f"{folder}/tarsia"),
        "gn gen": (["gn", "gen", "-q", out], f"{folder}/gn"),
        "Kconfiglib": ([sys.executable, "-c", KCONFIG], f"{folder}/kconfig"),
    }
    times = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, (command, where) in commands.items():
            start = time.perf_counter()
            subprocess.run(command, cwd=where, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            times[name].append(time.perf_counter() - start)
    own = statistics.median(times["tarsia check"])
    for name, taken in times.items():
        middle = statistics.median(taken)
        low, high = statistics.quantiles(taken, n=4)[::2]
        print(f"{name:14} {middle * 1000:8.1f} ms (quartiles {low * 1000:.1f} to {high * 1000:.1f}), {middle / own:5.2f} of tarsia check")


if __name__ == "__main__":
    main()
