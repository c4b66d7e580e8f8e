#!/usr/bin/env python3
"""Measures a build with nothing to do over many input files, beside other tools with as many copy
steps, in turns, and prints medians (docs/performance.md). Usage: noop.py TARSIA [COUNT…], in the
workspace whose product `soil-sensor` is built. Ninja, samurai and n2 take part where they are
installed; what is missing is said."""

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

ROUNDS = int(os.environ.get("ROUNDS", "11"))
PRODUCT = "soil-sensor"
# The crate whose folder gets the files.
CRATE = "components/services/log"
# How many earlier steps each step reads from, and among how many of those just before it.
NEEDS, NEAR = 3, 100
# How long to wait for other work on the machine to end, in seconds.
PATIENCE = 120

# Where a file is missing the measurement is void: then it may panic.
# What no tool can do without: size and times of each file, in order, by one thread or more.
STAT = """
use std::path::{Path, PathBuf};

fn main() {
    let mut words = std::env::args().skip(1);
    let root = PathBuf::from(words.next().unwrap());
    let mut number = || words.next().unwrap().parse::<usize>().unwrap();
    let (count, threads) = (number(), number());
    let look = |root: &Path, part: usize| {
        for at in part * count / threads..(part + 1) * count / threads {
            let name = format!("{:04}/{:02}.txt", at / 100, at % 100);
            std::fs::symlink_metadata(root.join(name)).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for part in 1..threads {
            let (root, look) = (&root, &look);
            scope.spawn(move || look(root, part));
        }
        look(&root, 0);
    });
}
"""


class Ask(NamedTuple):
    """What is asked: its name in the output, the command, where it runs, what it must say."""

    name: str
    command: list[str]
    where: str
    says: str = ""


def names(count):
    """The paths of so many files, in folders of 100."""
    return [f"{at // 100:04}/{at % 100:02}.txt" for at in range(count)]


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def own(tarsia, folder, count):
    """A workspace in which one crate has the files; they are inputs because they are in its folder."""
    home = f"{folder}/tarsia"
    for part in ["components", "products", "profiles"]:
        shutil.copytree(part, f"{home}/{part}")
    for name in names(count):
        write(f"{home}/{CRATE}/data/{name}", f"content of {name}\n")
    command = [tarsia, "--cache-dir", f"{folder}/cache", "build", PRODUCT]
    return Ask("tarsia", command, home, "up to date")


def steps(count):
    """Each step's output and what it reads: the first from one source, the others from earlier ones."""
    chance = random.Random(count)
    outputs = names(count)
    for at, output in enumerate(outputs):
        earlier = outputs[max(0, at - NEAR) : at]
        yield output, chance.sample(earlier, min(NEEDS, len(earlier))) or ["source"]


def make(folder, count):
    rules = [f"{output}: {' '.join(reads)}\n\t@cp {reads[0]} $@\n" for output, reads in steps(count)]
    text = f".PHONY: all\nall: {' '.join(names(count))}\n{''.join(rules)}"
    write(f"{folder}/Makefile", text)
    return ["make", "-r", "-R", f"-j{os.cpu_count()}"], "Nothing to be done"


def ninja_file(folder, count):
    rule = "rule cp\n  command = cp $from $out\n"
    edges = [
        f"build {output}: cp {' '.join(reads)}\n  from = {reads[0]}\n" for output, reads in steps(count)
    ]
    write(f"{folder}/build.ninja", rule + "".join(edges))


def ninja(folder, count):
    ninja_file(folder, count)
    return ["ninja"], "no work to do"


def samurai(folder, count):
    ninja_file(folder, count)
    return ["samu"], "nothing to do"


def n2(folder, count):
    ninja_file(folder, count)
    return ["n2"], "no work to do"


PEERS = [(make, "make"), (ninja, "ninja"), (samurai, "samu"), (n2, "n2")]


def peer(describe, folder, count):
    """A folder in which a tool has only to look."""
    home = f"{folder}/{describe.__name__}"
    write(f"{home}/source", "content\n")
    for name in names(count)[::100]:
        os.makedirs(os.path.dirname(f"{home}/{name}"), exist_ok=True)
    command, says = describe(home, count)
    return Ask(describe.__name__, command, home, says)


def stat(folder, count):
    program = f"{folder}/stat"
    subprocess.run(["rustc", "-O", "-o", program, "-"], input=STAT.encode(), check=True)
    data = f"{folder}/tarsia/{CRATE}/data"

    def ask(name, root, threads):
        return Ask(name, [program, root, str(count), str(threads)], data)

    # The tools look from their working folder; whole paths take the kernel longer.
    return [
        ask("stat, 1 thread", ".", 1),
        ask("stat, 2 threads", ".", 2),
        ask("stat, whole paths", data, 1),
    ]


def run(ask, settled=True):
    """How many seconds it takes."""
    start = time.perf_counter()
    done = subprocess.run(ask.command, cwd=ask.where, capture_output=True)
    taken = time.perf_counter() - start
    said = done.stdout.decode() + done.stderr.decode()
    if done.returncode != 0 or (settled and ask.says not in said):
        sys.exit(f"{ask.name} ended with {done.returncode}: {said[-2000:]}")
    return taken


def quiet():
    """Waits until the machine has little else to do, but not for ever."""
    end = time.monotonic() + PATIENCE
    while os.getloadavg()[0] > 2.5 and time.monotonic() < end:
        time.sleep(5)
    print(f"load average {os.getloadavg()[0]:.1f}")


def measure(tarsia, count):
    with tempfile.TemporaryDirectory() as folder:
        asks = [own(tarsia, folder, count)]
        asks += [peer(what, folder, count) for what, program in PEERS if shutil.which(program)]
        for ask in asks:
            print(f"{count} files, built once by {ask.name}: {run(ask, settled=False):.1f} s", flush=True)
        asks += stat(folder, count)
        # Files that are younger than a second are looked at again by Tarsia, and nobody's first
        # answer is counted.
        time.sleep(2)
        for ask in asks:
            run(ask)
        quiet()
        times = {ask.name: [] for ask in asks}
        for _ in range(ROUNDS):
            for ask in asks:
                times[ask.name].append(run(ask))
        tell(times)


def tell(times):
    own_time = statistics.median(times["tarsia"])
    for name, taken in times.items():
        middle = statistics.median(taken)
        low, high = statistics.quantiles(taken, n=4)[::2]
        spread = f"quartiles {low * 1000:.1f} to {high * 1000:.1f}"
        print(f"{name:18} {middle * 1000:8.1f} ms ({spread}), {middle / own_time:6.2f} of tarsia")


def main():
    tarsia, *counts = sys.argv[1:]
    for _, program in PEERS:
        if not shutil.which(program):
            print(f"not installed: {program}")
    for count in counts or ["10000", "100000"]:
        measure(os.path.abspath(tarsia), int(count))


if __name__ == "__main__":
    main()
