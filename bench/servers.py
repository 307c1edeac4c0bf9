"""What the benchmarks measure: each class starts one system on this machine alone, in a directory of its own, loads it with
`load`, and ends it by its process id. All take the same words for a load (bench/lib/drive.h) and answer with the same JSON."""
import glob
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time

LISTEN_PATIENCE_S = 60


def wait_for(what, ready, process):
    end = time.monotonic() + LISTEN_PATIENCE_S
    while not ready():
        if process.poll() is not None:
            raise RuntimeError(f"{what} ended with status {process.returncode}")
        if time.monotonic() > end:
            raise RuntimeError(f"{what} is not ready after {LISTEN_PATIENCE_S} s")
        time.sleep(0.005)


def end(process, patience=120):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ended_cpu_ns():
    """CPU time of all children that have ended and were waited for."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (spent.ru_utime + spent.ru_stime) * 1e9


def cpu_ns(pids):
    """CPU time of all threads that these processes have now."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
    return total


def run_load(words, environment):
    before = ended_cpu_ns()
    result = subprocess.run([str(word) for word in words], env=environment, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(result.stdout), client_cpu_ns=ended_cpu_ns() - before)


def children(pid):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as stat:
                    if int(stat.read().rsplit(")", 1)[1].split()[1]) == pid:
                        found.append(int(entry))
            except OSError:
                pass
    return found


class Server:
    """`bin_dir` is where make has built; `base` gets a directory that lives as long as the server; `slow_us` makes every sync
    of the server last so long."""

    def __init__(self, bin_dir, base, transport="tcp", curve=False, accounts=0, slow_us=0):
        self.bin_dir, self.transport, self.curve, self.accounts = bin_dir, transport, curve, accounts
        self.state = tempfile.mkdtemp(prefix=self.name + ".", dir=base)
        self.environment = dict(os.environ)
        self.server_environment = dict(os.environ)
        if slow_us:
            self.server_environment.update(LD_PRELOAD=os.path.abspath(f"{bin_dir}/bench/shim/slow_sync.so"),
                                           BENCH_SYNC_US=str(slow_us))

    def program(self, *parts):
        return os.path.join(self.bin_dir, *parts)

    def spawn(self, words, **options):
        with open(os.path.join(self.state, "log"), "ab") as log:
            return subprocess.Popen(words, env=self.server_environment, stderr=log, **options)

    def processes(self):
        return [self.process.pid] + children(self.process.pid)

    def measure(self, *words):
        """A load, and what it cost: the CPU time of producer, server and worker for each event."""
        before = cpu_ns(self.processes())
        result = self.load(*words)
        spent = cpu_ns(self.processes()) - before + result["client_cpu_ns"]
        return dict(result, cpu_ns_event=spent / result["events"])

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if hasattr(self, "process"):
            end(self.process)
        shutil.rmtree(self.state)


class ZeroServer(Server):
    """retaind and its miniature: the same protocol, the same producer."""

    def address(self, which):
        return "tcp://127.0.0.1:*" if self.transport == "tcp" else f"ipc://{self.state}/{which}"

    def keys(self):
        """One for the server, one for the producer; retainctl writes them as it does for an administrator."""
        if not self.curve or os.path.exists(os.path.join(self.state, "keys")):
            return None
        tool = self.program("retainctl")
        for words in (["server", "server"], ["admin", "bench", "--server", "server.secret"]):
            subprocess.run([os.path.abspath(tool), "keygen"] + words, cwd=self.state, check=True, stdout=subprocess.DEVNULL)
        os.mkdir(os.path.join(self.state, "keys"))
        shutil.move(os.path.join(self.state, "bench.key"), os.path.join(self.state, "keys"))
        found = {}
        for name in ("server", "bench"):
            with open(os.path.join(self.state, name + ".secret")) as file:
                found[name] = dict(line.strip().split("=", 1) for line in file if "=" in line)
        self.environment.update(BENCH_SERVER=found["server"]["public"], BENCH_PUBLIC=found["bench"]["public"],
                                BENCH_SECRET=found["bench"]["secret"])
        return found["server"]["secret"]

    def listen(self, process, what):
        path = os.path.join(self.state, "endpoints")
        wait_for(what, lambda: os.path.exists(path), process)
        with open(path) as file:
            self.endpoints = dict(line.split() for line in file)
        self.environment.update(RETAIND_EVENTS=self.endpoints["events"], RETAIND_ALERTS=self.endpoints["alerts"],
                                RETAIND_QUERY=self.endpoints.get("query", ""))

    def load(self, *words):
        return run_load([self.program("bench/load"), *words], self.environment)


class Retaind(ZeroServer):
    name = "retaind"

    def __init__(self, *arguments, options=(), **named):
        super().__init__(*arguments, **named)
        self.options = list(options)

    def start(self):
        options = [f"listen.{name}={self.address(name)}" for name in ("events", "firehose", "alerts", "query")]
        options.append("listen.http=127.0.0.1:0")
        if self.curve:
            self.keys()
            options += [f"access.server_key={self.state}/server.secret", f"access.keys={self.state}/keys"]
        began = time.monotonic()
        self.process = self.spawn([self.program("retaind"), "--state-dir", self.state]
                                  + [word for option in options + self.options for word in ("-o", option)])
        self.listen(self.process, "retaind")
        self.start_seconds = time.monotonic() - began
        if self.accounts:
            self.load("profiles", self.accounts)
            self.accounts = 0  # a second start has them
        return self

    def kill(self):
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        os.unlink(os.path.join(self.state, "endpoints"))

    def resident_bytes(self):
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/status") as status:
                total += int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1)) * 1024
        return total


class Limit(ZeroServer):
    """A miniature of retaind's pipeline with opaque events (bench/limit.c): there are no accounts to be filled in."""
    name = "limit"

    def start(self):
        secret = self.keys()
        if secret is not None:
            self.server_environment["LIMIT_SECRET"] = secret
        self.process = self.spawn([self.program("bench/limit"), self.state, self.address("events"), self.address("alerts")])
        self.listen(self.process, "limit")
        time.sleep(0.3)  # its space is being zeroed
        return self


class WorkedQueue(Server):
    """A queue with a worker process of ours behind it, which ends when it has worked off all events of a throughput."""

    def work(self, words, load):
        events = int(load[1]) if load[0] == "throughput" else 0
        batch = int(load[2 if load[0] == "throughput" else 3])
        at_once = 100 if batch > 1 else 1000
        worker = subprocess.Popen([self.program(words[0]), str(events), str(self.accounts), str(at_once)],
                                  env=self.environment, stdout=subprocess.PIPE, text=True)
        try:
            if worker.stdout.readline() != "ready\n":
                raise RuntimeError(f"{words[0]} did not start")
            result = run_load([self.program(words[1]), *load], self.environment)
            if events:
                done = json.loads(worker.stdout.readline())
                seconds = (done["done_ns"] - result["started_ns"]) / 1e9
                result["client_cpu_ns"] += done["cpu_ns"]
                result["worked_off_per_s"] = result["events"] / max(seconds, result["seconds"])
        finally:
            end(worker)
        return result


class Redis(WorkedQueue):
    """Redis Streams, synced before each answer; no rewriting of its log meanwhile, no snapshots. Four connections of the
    producer: with one it syncs for every 16 KiB."""
    name = "redis"

    def start(self):
        socket = os.path.join(self.state, "socket")
        port = 0
        if self.transport == "tcp":
            import socket as sockets
            with sockets.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
        self.process = self.spawn(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--unixsocket", socket,
                                   "--dir", self.state, "--save", "", "--appendonly", "yes", "--appendfsync", "always",
                                   "--auto-aof-rewrite-percentage", "0", "--daemonize", "no"], stdout=subprocess.DEVNULL)
        wait_for("redis-server", lambda: os.path.exists(socket), self.process)
        self.environment.setdefault("REDIS_CONNECTIONS", "4")
        self.environment["REDIS_ADDRESS"] = str(port) if port else socket
        return self

    def load(self, *words):
        return self.work(["bench/peers/redis_worker", "bench/peers/redis_load"], words)


class Nats(WorkedQueue):
    """NATS JetStream, stream in files. Its acknowledgement is not synced: this version has no setting that would."""
    name = "nats"

    def start(self):
        config = os.path.join(self.state, "config")
        with open(config, "w") as file:
            file.write(f'listen: "127.0.0.1:-1"\nports_file_dir: "{self.state}"\n'
                       f'jetstream {{ store_dir: "{self.state}/store", max_file_store: 40GB }}\n')
        self.process = self.spawn(["nats-server", "-c", config, "-l", os.path.join(self.state, "log")])
        ports = os.path.join(self.state, "*.ports")
        wait_for("nats-server", lambda: any(os.path.getsize(path) for path in glob.glob(ports)), self.process)
        with open(glob.glob(ports)[0]) as file:
            self.environment["NATS_ADDRESS"] = json.load(file)["nats"][0]
        return self

    def load(self, *words):
        return self.work(["bench/peers/nats_worker", "bench/peers/nats_load"], words)


def version(words, pattern=r"\d+\.\d+\.\d+"):
    try:
        output = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    except OSError:
        return "not here"
    found = re.search(pattern, output)
    return found.group(0) if found else "?"


def machine(bin_dir, base):
    """What the figures depend on, as a map for people; `base` lies on the disk that is measured."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read()).group(1)) // (1 << 20)
    kernel = os.uname()
    return {
        "cpu": model.group(1) if model else kernel.machine,
        "cores": os.cpu_count(),
        "memory_gib": memory,
        "kernel": f"{kernel.sysname} {kernel.release}",
        "sync_of_12_kib_us": disk_sync_us(base),
        "retaind": version([os.path.join(bin_dir, "retaind"), "--version"]),
        "redis": version(["redis-server", "--version"]),
        "nats": version(["nats-server", "--version"]),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "load_before": round(os.getloadavg()[0], 1),
    }


def disk_sync_us(base, count=200, size=12288):
    """Median of a sync of 12 KiB written over a file that is there already: what a commit costs here."""
    path = os.path.join(base, "sync")
    times = []
    with open(path, "wb", buffering=0) as file:
        file.write(bytes(size * count))
        os.fdatasync(file.fileno())
        for i in range(count):
            os.pwrite(file.fileno(), b"x" * size, i * size)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    os.unlink(path)
    return round(sorted(times)[count // 2] * 1e6)

