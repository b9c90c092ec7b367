#!/usr/bin/env python3
"""What the local stack does in a second, what CPU a message costs which process, and how long a
click takes: blobs on the disk and in memory in turn, since the machine has other work too.

Prints tables, and with --write puts them into RESULTS.md. Expects the builds that `just stack-speed`
makes. Needs Linux (/proc) and nothing beside Python.
"""

import argparse
import datetime
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = pathlib.Path(os.environ.get("STACK_PROGRAMS", ROOT / "target/release"))
TICKS = os.sysconf("SC_CLK_TCK")
KINDS = [("on disk", []), ("in memory", ["--in-memory"])]
HEADING = "\n## The local stack\n"


class Stack:
    """A running stack in a folder of its own; it ends with the block."""

    def __init__(self, *options):
        self.app = pathlib.Path(tempfile.mkdtemp())
        (self.app / "infra/logicapp").mkdir(parents=True)
        for name in ["host.json", "infra/logicapp/fallback.definition.json"]:
            shutil.copy(ROOT / name, self.app / name)
        shutil.copytree(ROOT / "OrderItemsReserver", self.app / "OrderItemsReserver")
        settings = (ROOT / "local.settings.json").read_text()
        handler = str(PROGRAMS / "order-items-reserver")
        settings = settings.replace("target/debug/order-items-reserver", handler)
        (self.app / "local.settings.json").write_text(settings)
        command = [PROGRAMS / "order-items-local", "--root", self.app, "--ports", "auto"]
        self.said = open(self.app / "said", "wb")
        self.process = subprocess.Popen(
            [*command, "--no-build", *options], stdout=self.said, stderr=self.said
        )
        end = time.monotonic() + 30
        while not (self.app / ".local/stack.json").exists():
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit((self.app / "said").read_text())
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.said.close()
        shutil.rmtree(self.app)

    def load(self, *options):
        """The report of `load`, and the CPU seconds it took itself."""
        before = os.times()
        command = [PROGRAMS / "order-items-local", "--root", self.app, "load", "--json"]
        report = json.loads(subprocess.run([*command, *options], stdout=subprocess.PIPE).stdout)
        after = os.times()
        if not report["kept"]:
            raise SystemExit(f"the promise was broken: {json.dumps(report, indent=2)}")
        own = after.children_user - before.children_user
        return report, own + after.children_system - before.children_system

    def cpu(self):
        """CPU seconds so far, by program; several processes of one are one."""
        stack = self.process.pid
        tasks = pathlib.Path(f"/proc/{stack}/task").glob("*/children")
        children = {int(pid) for task in tasks for pid in task.read_text().split()}
        sums = {}
        for pid in {stack, *children}:
            name, fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)
            user, system = fields.split()[11:13]
            name = name.split("(", 1)[1]
            sums[name] = sums.get(name, 0) + (int(user) + int(system)) / TICKS
        return {
            "stack": sums.get("order-items-loc", 0),
            "handler": sums.get("order-items-res", 0),
            "PetStore": sums.get("petstore", 0),
        }


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def messages(seconds, rounds):
    """As many as it takes, round by round."""
    results = {name: [] for name, _ in KINDS}
    for _ in range(rounds):
        for name, options in KINDS:
            with Stack("--no-petstore", *options) as stack:
                before = stack.cpu()
                report, own = stack.load("--max", "--for", f"{seconds}s")
                used = {of: cpu - before[of] for of, cpu in stack.cpu().items()}
            accepted = report["messages"]["accepted"]
            each = {of: 1e6 * cpu / accepted for of, cpu in used.items()}
            results[name].append((report["storedThroughput"], accepted, each, 1e6 * own / accepted))
    rates = {name: statistics.median(r[0] for r in of) for name, of in results.items()}
    # Of each round its own, one right after the other: what the machine does besides changes slowly.
    pairs = zip(results["on disk"], results["in memory"])
    ratio = statistics.median(disk[0] / memory[0] for disk, memory in pairs)
    yield (
        f"`load --max` for {seconds} s, {rounds} rounds in turns, the median of each: 50 "
        f"sessions, each with its next cart as soon as the queue has the last. On disk it is {ratio:.2f} of what it is in "
        "memory, in the round in the middle."
    )
    yield ""
    yield row("blobs", "stored a second", "of each round", "µs CPU, stack", "µs CPU, handler", "µs CPU, `load`")
    yield row("---", "---:", "---", "---:", "---:", "---:")
    for name, rows in results.items():
        all_rates = ", ".join(f"{rate:.0f}" for rate, *_ in rows)
        middle = lambda of: f"{statistics.median(map(of, rows)):.0f}"
        yield row(
            name, f"{rates[name]:.0f}", all_rates, middle(lambda r: r[2]["stack"]),
            middle(lambda r: r[2]["handler"]), middle(lambda r: r[3]),
        )


def clicks(seconds, rate):
    """At a fixed rate, at one instance of the shop and at two."""
    yield (
        f"`load --shoppers 100 --rate {rate}` for {seconds} s: from the moment a click is due until "
        "the page has confirmed it, in milliseconds. The CPU is of the whole way, to the orders' blob."
    )
    yield ""
    yield row("blobs", "shops", "clicks", "p50", "p99", "p99.9", "µs CPU, PetStore", "µs CPU, stack", "µs CPU, handler")
    yield row("---", "---:", "---:", "---:", "---:", "---:", "---:", "---:", "---:")
    for shops in [1, 2]:
        for name, options in KINDS:
            with Stack("--shops", str(shops), *options) as stack:
                before = stack.cpu()
                report, _ = stack.load("--shoppers", "100", "--rate", str(rate), "--for", f"{seconds}s")
                used = {of: cpu - before[of] for of, cpu in stack.cpu().items()}
            of_clicks = report["clicks"]
            times = of_clicks["toConfirmed"]
            each = {of: f"{1e6 * cpu / of_clicks['clicks']:.0f}" for of, cpu in used.items()}
            yield row(
                name, shops, of_clicks["clicks"], times["p50"], times["p99"], times["p999"],
                each["PetStore"], each["stack"], each["handler"],
            )


def way():
    """Stretch by stretch, as the parts themselves have the moments: local/stack/tests/it/way.rs."""
    command = ["cargo", "test", "--quiet", "--profile", "harness", "--package", "stack"]
    command += ["--test", "it", "way", "--", "--ignored", "--nocapture"]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    yield (
        "Where the time of a message goes, in microseconds, medians of messages that come at a fixed "
        "rate: the stack in a test's process, without link-time optimisation, the handler in its own. "
        "Settling is what is left of a message's time when its answer is back."
    )
    yield ""
    yield from (line for line in told.splitlines() if line.startswith("|"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=int, nargs="?", default=20)
    parser.add_argument("rounds", type=int, nargs="?", default=3)
    parser.add_argument("--only", choices=["messages", "clicks", "way"])
    parser.add_argument("--write", action="store_true", help="into RESULTS.md")
    chosen = parser.parse_args()
    sections = {
        "messages": lambda: messages(chosen.seconds, chosen.rounds),
        "clicks": lambda: clicks(chosen.seconds, 100),
        "way": way,
    }
    now = datetime.datetime.now(datetime.timezone.utc)
    lines = [
        HEADING.strip(), "",
        f"Written by `just stack-speed`, {now:%Y-%m-%d %H:%M} UTC, {PROGRAMS.name} build, "
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start.",
    ]
    print("\n".join(lines), flush=True)
    for name, section in sections.items():
        if chosen.only in (None, name):
            for line in ["", *section()]:
                lines.append(line)
                print(line, flush=True)
    if chosen.write:
        results = ROOT / "benches/RESULTS.md"
        before = results.read_text().split(HEADING, 1)[0]
        results.write_text(before + "\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
