#!/usr/bin/python3
"""The benchmark: starts retaind on loopback with real fdatasync and prints medians.

    bench/run.py BIN_DIR LOAD [--quick]

BIN_DIR holds retaind and retain-worker, LOAD is the producer built from bench/load.c. Cases alternate within a round, so
that whatever else the machine does meets them alike; figures are medians over the rounds, and ratios are within one run."""
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

SEED = 20240229


class Daemon:
    """retaind on a state directory of its own; ends with the block."""

    def __init__(self, bin_dir, state, workers=2):
        self.bin_dir, self.state, self.workers = bin_dir, state, workers

    def start(self):
        listen = [f"listen.{name}=tcp://127.0.0.1:0" for name in ("events", "firehose", "alerts", "query")]
        options = listen + ["listen.http=127.0.0.1:0", f"workers.count={self.workers}"]
        began = time.monotonic()
        self.process = subprocess.Popen(
            [os.path.join(self.bin_dir, "retaind"), "--state-dir", self.state]
            + [word for option in options for word in ("-o", option)],
            stderr=open(os.path.join(self.state, "log"), "ab"))
        path = os.path.join(self.state, "endpoints")
        while not os.path.exists(path):
            if self.process.poll() is not None:
                sys.exit("retaind ended: see " + os.path.join(self.state, "log"))
            time.sleep(0.002)
        self.start_seconds = time.monotonic() - began
        self.endpoints = dict(line.split() for line in open(path))
        return self

    def environment(self):
        return dict(os.environ, RETAIND_EVENTS=self.endpoints["events"],
                    RETAIND_ALERTS=self.endpoints["alerts"], RETAIND_QUERY=self.endpoints["query"])

    def processes(self):
        pids = [self.process.pid]
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat") as stat:
                        if int(stat.read().rsplit(")", 1)[1].split()[1]) == self.process.pid:
                            pids.append(int(entry))
                except OSError:
                    pass
        return pids

    def resident_bytes(self):
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/status") as status:
                total += int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1)) * 1024
        return total

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


def load(daemon, tool, *words):
    result = subprocess.run([tool] + [str(word) for word in words], env=daemon.environment(),
                            stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout)


def median(values):
    return statistics.median(values)


def throughput(bin_dir, tool, base, rounds, scale):
    cases = {"1 event a message": (int(200_000 * scale), 1, 20_000, 4_000),
             "100 events a message": (int(2_000_000 * scale), 100, 20_000, 200)}
    rates = {name: [] for name in cases}
    for turn in range(rounds):
        for name, (events, batch, accounts, window) in cases.items():
            state = tempfile.mkdtemp(dir=base)
            with Daemon(bin_dir, state) as daemon:
                rates[name].append(load(daemon, tool, "throughput", events, batch, accounts, window,
                                        SEED + turn)["events_per_s"])
            shutil.rmtree(state)
    for name, values in rates.items():
        print(f"acknowledged events/s, {name}: {median(values):,.0f}   (rounds: "
              + " ".join(f"{value:,.0f}" for value in values) + ")")
    single, packed = (median(values) for values in rates.values())
    print(f"ratio packed : single = {packed / single:.1f}")


def latency(bin_dir, tool, base, seconds):
    state = tempfile.mkdtemp(dir=base)
    with Daemon(bin_dir, state) as daemon:
        result = load(daemon, tool, "latency", 1000, seconds, 1, 20_000, 125 * seconds, SEED)
    shutil.rmtree(state)
    print(f"at 1,000 events/s, {result['alerts']} alerts, {result['unheard']} unheard:")
    for name, label in (("ack", "push-to-ack"), ("alert", "push-to-alert")):
        print(f"  {label} ms: p50 {result[name + '_p50_ms']:.2f}  p99 {result[name + '_p99_ms']:.2f}"
              f"  p99.9 {result[name + '_p999_ms']:.2f}")


def restart(bin_dir, tool, base, counts):
    for count in counts:
        state = tempfile.mkdtemp(dir=base)
        with Daemon(bin_dir, state) as daemon:
            empty = daemon.resident_bytes()
            load(daemon, tool, "accounts", count)
            full = daemon.resident_bytes()
        with Daemon(bin_dir, state) as daemon:
            clean, loaded = daemon.start_seconds, daemon.resident_bytes()
            for pid in daemon.processes():
                os.kill(pid, signal.SIGKILL)
            daemon.process.wait()
        os.unlink(os.path.join(state, "endpoints"))
        with Daemon(bin_dir, state) as daemon:
            crash = daemon.start_seconds
        print(f"{count:,} accounts: start {clean:.2f} s after a clean stop, {crash:.2f} s after kill -9; "
              f"RSS/account {(full - empty) / count:.0f} bytes while loading, "
              f"{(loaded - empty) / count:.0f} after a start")
        shutil.rmtree(state)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    bin_dir, tool = sys.argv[1:3]
    quick = "--quick" in sys.argv
    base = tempfile.mkdtemp(prefix="retaind-bench.")
    print(f"machine: {os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}")
    try:
        throughput(bin_dir, tool, base, 1 if quick else 3, 0.2 if quick else 1)
        latency(bin_dir, tool, base, 3 if quick else 10)
        restart(bin_dir, tool, base, [100_000] if quick else [100_000, 1_000_000])
    finally:
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
