"""Harness of the black-box tests: real daemons in scratch directories, talked to from outside.

A test file marks its cases with @case and calls main(). Each case prints `ok name`, `FAIL name: reason` or
`skip name: reason`; the file ends with a tally and exits 1 if a case failed, 77 if it cannot run here.
Nothing sleeps to synchronise: until() waits for a condition with a generous deadline. Every process started
here is ended by its own id, also when a test fails, and dies with the test if that is killed.
"""
import atexit
import ctypes
import itertools
import os
import random
import re
import shutil
import signal
import socket as sockets
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

try:
    import msgpack
    import zmq
except ImportError as missing:
    print('skip %s: %s (Debian: python3-zmq python3-msgpack)' % (os.path.basename(sys.argv[0]), missing))
    sys.exit(77)

REPO = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
BIN = os.path.abspath(os.environ.get('RETAIND_BIN_DIR') or os.path.join(REPO, 'build'))
DEADLINE = 60.0  # seconds a condition may take before it counts as never
SECOND, MINUTE, HOUR, DAY = 1000, 60000, 3600000, 86400000
SEED = int(os.environ.get('RETAIND_TEST_SEED') or time.time_ns() % 1000000007)
rng = random.Random(SEED)
ctx = zmq.Context()

_cases = []
_daemons = []
_running = []
_scratch = []
_names = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """What a test expected did not happen."""


class Skipped(Exception):
    """The case cannot be tried here."""


def check(true, *why):
    if not true:
        raise Failed(' '.join(str(w) for w in why) or 'not so')


def equal(got, want, *what):
    if got != want:
        got, want = apart(got, want)
        raise Failed('%s: got %s, want %s' % (' '.join(str(w) for w in what), short(got), short(want)))


def apart(got, want):
    """The parts of two values that differ, with the way to them."""
    way = ''
    while True:
        if isinstance(got, dict) and isinstance(want, dict) and len(got) + len(want) > 20 and got.keys() != want.keys():
            return ({k: got[k] for k in got if k not in want or got[k] != want[k]},
                    {k: want[k] for k in want if k not in got or got[k] != want[k]})
        elif isinstance(got, dict) and isinstance(want, dict) and got.keys() == want.keys():
            keys = [k for k in got if got[k] != want[k]]
        elif isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
            keys = [i for i in range(len(got)) if got[i] != want[i]]
        else:
            break
        if not keys:
            break
        way += '[%r]' % keys[0]
        got, want = got[keys[0]], want[keys[0]]
    return (Told(way + ' ' + short(got)), Told(short(want))) if way else (got, want)


class Told(str):
    def __repr__(self):
        return str(self)


def short(value, limit=400):
    text = repr(value)
    return text if len(text) <= limit else text[:limit] + '...'


def until(condition, what, deadline=DEADLINE, pause=0.02):
    """Waits until condition() is true and returns its value; fails after the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed('waited %.0f s in vain for %s' % (deadline, what))
        time.sleep(pause)


def standing(folder, words):
    """Where below a folder one of the words (bytes) still stands. Files may go meanwhile: workers make and rename theirs when they want."""
    found = []
    for below, _, files in os.walk(folder):
        for name in files:
            try:
                with open(os.path.join(below, name), 'rb') as file:
                    data = file.read()
            except FileNotFoundError:
                continue
            found += ['%s at %d of %s' % (w.decode(), data.index(w), name) for w in words if w in data]
    return found


def case(function):
    _cases.append(function)
    return function


def skip(why):
    raise Skipped(why)


def main():
    """Runs the cases named on the command line, or all."""
    require('retaind')
    wanted = sys.argv[1:]
    print('# %s seed %d' % (os.path.basename(sys.argv[0]), SEED), flush=True)
    tally = {'ok': 0, 'FAIL': 0, 'skip': 0}
    for function in _cases:
        name = function.__name__
        if wanted and name not in wanted:
            continue
        word, why = _try(function)
        tally[word] += 1
        print('%s %s%s' % (word, name, ': ' + why if why else ''), flush=True)
    clean_up()
    print('%d passed, %d failed, %d skipped' % (tally['ok'], tally['FAIL'], tally['skip']), flush=True)
    sys.exit(1 if tally['FAIL'] else 0)


def _try(function):
    begin = time.monotonic()
    try:
        function()
        broken = faults()
        check(not broken, 'in the log:', short(broken))
    except Skipped as why:
        return 'skip', str(why)
    except Failed as why:
        return 'FAIL', '%s [%s]' % (oneline(why), where())
    except Exception as why:
        traceback.print_exc(file=sys.stderr)
        return 'FAIL', 'test broke: %s: %s [%s]' % (type(why).__name__, oneline(why), where())
    finally:
        if os.environ.get('RETAIND_TEST_TIMES'):
            print('# %.2f s %s' % (time.monotonic() - begin, function.__name__), flush=True)
    return 'ok', ''


def oneline(text):
    return ' '.join(str(text).split())


def where():
    frames = [f for f in traceback.extract_tb(sys.exc_info()[2]) if 'harness.py' not in f.filename]
    return '%s:%d' % (os.path.basename(frames[-1].filename), frames[-1].lineno) if frames else '?'


def program(name):
    """Path of an installed program, or None. Programs started by the daemon only may live in libexec."""
    for folder in (BIN, os.path.join(BIN, 'bin'), os.path.join(BIN, '..', 'libexec', 'retaind')):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


def require(name):
    path = program(name)
    if not path:
        print('skip %s: %s is not built (RETAIND_BIN_DIR is %s)' % (os.path.basename(sys.argv[0]), name, BIN))
        sys.exit(77)
    return path


# --- bytes ------------------------------------------------------------------------------------------------

def pack(value):
    """MessagePack; a lone surrogate \\udcXX in a str becomes the raw byte XX, so bad UTF-8 can be said."""
    return msgpack.packb(value, use_bin_type=True, unicode_errors='surrogateescape')


def unpack(data):
    return msgpack.unpackb(data, raw=False, strict_map_key=False, unicode_errors='surrogateescape', timestamp=0)


def map_bytes(*pairs):
    """A map from already packed keys and values, so that a key can come twice or be no string."""
    check(len(pairs) < 16, 'map_bytes holds 15 pairs')
    return bytes([0x80 | len(pairs)]) + b''.join(k + v for k, v in pairs)


def fresh(prefix='acct'):
    """A name nobody used before in this run."""
    return '%s-%d-%d' % (prefix, os.getpid(), next(_names))


def now():
    return int(time.time() * 1000)


def event(kind='call', **keys):
    """The least valid event of a kind, changed by keys; a key that is `absent` is left out."""
    made = {'id': fresh('e'), 'type': kind, 'account': keys.get('account') or fresh(), 'ts': now() - HOUR}
    if kind == 'ticket':
        made.update(ticket='T1', action='opened')
    made.update(keys)
    return {k: v for k, v in made.items() if v is not absent}


class _Absent:
    def __repr__(self):
        return 'absent'


absent = _Absent()


# --- sockets ----------------------------------------------------------------------------------------------

def connect(kind, address):
    socket = ctx.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, 0)
    socket.setsockopt(zmq.RCVHWM, 0)
    socket.setsockopt(zmq.RECONNECT_IVL, 50)
    if kind == zmq.SUB:
        socket.setsockopt(zmq.RCVBUF, 4 << 20)
    socket.connect(address)
    return socket


def receive(socket, deadline=DEADLINE):
    """Frames of one message, or None after the deadline."""
    if not socket.poll(int(deadline * 1000)):
        return None
    return socket.recv_multipart()


class Dealer:
    """Many requests in flight over one DEALER, told apart by a correlation frame."""

    def __init__(self, address):
        self.socket = connect(zmq.DEALER, address)
        self.sent = itertools.count()
        self.kept = {}

    def send(self, payload):
        """Sends a payload (bytes as they are, anything else packed); returns its correlation."""
        mark = b'c%d' % next(self.sent)
        data = payload if isinstance(payload, bytes) else pack(payload)
        self.socket.send_multipart([mark, data])
        return mark

    def wait(self, mark, deadline=DEADLINE):
        """The reply to one correlation."""
        end = time.monotonic() + deadline
        while mark not in self.kept:
            frames = receive(self.socket, max(0, end - time.monotonic()))
            if frames is None:
                raise Failed('no reply within %.0f s' % deadline)
            check(len(frames) == 2, 'a reply of', len(frames), 'frames')
            self.kept[frames[0]] = unpack(frames[1])
        return self.kept.pop(mark)

    def ask(self, payload, deadline=DEADLINE):
        return self.wait(self.send(payload), deadline)

    def ask_all(self, payloads, window=256):
        """Replies in the order of the payloads, at most window in flight."""
        marks, replies = [], []
        for payload in payloads:
            marks.append(self.send(payload))
            if len(marks) - len(replies) >= window:
                replies.append(self.wait(marks[len(replies)]))
        for mark in marks[len(replies):]:
            replies.append(self.wait(mark))
        return replies

    def close(self):
        self.socket.close()


class Subscriber:
    """Hears topics; ready once a `cursor` message has come, for then earlier subscriptions hold."""

    def __init__(self, daemon, *prefixes, ready=True):
        self.socket = connect(zmq.SUB, daemon.at['alerts'])
        self.heard = []    # (topic as bytes, map)
        self.cursors = []  # maps of the topic `cursor`
        for prefix in prefixes:
            self.socket.setsockopt(zmq.SUBSCRIBE, prefix if isinstance(prefix, bytes) else prefix.encode())
        self.socket.setsockopt(zmq.SUBSCRIBE, b'cursor')
        if ready:
            self.until(lambda: self.cursors, 'the first cursor message')

    def pump(self, wait_ms=0):
        while self.socket.poll(wait_ms):
            frames = self.socket.recv_multipart()
            check(len(frames) == 2, 'a published message of', len(frames), 'frames')
            message = unpack(frames[1])
            if frames[0] == b'cursor':
                self.cursors.append(message)
            else:
                self.heard.append((frames[0], message))
            wait_ms = 0

    def until(self, condition, what, deadline=DEADLINE):
        def look():
            self.pump(20)
            return condition()
        return until(look, what, deadline, pause=0)

    def messages(self, account=None, kind=None, state=None):
        return [m for _, m in self.heard if (account is None or m['account'] == account)
                and (kind is None or m['kind'] == kind) and (state is None or m['state'] == state)]

    def wait(self, account=None, kind=None, state=None, deadline=DEADLINE):
        what = 'a published alert (%s %s %s)' % (account, kind, state)
        return self.until(lambda: self.messages(account, kind, state), what, deadline)[-1]

    def close(self):
        self.socket.close()


# --- processes --------------------------------------------------------------------------------------------

def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL, 0, 0, 0)


def spawn(argv, **options):
    process = subprocess.Popen(argv, preexec_fn=_die_with_parent, **options)
    _running.append(process)
    return process


def run(argv, input=None, deadline=DEADLINE, env=None):
    """Runs to the end; returns (exit code, stdout, stderr) as str."""
    process = spawn(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    try:
        data = input.encode() if isinstance(input, str) else input
        out, err = process.communicate(data or b'', timeout=deadline)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise Failed('%s did not end within %.0f s: %s' % (' '.join(argv[:6]), deadline,
                                                          short(err.decode(errors='replace'))))
    return process.returncode, out.decode(errors='surrogateescape'), err.decode(errors='surrogateescape')


def children(pid):
    """Ids of the living child processes, and of theirs."""
    found, parents = [], {}
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            try:
                with open('/proc/%s/stat' % entry) as stat:
                    fields = stat.read().rsplit(')', 1)[1].split()
            except OSError:
                continue
            if fields[0] != 'Z':
                parents.setdefault(int(fields[1]), []).append(int(entry))
    todo = [pid]
    while todo:
        for child in parents.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def alive(pid):
    try:
        with open('/proc/%d/stat' % pid) as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except OSError:
        return False


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def scratch(prefix='retain'):
    path = tempfile.mkdtemp(prefix='%s-test-' % prefix)
    _scratch.append(path)
    return path


def clean_up():
    for process in _running:
        if process.poll() is None:
            for pid in children(process.pid):
                kill(pid)
            process.kill()
            process.wait()
    del _running[:]
    while _scratch:
        path = _scratch.pop()
        if not os.environ.get('RETAIND_TEST_KEEP'):
            shutil.rmtree(path, ignore_errors=True)


atexit.register(clean_up)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


class Daemon:
    """One state directory and the retaind that serves it, now and then."""

    def __init__(self, workers=2, config=None, ipc=False, **options):
        self.home = scratch()
        self.state = os.path.join(self.home, 'state')
        os.mkdir(self.state)
        self.log = os.path.join(self.home, 'log')
        self.config = config  # path of a configuration file
        self.options = {'listen.http': '127.0.0.1:0'}
        for name in ('events', 'firehose', 'alerts', 'query'):
            self.options['listen.' + name] = ('ipc://%s/%s' % (self.home, name)) if ipc else 'tcp://127.0.0.1:0'
        if workers:
            self.options['workers.count'] = workers
        self.options.update({k.replace('__', '.'): v for k, v in options.items()})
        self.process = None
        self.at = {}
        self._dealers = {}
        self.log_seen = 0
        _daemons.append(self)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    @property
    def pid(self):
        return self.process.pid

    @property
    def offset(self):
        return int(self.options.get('debug.clock_offset_ms', 0))

    def now(self):
        """Now by the daemon's clock."""
        return now() + self.offset

    def argv(self):
        argv = [require('retaind'), '--state-dir', self.state]
        if self.config:
            argv += ['-c', self.config]
        for key, value in self.options.items():
            argv += ['-o', '%s=%s' % (key, value)]
        return argv

    def start(self, wait=True, env=None, argv=None):
        try:
            os.unlink(os.path.join(self.state, 'endpoints'))  # else a reader cannot tell old from new
        except FileNotFoundError:
            pass
        with open(self.log, 'ab') as log:
            self.process = spawn(argv or self.argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        path = os.path.join(self.state, 'endpoints')

        def ready():
            if self.process.poll() is not None:
                raise Failed('retaind ended with %s at start: %s' % (self.process.returncode, self.tail()))
            try:
                with open(path) as lines:
                    text = lines.read()
            except FileNotFoundError:
                return None
            return text
        self.endpoints_text = until(ready, 'STATE_DIR/endpoints; the log says ' + self.tail())
        self.at = dict(line.split(' ', 1) for line in self.endpoints_text.splitlines())
        return self

    def tail(self, size=2000):
        try:
            with open(self.log, errors='replace') as log:
                return oneline(log.read()[-size:])
        except OSError:
            return ''

    def log_text(self):
        with open(self.log, errors='replace') as log:
            return log.read()

    def workers(self):
        return children(self.pid)

    def _gone(self):
        for dealer in self._dealers.values():
            dealer.close()
        self._dealers = {}
        self.at = {}

    def kill(self, workers_too=False):
        """kill -9; the workers leave by themselves, or are killed as well."""
        if not self.process:
            return
        left = self.workers() if self.process.poll() is None else []
        self.process.kill()
        if workers_too:
            for pid in left:
                kill(pid)
        self.process.wait()
        self._gone()
        try:
            until(lambda: not any(alive(p) for p in left), 'workers to leave after their daemon was killed')
        finally:
            for pid in left:
                if alive(pid):
                    kill(pid)

    def stop(self, number=signal.SIGTERM, deadline=DEADLINE):
        """Ends politely; returns the exit code."""
        os.kill(self.pid, number)
        code = self.wait(deadline)
        self._gone()
        return code

    def wait(self, deadline=DEADLINE):
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise Failed('retaind did not end within %.0f s: %s' % (deadline, self.tail()))

    def restart(self, **options):
        equal(self.stop(), 0, 'exit code at SIGTERM')
        self.options.update({k.replace('__', '.'): v for k, v in options.items()})
        return self.start()

    def crash(self, workers_too=False, **options):
        self.kill(workers_too)
        self.options.update({k.replace('__', '.'): v for k, v in options.items()})
        return self.start()

    def dealer(self, name):
        if name not in self._dealers:
            self._dealers[name] = Dealer(self.at[name])
        return self._dealers[name]

    # What callers do most.

    def push(self, payload):
        return self.dealer('events').ask(payload)

    def load(self, events, batch=500, quiet=False):
        """Pushes events in batches and insists that every one is accepted."""
        events = list(events)
        cut = [events[i:i + batch] for i in range(0, len(events), batch)]
        replies = self.dealer('events').ask_all([{'events': c, 'quiet': True} if quiet else c for c in cut], 8)
        for part, reply in zip(cut, replies):
            equal(reply, {'accepted': len(part), 'duplicate': 0, 'rejected': []}, 'reply to a batch')
        return replies

    def query(self, op, **keys):
        return self.dealer('query').ask(dict(keys, op=op))

    def ok(self, op, **keys):
        reply = self.query(op, **keys)
        check(isinstance(reply, dict) and reply.get('ok') is True, op, short(keys), 'answered', short(reply))
        return reply

    def refused(self, op, *codes, **keys):
        reply = self.query(op, **keys)
        check(reply.get('ok') is False and reply.get('error') in codes, op, short(keys), 'answered', short(reply),
              'instead of', ' or '.join(codes))
        check(isinstance(reply.get('message'), str) and reply['message'], op, 'refused without a message')
        return reply

    def get(self, account, **keys):
        """account.get; a type that never came is left out, whether or not it was told as 0."""
        told = self.ok('account.get', account=account, **keys)
        told['events'] = {k: n for k, n in told['events'].items() if n != 0}
        return told

    def score(self, account, at):
        return self.get(account, at=at)['score']

    def alerts(self, **keys):
        """All alerts that match, oldest first, page by page."""
        since, found = keys.pop('since', None), []
        while True:
            asked = dict(keys, limit=1000, **({} if since is None else {'since': since}))
            page = self.ok('alert.list', **asked)
            found += page['alerts']
            if len(page['alerts']) < 1000 or keys.get('open'):
                return found
            since = page['cursor']

    def wait_alert(self, account, kind, state='raised', deadline=DEADLINE):
        """Waits until the newest message of the kind on the account has the state, and returns it."""
        def look():
            told = self.alerts(account=account, kind=kind)
            return told and told[-1]['state'] == state and told[-1]
        return until(look, '%s of %s to be %s' % (kind, account, state), deadline, pause=0.05)

    def timeline(self, account, limit=1000, **keys):
        after, found = None, []
        while True:
            page = self.ok('account.timeline', account=account, limit=limit,
                           **dict(keys, **({} if after is None else {'after': after})))
            found += page['events']
            after = page.get('after')
            if after is None:
                return found
            check(page['events'], 'an empty page that says there is more')

    def accounts(self, limit=1000, **keys):
        after, found = None, []
        while True:
            page = self.ok('account.list', limit=limit, **dict(keys, **({} if after is None else {'after': after})))
            found += page['accounts']
            after = page.get('after')
            if after is None:
                return found

    def http(self, path, method='GET', token=None):
        """(status, content type, body)"""
        request = urllib.request.Request('http://%s%s' % (self.at['http'], path), method=method)
        if token is not None:
            request.add_header('Authorization', 'Bearer ' + token)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=DEADLINE) as answer:
                return answer.status, answer.headers.get('Content-Type', ''), answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.headers.get('Content-Type', ''), refusal.read().decode()

    def metrics(self):
        """{name with labels: value}"""
        status, _, text = self.http('/metrics')
        equal(status, 200, '/metrics')
        found = {}
        for line in text.splitlines():
            if line and not line.startswith('#'):
                match = re.match(r'^(\S+?(?:\{.*\})?)\s+(\S+)', line)
                check(match, 'unreadable metric line', line)
                found[match.group(1)] = float(match.group(2))
        return found


class Status:
    """What systemd would hear."""

    def __init__(self, daemon):
        self.path = os.path.join(daemon.home, 'notify')
        self.socket = sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.newest, self.extended = '', 0

    def __call__(self):
        try:
            while True:
                for line in self.socket.recv(65536).decode().splitlines():
                    if line.startswith('STATUS='):
                        self.newest = line[7:]
                    self.extended += line.startswith('EXTEND_TIMEOUT_USEC=')
        except BlockingIOError:
            return self.newest


def fails_to_start(text, config='', **options):
    daemon = Daemon(**options)
    if config:
        daemon.config = os.path.join(daemon.home, 'conf')
        with open(daemon.config, 'w') as file:
            file.write(config)
    daemon.start(wait=False)
    equal(daemon.wait(), 1, 'exit code with', options)
    check(text in daemon.log_text(), 'the log does not say', text, ':', daemon.tail())
    check(not os.path.exists(os.path.join(daemon.state, 'endpoints')), 'endpoints appeared')


FAULT = re.compile(r'AddressSanitizer|LeakSanitizer|runtime error:|ThreadSanitizer|MemorySanitizer|RT_ASSERT|[Aa]ssertion|invariant')


def faults():
    """Lines in the logs of all daemons, not seen before, that tell of a broken program. A worker that broke is replaced, so
    nothing else may show it."""
    found = []
    for daemon in _daemons:
        try:
            with open(daemon.log, errors='replace') as log:
                log.seek(daemon.log_seen)
                text = log.read()
                daemon.log_seen = log.tell()
        except OSError:
            continue
        found += [line for line in text.splitlines() if FAULT.search(line)]
    return found


_shared = {}


def shared(**options):
    """One daemon for all cases of a file that do not harm it; started anew if one did."""
    daemon = _shared.get('daemon')
    if daemon is None or daemon.process.poll() is not None:
        if daemon is not None:
            print('# the shared daemon had ended: %s' % daemon.tail(), flush=True)
        daemon = _shared['daemon'] = Daemon(**options).start()
    return daemon


# --- histories --------------------------------------------------------------------------------------------

def weekly_calls(account, end, weeks=52, gap=7 * DAY, **keys):
    """A call every gap, the newest at `end`."""
    return [event('call', account=account, ts=end - i * gap, direction='in', **keys) for i in range(weeks)]


def ticket(account, number, action, ts, **keys):
    return event('ticket', account=account, ticket=number, action=action, ts=ts, **keys)


def critical_tickets(account, ts, count=6, **keys):
    return [ticket(account, 'crit-%d' % i, 'opened', ts, severity=1, **keys) for i in range(count)]
