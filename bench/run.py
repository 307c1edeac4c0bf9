#!/usr/bin/python3
"""retaind alone: what it costs to hold many accounts, to start, to snapshot, to recognise what was sent before.

    bench/run.py BIN_DIR [--quick] [--accounts N] [--results DIR]

Two daemons, one with 1,000 accounts and one with many, take turns, so that whatever else the machine does meets them alike, and so do
100 events a message and one. A tenth of the many is looked at beside. They have a profile each (12-byte name, owner, tier, value, renewal). fdatasync is real. Prints the figures and writes
DIR/alone.json and DIR/alone.md (bench/results); a number of accounts other than a million is in the names of those files."""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402
import servers  # noqa: E402

SEED = 20240229
FEW, BATCH, WINDOW = 1000, 100, 200
SINGLE_PART, SINGLE_WINDOW = 5, 20  # of the events; times as many messages without an answer
NEVER = ["snapshot.interval_ms=86400000", "snapshot.bytes=1024G"]
ALWAYS = ["snapshot.interval_ms=100"]


def metric(daemon, name):
    """Of all workers together."""
    with urllib.request.urlopen(f"http://{daemon.endpoints['http']}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? ([0-9.e+]+)$", text, re.MULTILINE))


def used_bytes(path):
    """Up to the last byte that is not zero: segments are made large beforehand."""
    at = os.path.getsize(path)
    with open(path, "rb") as file:
        while at > 0:
            size = min(at, 1 << 20)
            file.seek(at - size)
            kept = file.read(size).rstrip(b"\0")
            if kept:
                return at - size + len(kept)
            at -= size
    return 0


def journal_bytes(daemon):
    """Of records, and of the index of identities beside them."""
    folder = os.path.join(daemon.state, "journal")
    sizes = {".seg": 0, ".idx": 0}
    for name in os.listdir(folder):
        ending = os.path.splitext(name)[1]
        if ending == ".seg":
            sizes[ending] += used_bytes(os.path.join(folder, name))
        elif ending == ".idx":
            sizes[ending] += os.path.getsize(os.path.join(folder, name))
    return sizes[".seg"], sizes[".idx"]


def again(daemon, options):
    """Stops it cleanly and starts it on the same state."""
    servers.end(daemon.process)
    daemon.options = list(options)
    return daemon.start()


def idle_share(daemon, seconds):
    before, began = servers.cpu_ns(daemon.processes()), time.monotonic()
    time.sleep(seconds)
    return (servers.cpu_ns(daemon.processes()) - before) / 1e9 / (time.monotonic() - began)


def fill(args, base, accounts, found, prefix=""):
    """A daemon that has all accounts in its snapshot and nothing behind it."""
    daemon = servers.Retaind(args.bin_dir, base, options=NEVER).start()
    empty = daemon.resident_bytes()
    daemon.load("profiles", accounts)
    found[prefix + "rss_account_loading_bytes"] = (daemon.resident_bytes() - empty) / accounts
    again(daemon, NEVER)
    found[prefix + "start_clean_s"] = daemon.start_seconds
    found[prefix + "rss_account_bytes"] = (daemon.resident_bytes() - empty) / accounts
    return daemon


def a_tenth(args, base, found):
    daemon = fill(args, base, args.accounts // 10, found, "tenth_")
    daemon.kill()
    daemon.start()
    found["tenth_restart_s"] = daemon.start_seconds
    daemon.__exit__()


def growth(args, few, many, found):
    rates = {"few": [], "many": [], "single": []}
    events = args.events // args.rounds // BATCH * BATCH
    resident, identities = [], []
    for turn in range(args.rounds):
        for name, daemon, accounts in (("few", few, FEW), ("many", many, args.accounts)):
            rates[name].append(daemon.load("throughput", events, BATCH, accounts, WINDOW, SEED + turn)["events_per_s"])
        single = few.load("throughput", events // SINGLE_PART, 1, FEW, WINDOW * SINGLE_WINDOW, SEED + 500 + turn)
        rates["single"].append(single["events_per_s"])
        resident.append(few.resident_bytes())
        identities.append(metric(few, "retaind_worker_identities"))
    found["events_per_s_few"] = statistics.median(rates["few"])
    found["events_per_s_many"] = statistics.median(rates["many"])
    found["events_per_s_single"] = statistics.median(rates["single"])
    found["rounds"] = rates
    found["dedupe_bytes_event"] = metric(many, "retaind_worker_dedupe_bytes") / metric(many, "retaind_worker_identities")
    if len(resident) > 1:
        found["rss_bytes_event"] = (resident[-1] - resident[0]) / (identities[-1] - identities[0])
    records, index = journal_bytes(few)
    received = metric(few, "retaind_received_bytes_total")
    found["journal_bytes_byte"], found["index_bytes_byte"] = records / received, index / received


def restart(daemon, found):
    """What the crash left: every account in the snapshot, all events of the growth behind it. The page cache is warm."""
    daemon.kill()
    daemon.options = NEVER
    daemon.start()
    found["restart_s"] = daemon.start_seconds


def snapshots(args, daemon, found):
    """p99 without any snapshot, and with one after the other."""
    runs = {"without": [], "with": []}
    seed = SEED + 1000  # never twice: what was sent before raises no alert
    for _ in range(args.latency_rounds):
        for name, options in (("without", NEVER), ("with", ALWAYS)):
            again(daemon, options)
            daemon.load("throughput", 100 * BATCH, BATCH, args.accounts, WINDOW, seed + 1)  # so that there is something to write
            runs[name].append(daemon.load("latency", 1000, args.latency_s, 1, args.accounts, 200 * args.latency_s, seed + 2))
            seed += 2
    for name, results in runs.items():
        for key in ("ack_p99_ms", "alert_p99_ms", "alert_p50_ms"):
            found[f"{name}_snapshots_{key}"] = statistics.median(result[key] for result in results)
    found["snapshot_alerts"] = runs["with"][0]["alerts"]


def measure(args, base):
    found = {"accounts": args.accounts, "events": args.events}
    a_tenth(args, base, found)
    with servers.Retaind(args.bin_dir, base, accounts=FEW) as few:
        many = fill(args, base, args.accounts, found)
        try:
            found["idle_cpu_percent"] = 100 * idle_share(many, args.idle_s)
            growth(args, few, many, found)
            restart(many, found)
            snapshots(args, many, found)
        finally:
            many.__exit__()
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--quick", action="store_true", help="a tenth of it: to see whether all of it works")
    parser.add_argument("--accounts", type=int, help="1,000,000 unless it says another number")
    parser.add_argument("--results", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "results"))
    args = parser.parse_args()
    small = 10 if args.quick else 1
    args.accounts = args.accounts or 1_000_000 // small
    args.events, args.rounds = 5_000_000 // small, 2 if args.quick else 3
    args.idle_s, args.latency_s, args.latency_rounds = 10 // small, 6 // (small if small == 1 else 3), 1 if args.quick else 2
    base = tempfile.mkdtemp(prefix="retaind-bench.")
    try:
        machine = servers.machine(args.bin_dir, base)
        print(report.machine_line(machine), flush=True)
        found = measure(args, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    name = "alone" if args.accounts == 1_000_000 else f"alone-{args.accounts}"
    report.write(args.results, name, {"machine": machine, "alone": found})


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, subprocess.CalledProcessError) as fault:
        sys.exit(f"bench: {fault}")
