#!/usr/bin/python3
"""Where the nanoseconds of an event go: CPU time of each thread, and of each function in it.

    bench/profile.py BIN_DIR [packed|single] [--events N] [--accounts N] [--top N] [--results DIR]

Runs retaind under its own producer, reads what the scheduler says of each thread, and samples with perf on the CPU clock (no
hardware counters needed). A figure is CPU time per event of all threads together, so that other programs on the machine make the
run longer and the figures hardly larger. Prints Markdown and writes it to DIR/profile-packed.md or profile-single.md
(bench/results)."""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402
import servers  # noqa: E402

SEED = 20240229
SAMPLES_S = 1999
LEAST_NS = 1.0


def threads(daemon):
    """CPU ns by (program, thread)."""
    times = {}
    for pid in daemon.processes():
        program = "daemon" if pid == daemon.process.pid else "workers"
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/comm") as file:
                name = file.read().strip()
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                spent = int(file.read().split()[0])
            name = name if int(task) != pid else "main loop"
            times[program, name] = times.get((program, name), 0) + spent
    return times


def record(daemon, load, data):
    pids = ",".join(str(pid) for pid in daemon.processes())
    perf = subprocess.Popen(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_S), "-o", data, "-p", pids],
                            stderr=subprocess.DEVNULL)
    before = threads(daemon)
    result = daemon.load(*load)
    after = threads(daemon)
    perf.send_signal(signal.SIGINT)
    perf.wait()
    return result, {key: after[key] - before.get(key, 0) for key in after}


def functions(data):
    """Share of all samples by (program, function)."""
    text = subprocess.run(["perf", "report", "-i", data, "--stdio", "--no-children", "-q", "-F",
                           "overhead,comm,dso,symbol", "-t", ";"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, check=True).stdout
    shares = {}
    for line in text.splitlines():
        parts = [part.strip() for part in line.split(";")]
        if len(parts) != 4:
            continue
        share, comm, dso, symbol = parts
        program = {"retaind": "daemon", "retain-worker": "workers"}.get(comm, f"daemon, {comm}")
        symbol = re.sub(r"^\[(.)\] ", lambda found: "kernel: " if found[1] == "k" else "", symbol)
        if symbol.startswith("0x"):
            symbol = os.path.basename(dso)
        shares[program, symbol] = shares.get((program, symbol), 0) + float(share.rstrip("%")) / 100
    return shares


def tables(machine, result, spent, shares, top):
    events = result["events"]
    total = sum(spent.values()) / events
    lines = [f"Made by `bench/profile.py` on {report.machine_line(machine)}.", "",
             f"{events:,} events, {result['batch']} a message: {total:.0f} ns of CPU an event, the producer's apart; "
             f"{result['events_per_s']:,.0f} events/s meanwhile.", "", "| thread | ns an event |", "| --- | --- |"]
    lines += [f"| {program}: {name} | {ns / events:.0f} |" for (program, name), ns in sorted(spent.items(), key=lambda item: -item[1])
              if ns / events >= LEAST_NS]
    lines += ["", "| function | ns an event |", "| --- | --- |"]
    lines += [f"| {program}: `{name}` | {share * total:.0f} |"
              for (program, name), share in sorted(shares.items(), key=lambda item: -item[1])[:top] if share * total >= LEAST_NS]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("form", nargs="?", choices=("packed", "single"), default="packed")
    parser.add_argument("--events", type=int)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--top", type=int, default=25)
    parser.add_argument("--results", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "results"))
    args = parser.parse_args()
    batch, window = (100, 200) if args.form == "packed" else (1, 20_000)
    events = args.events or (3_000_000 if batch > 1 else 600_000)
    base = tempfile.mkdtemp(prefix="retaind-bench.")
    try:
        machine = servers.machine(args.bin_dir, base)
        with servers.Retaind(args.bin_dir, base, accounts=args.accounts) as daemon:
            result, spent = record(daemon, ["throughput", events, batch, args.accounts, window, SEED], os.path.join(base, "perf.data"))
        text = tables(machine, result, spent, functions(os.path.join(base, "perf.data")), args.top)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    print(text)
    os.makedirs(args.results, exist_ok=True)
    with open(os.path.join(args.results, f"profile-{args.form}.md"), "w") as file:
        file.write(text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as fault:
        sys.exit(f"profile: {fault}")
