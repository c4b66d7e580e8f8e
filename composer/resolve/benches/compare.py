#!/usr/bin/env python3
"""Measures Tarsia's answers beside other tools on one generated catalogue, in turns, and prints
medians (docs/performance.md). Usage: compare.py TARSIA FOLDER, with FOLDER written by the example
`catalogue`. `gn`, `kconfig-conf`, Kconfiglib (importable by this Python), `nix-instantiate`, `testsolv`
and `laze` take part where they are installed; what is missing is said."""

import importlib.util
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Callable, NamedTuple

ROUNDS = int(os.environ.get("ROUNDS", "11"))
PRODUCT = "product-000"
BOARD = "board-0"
SOLVED = re.compile(r"solver_solve took (\d+) ms")
KCONFIGLIB = f"""
import tempfile, kconfiglib
tree = kconfiglib.Kconfig("Kconfig", warn=False)
tree.load_config("products/{PRODUCT}.config")
tree.write_config(tempfile.mkdtemp() + "/config")
"""


class Ask(NamedTuple):
    """What is asked: its name in the output, the command, and where it runs."""

    name: str
    command: list[str]
    where: str
    code: int = 0
    # What its output must contain: some tools end with 0 whatever they found.
    says: str = ""
    before: Callable[[], None] = lambda: None
    environment: dict[str, str] = {}


def edit(folder):
    """Changes the text of one component that the product has."""
    path = f"{folder}/components/services/service-00000/component.yaml"
    with open(path, "a", encoding="utf-8") as file:
        file.write("# edited\n")


def own(tarsia, folder, warm):
    home, cold = f"{folder}/tarsia", tempfile.mkdtemp()

    def ask(*words, cache=warm):
        return [tarsia, "--cache-dir", cache, *words]

    check = ask("check", PRODUCT)
    return [
        Ask("check, cold", ask("check", PRODUCT, cache=cold), home, before=lambda: shutil.rmtree(cold)),
        Ask("check, warm", check, home),
        Ask("check, one file edited", check, home, before=lambda: edit(home)),
        Ask("a conflict explained", ask("check", "impossible"), home, code=2),
        Ask("why", ask("why", PRODUCT, "library-00000"), home),
        Ask("why-not", ask("why-not", PRODUCT, "service-00001"), home),
        Ask("tree", ask("tree", PRODUCT), home),
        Ask("show", ask("show", PRODUCT), home),
    ]


def gn(folder):
    return [Ask("gn gen", ["gn", "gen", "-q", tempfile.mkdtemp()], f"{folder}/gn")]


def kconfig_conf(folder):
    files = {
        "KCONFIG_CONFIG": f"{tempfile.mkdtemp()}/.config",
        "KCONFIG_ALLCONFIG": f"products/{PRODUCT}.config",
    }
    command = ["kconfig-conf", "--alldefconfig", "Kconfig"]
    return [Ask("kconfig conf", command, f"{folder}/kconfig", environment=files)]


def kconfiglib(folder):
    return [Ask("Kconfiglib", [sys.executable, "-c", KCONFIGLIB], f"{folder}/kconfig")]


def nix(folder):
    evaluate = ["nix-instantiate", "--eval", "--strict", "--store", "dummy://", "--argstr", "product"]
    return [Ask("nix-instantiate", [*evaluate, PRODUCT, "default.nix"], f"{folder}/nix", says="library-")]


def libsolv(folder):
    home = f"{folder}/libsolv"
    return [
        Ask("testsolv", ["testsolv", f"{PRODUCT}.t"], home, says="installed packages"),
        Ask("testsolv, a conflict", ["testsolv", "impossible.t"], home, says="Found 1 problems"),
    ]


def laze(folder):
    home, out = f"{folder}/laze", tempfile.mkdtemp()
    command = ["laze", "build", "-g", "-G", "-B", out, "-b", BOARD, "-a", PRODUCT]
    return [
        Ask("laze, first", command, home, says="configured 1 builds", before=lambda: shutil.rmtree(out)),
        Ask("laze, again", command, home, says="reading cache took"),
    ]


# Who, what it is that must be installed, whether it is.
PEERS = [
    (gn, "gn (generate-ninja)", shutil.which("gn")),
    (kconfig_conf, "kconfig-conf (kconfig-frontends)", shutil.which("kconfig-conf")),
    (kconfiglib, "Kconfiglib (pip install kconfiglib)", importlib.util.find_spec("kconfiglib")),
    (nix, "nix-instantiate (nix-bin)", shutil.which("nix-instantiate")),
    (libsolv, "testsolv (libsolv-tools)", shutil.which("testsolv")),
    (laze, "laze (cargo install laze)", shutil.which("laze")),
]


def run(ask):
    """What was said, after how many seconds."""
    ask.before()
    start = time.perf_counter()
    done = subprocess.run(
        ask.command, cwd=ask.where, capture_output=True, env={**os.environ, **ask.environment}
    )
    taken = time.perf_counter() - start
    said = done.stdout.decode()
    if done.returncode != ask.code or ask.says not in said:
        sys.exit(f"{ask.name} ended with {done.returncode}: {said[-2000:]}{done.stderr.decode()[-2000:]}")
    return said, taken


def main():
    tarsia, folder = sys.argv[1:]
    warm = tempfile.mkdtemp()
    asks = own(tarsia, folder, warm)
    for peer, what, installed in PEERS:
        if installed:
            asks += peer(folder)
        else:
            print(f"not installed: {what}")

    # So that the first answer from the cache finds one.
    run(Ask("check", [tarsia, "--cache-dir", warm, "check", PRODUCT], f"{folder}/tarsia"))
    times = {ask.name: [] for ask in asks}
    for _ in range(ROUNDS):
        for ask in asks:
            times[ask.name].append(run(ask)[1])
    tree = statistics.median(times["tree"])
    for name, taken in times.items():
        middle = statistics.median(taken)
        low, high = statistics.quantiles(taken, n=4)[::2]
        spread = f"quartiles {low * 1000:.1f} to {high * 1000:.1f}"
        print(f"{name:24} {middle * 1000:8.1f} ms ({spread}), {middle / tree:6.2f} of a tree")
    if shutil.which("testsolv"):
        # What it says of itself, in whole milliseconds.
        alone = Ask("testsolv -v", ["testsolv", "-v", f"{PRODUCT}.t"], f"{folder}/libsolv")
        solved = [int(SOLVED.search(run(alone)[0])[1]) for _ in range(ROUNDS)]
        print(f"of testsolv, solving     {statistics.median(solved):8.1f} ms")


if __name__ == "__main__":
    main()
