#!/usr/bin/python3
"""The daemon as a program: options, configuration, endpoints, signals, HTTP."""
import os
import re
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

NAMES = ['alerts', 'events', 'firehose', 'http', 'query']


def retaind(*argv, **options):
    return run([require('retaind')] + list(argv), **options)


def written(text, name='retaind.conf'):
    path = os.path.join(scratch(), name)
    with open(path, 'w') as file:
        file.write(text)
    return path


@case
def version_and_help():
    code, out, err = retaind('--version')
    equal(code, 0, 'exit code of --version')
    check('retaind' in out and re.search(r'\d+\.\d+', out), '--version says', out)
    code, out, err = retaind('--help')
    equal(code, 0, 'exit code of --help')
    for word in ('--state-dir', '--check-config', '--version', '--help', '-c', '-o'):
        check(word in out, '--help does not tell of', word)


@case
def bad_command_lines():
    home = scratch()
    for argv in (['--no-such-option'], ['-x'], ['-o'], ['-c'], ['--state-dir'], ['-o', 'nothing'], ['-o', 'no.such=1'],
                 ['-o', 'nosection=1'], ['-o', '=1'], ['-o', 'workers.count=many'], ['-o', 'workers.count=-1'],
                 ['-o', 'limits.answer_ms=soon'], ['-o', 'listen.events=nonsense'], ['-c', '/no/such/file.conf'], ['stray']):
        code, out, err = retaind('--state-dir', home, '--check-config', *argv)
        check(code != 0, argv, 'is accepted')
        check(err.strip(), argv, 'is refused without a word')
        check(code > 0, argv, 'ended by signal', -code)
    code, _, err = retaind('--check-config', '--state-dir', home, '-o', 'workers.count=many')
    check('workers.count' in err, 'the key is not named:', err)
    equal(os.listdir(home), [], 'files written by --check-config')


@case
def bad_options_refuse_a_start():
    for options in (['-o', 'no.such=1'], ['-o', 'workers.count=x'], ['-c', '/no/such/file.conf']):
        home = scratch()
        code, _, err = retaind('--state-dir', home, *options)
        check(code > 0 and err.strip(), options, 'gave', code, err)
        check(not os.path.exists(os.path.join(home, 'endpoints')), 'an endpoints file after a refusal')


@case
def check_config():
    home = scratch()
    good = written('# a comment\n; another\n[listen]\nevents = tcp://127.0.0.1:0\nhttp =\n\n[workers]\ncount = 2\n'
                   '[limits]\ndedupe_days = 40\nanswer_ms=20000\n[journal]\nkeep_days = 800\n[alerts]\nkeep_days = 300\ndormant_days=200\n')
    code, out, err = retaind('-c', good, '--state-dir', home, '--check-config')
    equal((code, err if code else ''), (0, ''), 'a good file')
    equal(retaind('-c', written(''), '--state-dir', home, '--check-config')[0], 0, 'an empty file')
    bad = {
        'no such key': ('[workers]\ncount = 2\nspeed = 5\n', 'speed'), 'no such section': ('[nonsense]\nkey = 1\n', 'nonsense'),
        'not a number': ('[workers]\ncount = two\n', 'count'), 'out of range': ('[workers]\ncount = -1\n', 'count'),
        'negative': ('[limits]\nanswer_ms = -5\n', 'answer_ms'), 'no line at all': ('[workers]\nthis is no line\n', ''),
        'broken section': ('[workers\ncount = 2\n', ''), 'address': ('[listen]\nevents = everywhere\n', 'events')}
    for what, (text, word) in bad.items():
        code, out, err = retaind('-c', written(text), '--state-dir', home, '--check-config')
        check(code > 0, what, 'is accepted, code', code)
        check(err.strip() and word in err, what, 'is not named:', err or out)
    code, _, err = retaind('-c', written('[workers]\ncount = 2\nspeed = 5\n', 'named.conf'), '--check-config', '--state-dir', home)
    check('named.conf' in err and '3' in err, 'file and line are not named:', err)
    equal(os.listdir(home), [], 'files written by --check-config')


@case
def endpoints_file():
    with Daemon(workers=1) as daemon:
        text = daemon.endpoints_text
        check(text.endswith('\n'), 'no newline at the end')
        lines = [line.split(' ') for line in text.splitlines()]
        check(all(len(line) == 2 for line in lines), 'lines are `name address`:', text)
        equal(sorted(name for name, _ in lines), NAMES, 'names')
        for name, address in lines:
            check(re.match(r'127\.0\.0\.1:[1-9]\d*$' if name == 'http' else r'tcp://127\.0\.0\.1:[1-9]\d*$', address),
                  'address of', name, address)
        equal(len({a for _, a in lines}), 5, 'addresses differ')
        left = [n for n in os.listdir(daemon.state) if n.startswith('endpoints')]
        equal(left, ['endpoints'], 'files beside it')
        equal(daemon.stop(), 0, 'exit code')
        check(not os.path.exists(os.path.join(daemon.state, 'endpoints')), 'endpoints after a clean exit')


@case
def stale_endpoints_file_is_removed_at_start():
    with Daemon(workers=1) as daemon:
        path = os.path.join(daemon.state, 'endpoints')
        daemon.kill()
        with open(path, 'w') as file:
            file.write('events tcp://127.0.0.1:1\n')
        daemon.process = spawn(daemon.argv(), stdout=open(daemon.log, 'ab'), stderr=subprocess.STDOUT)

        def renewed():
            try:
                with open(path) as file:
                    return '127.0.0.1:1\n' not in file.read()
            except FileNotFoundError:
                return False
        until(renewed, 'a new endpoints file')
        daemon.wait_ready()
        equal(daemon.push(event())['accepted'], 1, 'accepted')


@case
def empty_listen_turns_off():
    with Daemon(workers=1, listen__firehose='', listen__http='', listen__alerts='') as daemon:
        equal(sorted(daemon.at), ['events', 'query'], 'endpoints')
        equal(daemon.push(event())['accepted'], 1, 'accepted')
        daemon.load([ticket('a', 'T', 'opened', now() - 5 * HOUR, severity=1)])
        daemon.wait_alert('a', 'ticket_overdue')
    with Daemon(workers=1, listen__events='') as daemon:
        equal(sorted(daemon.at), ['alerts', 'firehose', 'http', 'query'], 'endpoints')
        hose = connect(zmq.PUSH, daemon.at['firehose'])
        hose.send(pack(event(account='a')))
        until(lambda: daemon.query('account.get', account='a')['ok'], 'an event by the firehose alone')
        hose.close()


@case
def ipc_and_wildcards():
    with Daemon(workers=1, ipc=True) as daemon:
        for name in ('events', 'firehose', 'alerts', 'query'):
            equal(daemon.at[name], 'ipc://%s/%s' % (daemon.home, name), 'address of ' + name)
        equal(daemon.push(event(account='a'))['accepted'], 1, 'accepted')
        ear = Subscriber(daemon, 'alert.')
        daemon.load([ticket('a', 'T', 'opened', now() - 5 * HOUR, severity=1)])
        ear.wait('a', 'ticket_overdue')
        ear.close()
        daemon.crash()
        equal(daemon.push(event(account='a'))['accepted'], 1, 'accepted, after kill -9 left its socket files')
    with Daemon(workers=1, listen__events='tcp://127.0.0.1:*', listen__query='ipc://*') as daemon:
        check(re.match(r'tcp://127\.0\.0\.1:[1-9]\d*$', daemon.at['events']), daemon.at['events'])
        check(daemon.at['query'].startswith('ipc://') and '*' not in daemon.at['query'], daemon.at['query'])
        equal(daemon.push(event(account='a'))['accepted'], 1, 'accepted')
        equal(daemon.get('a')['events'], {'call': 1}, 'count')


@case
def address_in_use():
    with Daemon(workers=1) as daemon:
        other = Daemon(workers=1, listen__events=daemon.at['events'])
        other.start(wait=False)
        check(other.wait() > 0, 'two daemons on one address')
        port = daemon.at['events'].rsplit(':', 1)[1]
        check(port in other.tail() or 'listen.events' in other.tail(), 'the address is not named:', other.tail())
        check(not os.path.exists(os.path.join(other.state, 'endpoints')), 'endpoints of a daemon that did not start')


@case
def second_daemon_on_the_same_directory():
    with Daemon(workers=2) as daemon:
        daemon.load([event(account='a')])
        other = Daemon(workers=1)
        other.state = daemon.state
        path = os.path.join(daemon.state, 'endpoints')
        argv = other.argv()
        code, _, err = run(argv)
        check(code > 0, 'a second daemon was let in, code', code)
        check(daemon.state in err or 'use' in err or 'lock' in err, 'the reason is not named:', err)
        with open(path) as file:
            equal(file.read(), daemon.endpoints_text, 'endpoints of the first')
        equal(len(daemon.workers()), 2, 'workers of the first')
        equal(daemon.push(event(account='a'))['accepted'], 1, 'the first still serves')
        equal(daemon.get('a')['events'], {'call': 2}, 'count')


@case
def state_directory_from_the_environment():
    daemon = Daemon(workers=1)
    argv = daemon.argv()
    i = argv.index('--state-dir')
    daemon.start(env=dict(os.environ, STATE_DIRECTORY=daemon.state), argv=argv[:i] + argv[i + 2:])
    equal(daemon.push(event())['accepted'], 1, 'accepted')
    equal(daemon.stop(), 0, 'exit code')
    other = scratch()
    daemon.start(env=dict(os.environ, STATE_DIRECTORY=other))
    equal(os.listdir(other), [], '--state-dir goes first')
    daemon.kill()


@case
def state_directory_that_cannot_be():
    plain = written('no directory')
    code, _, err = retaind('--state-dir', plain, '-o', 'listen.http=', '-o', 'listen.events=tcp://127.0.0.1:0',
                           '-o', 'listen.firehose=', '-o', 'listen.alerts=', '-o', 'listen.query=')
    check(code > 0 and plain in err, 'a file as state directory:', code, err)


@case
def options_beat_the_file():
    daemon = Daemon(workers=None)
    daemon.config = written('[workers]\ncount = 3\n[listen]\nevents = tcp://127.0.0.1:1\nfirehose =\n')
    del daemon.options['listen.firehose']
    with daemon:
        equal(len(daemon.workers()), 3, 'workers by the file')
        check('firehose' not in daemon.at, 'the file turned the firehose off')
        equal(daemon.push(event())['accepted'], 1, 'accepted')
        equal(daemon.stop(), 0, 'exit code')
        daemon.options['workers.count'] = 2
        daemon.start()
        equal(len(daemon.workers()), 2, 'workers by -o')


@case
def workers_default_to_the_cores():
    with Daemon(workers=None) as daemon:
        equal(len(daemon.workers()), len(os.sched_getaffinity(0)), 'workers')


@case
def found_beside_the_daemon():
    """Copied elsewhere, with its worker beside it, it runs from there."""
    worker = program('retain-worker')
    if not worker:
        skip('retain-worker is not beside retaind')
    home = scratch()
    for path in (require('retaind'), worker):
        shutil.copy(path, home)
    daemon = Daemon(workers=1)
    argv = daemon.argv()
    daemon.start(argv=[os.path.join(home, 'retaind')] + argv[1:])
    pid = daemon.workers()[0]
    equal(os.readlink('/proc/%d/exe' % pid), os.path.join(home, 'retain-worker'), 'the worker that runs')
    daemon.kill()


@case
def worker_program():
    worker = program('retain-worker')
    if not worker:
        skip('retain-worker is not beside retaind')
    other = os.path.join(scratch(), 'my-worker')
    shutil.copy(worker, other)
    with Daemon(workers=1, workers__program=other) as daemon:
        equal(os.readlink('/proc/%d/exe' % daemon.workers()[0]), other, 'the worker that runs')


@case
def sighup_reloads():
    """alerts.dormant_days by the file: a bad file changes nothing, a good one does, a fixed key is named."""
    daemon = Daemon(workers=2)
    base = '[alerts]\ndormant_days = %s\n'
    daemon.config = written(base % 365)

    def write(text):
        with open(daemon.config + '.new', 'w') as file:
            file.write(text)
        os.rename(daemon.config + '.new', daemon.config)

    def hup():
        mark = len(daemon.log_text())
        os.kill(daemon.pid, signal.SIGHUP)
        return until(lambda: daemon.log_text()[mark:].strip(), 'a word in the log about SIGHUP')

    def dormant_account():
        account = fresh('dormant')
        daemon.load([event(account=account, ts=now() - (400 + i) * DAY) for i in range(5)] +
                    [ticket(account, 'T', 'updated', now() - 300 * DAY, severity=1)])
        return account
    with daemon:
        pids = daemon.workers()
        first = dormant_account()
        write('[alerts]\ndormant_days = 500\nno_such_key = 5\n')
        said = hup()
        until(lambda: 'no_such_key' in daemon.log_text(), 'the bad key to be named')
        write('[alerts\ndormant')
        hup()
        daemon.load([ticket('witness', 'T', 'opened', now() - 5 * HOUR, severity=1)])
        daemon.wait_alert('witness', 'ticket_overdue')
        equal(daemon.alerts(account=first), [], 'alerts after a refused file')
        equal(daemon.push(event())['accepted'], 1, 'still serves')
        write('[alerts]\ndormant_days = 365\n[workers]\ncount = 1\n')  # -o has the last word, or it needs a restart
        hup()
        equal(len(daemon.workers()), 2, 'workers')
        write(base % 500)
        hup()

        def raised():
            account = dormant_account()
            until(lambda: daemon.get(account), 'the account')
            end = time.monotonic() + 3
            while time.monotonic() < end:
                if daemon.alerts(account=account):
                    return True
                time.sleep(0.05)
        until(raised, 'an alert under the new dormant_days')
        equal(daemon.workers(), pids, 'workers survive reloads')


@case
def sighup_names_keys_that_need_a_restart():
    daemon = Daemon(workers=None)
    daemon.config = written('[workers]\ncount = 2\n')
    with daemon:
        with open(daemon.config, 'w') as file:
            file.write('[workers]\ncount = 3\n')
        os.kill(daemon.pid, signal.SIGHUP)
        until(lambda: 'workers.count' in daemon.log_text(), 'workers.count to be named in the log')
        equal(len(daemon.workers()), 2, 'workers')
        equal(daemon.push(event())['accepted'], 1, 'accepted')


@case
def metrics():
    with Daemon(workers=2) as daemon:
        daemon.load([event(account='secret-name-%d' % (i % 7)) for i in range(500)])
        daemon.push([event(sentiment=5)] * 3)
        daemon.load([ticket('secret-name-1', 'T', 'opened', now() - 5 * HOUR, severity=1)])
        daemon.wait_alert('secret-name-1', 'ticket_overdue')
        status, content, text = daemon.http('/metrics')
        equal(status, 200, 'status')
        check(content.startswith('text/plain'), 'content type', content)
        check('secret-name' not in text, 'an account in the metrics')
        kinds, seen, buckets, sums = {}, set(), {}, {}
        for line in text.splitlines():
            if line.startswith('# TYPE '):
                _, _, name, kind = line.split(' ')
                check(name not in kinds, 'TYPE twice', name)
                check(kind in ('counter', 'gauge', 'histogram', 'summary', 'untyped'), 'TYPE', line)
                kinds[name] = kind
            elif line.startswith('#') or not line:
                check(not line or re.match(r'# HELP [a-zA-Z_:][a-zA-Z0-9_:]* .', line), 'comment', line)
            else:
                match = re.match(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)$', line)
                check(match, 'sample', line)
                name, labels, value = match.group(1), match.group(2) or '', float(match.group(3))
                check((name, labels) not in seen, 'a sample twice', line)
                seen.add((name, labels))
                base = re.sub(r'_(bucket|sum|count)$', '', name)
                check(name in kinds or kinds.get(base) in ('histogram', 'summary'), 'a sample without TYPE', line)
                if name.endswith('_bucket') and kinds.get(base) == 'histogram':
                    le = re.search(r'le="([^"]+)"', labels).group(1)
                    rest = re.sub(r',?le="[^"]+"', '', labels)
                    buckets.setdefault((base, rest), []).append((float(le), value))
                elif kinds.get(base) == 'histogram':
                    sums[name + labels] = value
        check(kinds, 'no metrics')
        check('histogram' in kinds.values(), 'no histogram')
        for (base, rest), series in buckets.items():
            series = sorted(series)
            check(series[-1][0] == float('inf'), base, 'has no +Inf')
            counts = [c for _, c in series]
            check(counts == sorted(counts), base, 'is not cumulative')
            rest = '' if rest in ('', '{}') else rest
            equal(sums.get(base + '_count' + rest), counts[-1], base + '_count')
            check(base + '_sum' + rest in sums, base, 'has no sum')


@case
def http_paths():
    with Daemon(workers=1) as daemon:
        equal(daemon.http('/healthz')[0], 200, '/healthz')
        for path in ('/nonsense', '/metrics/x', '/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/healthz.txt'):
            status, _, text = daemon.http(path)
            check(status in (400, 404), path, 'gives', status)
            check('root:' not in text, path, 'reads files')
        for method in ('POST', 'DELETE', 'PUT'):
            status, _, _ = daemon.http('/metrics', method)
            check(status >= 400, method, 'gives', status)
        for _ in range(200):
            equal(daemon.http('/healthz')[0], 200, '/healthz, again and again')
        equal(daemon.push(event())['accepted'], 1, 'accepted')


@case
def a_missing_worker_program_is_clear():
    daemon = Daemon(workers=1, workers__program='/no/such/worker')
    daemon.start(wait=False)
    until(lambda: '/no/such/worker' in daemon.log_text(), 'the missing program to be named in the log')
    check(not os.path.exists(os.path.join(daemon.state, 'endpoints')), 'endpoints though nothing is served')
    if daemon.process.poll() is None:
        os.kill(daemon.pid, signal.SIGTERM)
        daemon.wait()
    else:
        check(daemon.process.returncode > 0, 'exit code', daemon.process.returncode)


@case
def workers_ignore_sigterm_and_leave_with_the_daemon():
    with Daemon(workers=2) as daemon:
        pids = daemon.workers()
        equal(len(pids), 2, 'workers')
        for pid in pids:
            kill(pid, signal.SIGTERM)
            kill(pid, signal.SIGINT)
        daemon.load([event(account='a%d' % i) for i in range(50)])
        equal(sorted(daemon.workers()), sorted(pids), 'workers after SIGTERM')
        daemon.process.kill()
        daemon.process.wait()
        until(lambda: not any(alive(p) for p in pids), 'workers to leave when the daemon is gone')


@case
def retain_worker_by_hand_is_refused():
    worker = program('retain-worker')
    if not worker:
        skip('retain-worker is not beside retaind')
    code, _, err = run([worker])
    check(code > 0 and err.strip(), 'retain-worker by hand gives', code, err)


if __name__ == '__main__':
    main()
