#!/usr/bin/python3
"""The benchmarks with tiny numbers: everything that was sent is answered and every alert heard, by retaind and by the miniature it
is measured beside, over each transport. No figure of speed is judged: they are true on a quiet machine alone."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))
import run  # noqa: E402
import servers  # noqa: E402

BUILD = os.environ.get("RETAIND_BUILD_DIR", "build")
SEED = int(os.environ.get("RETAIND_TEST_SEED", "1"))


def check(what, good):
    if not good:
        sys.exit(f"FAILED {what} (RETAIND_TEST_SEED={SEED})")


def throughput(server, events, batch, window, seed, zipf=()):
    result = server.load("throughput", events, batch, 50, window, seed, *zipf)
    check(f"{server.name}: {events} events by {batch}: {result}", result["events"] == events and result["events_per_s"] > 0)


def latency(server, seed):
    result = server.load("latency", 500, 1, 1, 50, 50, seed)
    check(f"{server.name}: latency: {result}", result["events"] == 500 and result["unanswered"] == result["refused"] == 0
          and result["alerts"] == 50 and result["unheard"] == 0)
    for name in ("ack", "alert"):
        p50, p99, p999, most = (result[f"{name}_{q}_ms"] for q in ("p50", "p99", "p999", "max"))
        check(f"{server.name}: {name} quantiles: {result}", 0 < p50 <= p99 <= p999 <= most)


def both(base, kind):
    for options in ({}, {"transport": "ipc"}, {"curve": True}):
        with kind(BUILD, base, **options) as server:
            throughput(server, 2000, 100, 10, SEED)
            throughput(server, 200, 1, 50, SEED + 1, ["zipf"])
            latency(server, SEED + 2)
    print(f"ok {kind.name}: tcp, ipc, CURVE")


def counts(base):
    """What was acknowledged is what retaind counts, and what its figures are made of can be read."""
    with servers.Retaind(BUILD, base, accounts=30, options=run.NEVER) as daemon:
        throughput(daemon, 2000, 100, 10, SEED)
        accepted = run.metric(daemon, "retaind_events_accepted_total")
        check(f"accepted: {accepted}", accepted == 2030)
        records, _ = run.journal_bytes(daemon)
        received = run.metric(daemon, "retaind_received_bytes_total")
        check(f"journal: {records} bytes for {received}", received < records < 2 * received)
        check("RSS", daemon.resident_bytes() > 0)
        check("CPU", daemon.measure("throughput", 2000, 100, 50, 10, SEED + 3)["cpu_ns_event"] > 0)
        daemon.kill()
        daemon.start()
        throughput(daemon, 100, 100, 10, SEED + 1)
        run.again(daemon, run.ALWAYS)
        latency(daemon, SEED + 2)
    print("ok figures of retaind alone")


def slow_disk(base):
    """One message at a time, ten of them: no faster than ten syncs. That is a lower bound, whatever the machine does."""
    for kind in (servers.Limit, servers.Retaind):
        with kind(BUILD, base, slow_us=20_000) as server:
            result = server.load("throughput", 10, 1, 50, 1, SEED)
            check(f"{server.name}: ten syncs of 20 ms: {result}", result["seconds"] >= 0.2)
    print("ok slow disk")


def main():
    with tempfile.TemporaryDirectory(prefix="retaind-bench.") as base:
        both(base, servers.Limit)
        both(base, servers.Retaind)
        counts(base)
        if os.environ.get("RETAIND_SANITIZED"):
            print("the slow disk is left out: nothing may be loaded before the sanitizer")
        else:
            slow_disk(base)


if __name__ == "__main__":
    main()
