#!/usr/bin/env python3
"""Measures Tarsia's answers beside GN and Kconfig on one generated catalogue, in turns, and prints
medians (docs/performance.md). Usage: compare.py TARSIA FOLDER, with FOLDER written by the example
`catalogue`. `gn`, `kconfig-conf` and Kconfiglib (importable by this Python) take part where they are
installed; what is missing is said."""

import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("ROUNDS", "11"))
PRODUCT = "product-000"
KCONFIGLIB = f"""
import tempfile, kconfiglib
tree = kconfiglib.Kconfig("Kconfig", warn=False)
tree.load_config("products/{PRODUCT}.config")
tree.write_config(tempfile.mkdtemp() + "/config")
"""


def edit(folder):
    """Changes the text of one component that the product has."""
    path = f"{folder}/components/services/service-00000/component.yaml"
    with open(path, "a", encoding="utf-8") as file:
        file.write("# edited\n")


def main():
    tarsia, folder = sys.argv[1:]
    out, cold, warm = tempfile.mkdtemp(), tempfile.mkdtemp(), tempfile.mkdtemp()
    home = f"{folder}/tarsia"
    kconfig = {"KCONFIG_CONFIG": f"{out}/.config", "KCONFIG_ALLCONFIG": f"products/{PRODUCT}.config"}

    def ask(*words, cache=warm):
        return [tarsia, "--cache-dir", cache, *words]

    # What it is called, the command, where, its exit code, what is done before, its environment.
    commands = [
        ("check, cold", ask("check", PRODUCT, cache=cold), home, 0, lambda: shutil.rmtree(cold), {}),
        ("check, warm", ask("check", PRODUCT), home, 0, None, {}),
        ("check, one file edited", ask("check", PRODUCT), home, 0, lambda: edit(home), {}),
        ("a conflict explained", ask("check", "impossible"), home, 2, None, {}),
        ("why", ask("why", PRODUCT, "library-00000"), home, 0, None, {}),
        ("why-not", ask("why-not", PRODUCT, "service-00001"), home, 0, None, {}),
        ("tree", ask("tree", PRODUCT), home, 0, None, {}),
        ("show", ask("show", PRODUCT), home, 0, None, {}),
    ]
    if shutil.which("gn"):
        commands.append(("gn gen", ["gn", "gen", "-q", out], f"{folder}/gn", 0, None, {}))
    else:
        print("gn is not installed (generate-ninja)")
    if shutil.which("kconfig-conf"):
        conf = ["kconfig-conf", "--alldefconfig", "Kconfig"]
        commands.append(("kconfig conf", conf, f"{folder}/kconfig", 0, None, kconfig))
    else:
        print("kconfig-conf is not installed (kconfig-frontends)")
    if importlib.util.find_spec("kconfiglib"):
        lib = [sys.executable, "-c", KCONFIGLIB]
        commands.append(("Kconfiglib", lib, f"{folder}/kconfig", 0, None, {}))
    else:
        print("Kconfiglib is not installed (pip install kconfiglib)")

    subprocess.run(ask("check", PRODUCT), cwd=home, check=True, capture_output=True)
    times = {name: [] for name, *_ in commands}
    for _ in range(ROUNDS):
        for name, command, where, code, before, environment in commands:
            if before:
                before()
            start = time.perf_counter()
            done = subprocess.run(command, cwd=where, capture_output=True, env={**os.environ, **environment})
            times[name].append(time.perf_counter() - start)
            if done.returncode != code:
                sys.exit(f"{name} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    own = statistics.median(times["check, warm"])
    for name, taken in times.items():
        middle = statistics.median(taken)
        low, high = statistics.quantiles(taken, n=4)[::2]
        spread = f"quartiles {low * 1000:.1f} to {high * 1000:.1f}"
        print(f"{name:24} {middle * 1000:8.1f} ms ({spread}), {middle / own:6.2f} of a warm check")


if __name__ == "__main__":
    main()
