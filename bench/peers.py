#!/usr/bin/python3
"""retaind beside the queues that people would otherwise use, doing the same job on this machine in the same run.

    bench/peers.py BIN_DIR [--quick] [--big] [--systems NAME,...] [--only throughput|latency] [--rounds N] [--case WORD]
                           [--results DIR]

Systems take turns within a round, so that whatever else the machine does meets them alike; each run is a fresh server in a
directory of its own. Figures are medians over the rounds. Producer, server and worker share the machine's cores. An event
counts when the answer to it has come: for retaind, Redis and the limit after fdatasync, for NATS after a write (its version in
Debian 12 syncs every two minutes). The peers' workers decode with retaind's reader and keep retaind's state, score and
alerts in memory. "Done" is acknowledged and worked off, which for retaind is the same; what a queue alone has acknowledged while
its worker falls behind is told beside it.

Prints tables and writes DIR/peers.json, DIR/peers.md and DIR/*.svg (bench/results)."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import report  # noqa: E402
import servers  # noqa: E402

SEED = 20240229
SYSTEMS = {"retaind": servers.Retaind, "redis": servers.Redis, "nats": servers.Nats, "limit": servers.Limit}
BATCH = {"packed": 100, "single": 1}
WINDOW = {"packed": 200, "single": 20_000}  # messages without an answer: as many events in both forms
# Enough for a second or two of each.
EVENTS = {"packed": {"retaind": 3_000_000, "redis": 2_000_000, "nats": 1_500_000, "limit": 4_000_000},
          "single": {"retaind": 800_000, "redis": 200_000, "nats": 150_000, "limit": 1_000_000}}
SLOW_US = 2000


def case(title, form, accounts=1000, rounds=2, systems=tuple(SYSTEMS), zipf=False, scale=1.0, **options):
    return {"title": f"{form}, {title}", "form": form, "accounts": accounts, "rounds": rounds, "systems": systems,
            "zipf": zipf, "scale": scale, "options": options}


def cases(big):
    bare = ("retaind", "limit")
    synced = ("retaind", "redis", "limit")
    found = []
    for form in BATCH:
        found += [
            case("1,000 accounts", form, rounds=3),
            case("100,000 accounts, Zipf", form, 100_000, zipf=True),
            case("over ipc", form, transport="ipc", systems=synced),
            case("CURVE", form, curve=True, systems=bare),
            case("sync of 2 ms", form, slow_us=SLOW_US, systems=synced, scale=0.5),
        ]
        if big:
            found += [
                case("100,000 accounts", form, 100_000),
                case("1,000,000 accounts", form, 1_000_000),
                case("1,000,000 accounts, Zipf", form, 1_000_000, zipf=True),
                case("10,000,000 accounts", form, 10_000_000),
                case("10,000,000 accounts, Zipf", form, 10_000_000, zipf=True),
            ]
    return found


def measure_throughput(args, base, case, turn, name):
    batch = BATCH[case["form"]]
    events = int(EVENTS[case["form"]][name] * case["scale"] * args.scale) // batch * batch
    words = ["throughput", events, batch, case["accounts"], WINDOW[case["form"]], SEED + turn] + ["zipf"] * case["zipf"]
    with SYSTEMS[name](args.bin_dir, base, accounts=case["accounts"], **case["options"]) as server:
        return server.measure(*words)


def throughput(args, base):
    rows = []
    for one in cases(args.big):
        if args.case and args.case not in one["title"]:
            continue
        runs = {name: [] for name in one["systems"] if name in args.systems}
        for turn in range(args.rounds or one["rounds"]):
            for name in runs:
                runs[name].append(measure_throughput(args, base, one, turn, name))
        row = {"title": one["title"], "form": one["form"], "accounts": one["accounts"], "zipf": one["zipf"],
               "options": one["options"], "systems": {}}
        for name, results in runs.items():
            acked = [round(result["events_per_s"]) for result in results]
            worked = [round(result.get("worked_off_per_s", result["events_per_s"])) for result in results]
            row["systems"][name] = {"acknowledged": statistics.median(acked), "worked_off": statistics.median(worked),
                                    "cpu_ns_event": round(statistics.median(result["cpu_ns_event"] for result in results)),
                                    "rounds": acked, "rounds_worked_off": worked}
        rows.append(row)
        report.print_throughput(row)
    return rows


# ---- latency -----------------------------------------------------------------------------------------------------------------


def maximum(rows, form, name):
    """What the system keeps up with: acknowledged and worked off."""
    for row in rows:
        if row["form"] == form and not row["options"] and row["accounts"] == 1000 and name in row["systems"]:
            return row["systems"][name]["worked_off"]
    return None


def latency_cases(rows, form, name):
    top = maximum(rows, form, name)
    fixed = [("1,000 events/s", 1000, 5)] if form == "single" else []
    if top is None:
        return fixed
    return fixed + [("half the maximum", int(top * 0.5), 3), ("80 % of the maximum", int(top * 0.8), 3)]


def measure_latency(args, base, form, name, rate, seconds, turn):
    batch = BATCH[form]
    alerts = min(1250, rate * seconds // batch)
    with SYSTEMS[name](args.bin_dir, base, accounts=1000) as server:
        return server.load("latency", rate, seconds, batch, 1000, alerts, SEED + turn)


def latency(args, base, rows):
    """By form and load, the systems in turns; of the rounds the median of each quantile."""
    results = {}
    for turn in range(args.rounds or 2):
        for form in BATCH:
            for name in args.systems:
                for label, rate, seconds in latency_cases(rows, form, name):
                    run = measure_latency(args, base, form, name, rate, seconds, turn)
                    results.setdefault((form, label), {}).setdefault(name, []).append(run)
    table = []
    for (form, label), by_name in results.items():
        row = {"form": form, "title": f"{form}, {label}", "load": label, "systems": {}}
        for name, runs in by_name.items():
            row["systems"][name] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            row["systems"][name]["rounds_alert_p99_ms"] = [run["alert_p99_ms"] for run in runs]
        table.append(row)
        report.print_latency(row)
    return table


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--quick", action="store_true", help="one round of less: to see whether all of it works")
    parser.add_argument("--big", action="store_true", help="also a million and ten million accounts: some ten minutes more")
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--only", choices=("throughput", "latency"), help="latency alone measures the maximum once")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--case", help="only cases whose title holds this word")
    parser.add_argument("--results", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "results"))
    args = parser.parse_args()
    args.systems = [name for name in args.systems.split(",") if name]
    for name in args.systems:
        if name not in SYSTEMS:
            parser.error(f"no such system: {name} (there are {', '.join(SYSTEMS)})")
    args.scale = 0.1 if args.quick else 1
    if args.quick:
        args.rounds = args.rounds or 1
    if args.only == "latency":
        args.case, args.rounds = args.case or "1,000 accounts", args.rounds or 1
    return args


def main():
    args = arguments()
    base = tempfile.mkdtemp(prefix="retaind-bench.")
    try:
        machine = servers.machine(args.bin_dir, base)
        print(report.machine_line(machine), flush=True)
        rows = throughput(args, base)
        table = latency(args, base, rows) if args.only != "throughput" else []
    finally:
        shutil.rmtree(base, ignore_errors=True)
    report.write(args.results, "peers", {"machine": machine, "throughput": rows, "latency": table})


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (RuntimeError, subprocess.CalledProcessError) as fault:
        sys.exit(f"bench: {fault}")
