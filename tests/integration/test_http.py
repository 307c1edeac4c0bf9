#!/usr/bin/env python3
"""HTTP: a token for everything but /healthz, no way to a file, and clients that are slow, many or too large."""
import os
import socket as sockets
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *


def http(daemon, path, token=None, method='GET'):
    request = urllib.request.Request('http://%s%s' % (daemon.at['http'], path), method=method)
    if token is not None:
        request.add_header('Authorization', 'Bearer ' + token)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=DEADLINE) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode(), refusal.headers


@case
def http_asks_for_its_token():
    path = os.path.join(scratch(), 'token')

    def write(token, mode=0o600):
        with open(path, 'w') as file:
            file.write(token + '\n')
        os.chmod(path, mode)

    write('the-first-token-of-all')
    with Daemon(listen__http='0.0.0.0:0', access__http_token=path) as daemon:
        daemon.at['http'] = daemon.at['http'].replace('0.0.0.0', '127.0.0.1')
        equal(http(daemon, '/healthz')[:2], (200, 'ok\n'), '/healthz')
        for wrong in (None, '', 'the-first-token-of-al', 'the-first-token-of-all!', 'The-first-token-of-all'):
            for target in ('/metrics', '/', '/nothing', '/healthz/', '/../etc/passwd', '/%2e%2e/etc/passwd'):
                code, text, headers = http(daemon, target, wrong)
                equal((code, text), (401, 'a token is wanted\n'), target, wrong)
                check(headers['WWW-Authenticate'].startswith('Bearer'), 'no challenge')
        equal(http(daemon, '/metrics', 'the-first-token-of-all')[0], 200, '/metrics')
        equal(http(daemon, '/metrics', 'the-first-token-of-all', 'HEAD')[:2], (200, ''), 'HEAD')
        for target in ('/nothing', '/../etc/passwd', '/%2e%2e/etc/passwd', '//etc/passwd'):
            equal(http(daemon, target, 'the-first-token-of-all')[:2], (404, 'there is /metrics and /healthz\n'), target)
        write('the-second-token-of-all')
        os.kill(daemon.pid, signal.SIGHUP)
        until(lambda: http(daemon, '/metrics', 'the-second-token-of-all')[0] == 200, 'the new token')
        equal(http(daemon, '/metrics', 'the-first-token-of-all')[0], 401, 'the old token')
        write('the-third-token-of-all', 0o644)
        os.kill(daemon.pid, signal.SIGHUP)
        until(lambda: 'the old one stays' in daemon.log_text(), 'word of the open file')
        equal(http(daemon, '/metrics', 'the-third-token-of-all')[0], 401, 'of an open file')
        equal(http(daemon, '/metrics', 'the-second-token-of-all')[0], 200, 'the one before')
        check('-token-of-all' not in daemon.log_text(), 'a token is in the log')
    write('short')
    fails_to_start('one line of 16 to 256', access__http_token=path)
    write('the-token-of-an-open-file', 0o604)
    fails_to_start('may be read by others', access__http_token=path)


def lines(*them):
    return '\r\n'.join(them).encode()


@case
def slow_and_many_http_clients_are_cut_off():
    """A request that trickles in, one whose answer is not read, one that says nothing: each ends in bounded time, whatever
    their number, and others are served meanwhile."""
    with Daemon(workers=1) as daemon:
        host, port = daemon.at['http'].rsplit(':', 1)

        def client():
            client = sockets.create_connection((host, int(port)))
            client.settimeout(DEADLINE)
            return client

        def ended(client):
            try:
                while client.recv(65536):
                    pass
            except ConnectionResetError:
                pass
            return True

        begin = time.monotonic()
        silent, trickling, large, body = client(), client(), client(), client()
        large.sendall(b'GET /healthz HTTP/1.1\r\n')
        body.sendall(lines('GET /metrics HTTP/1.1', 'Content-Length: 5000', '', 'x' * 5000))
        trickling.sendall(b'GET /healthz HTTP/1.1\r\n')
        many = [client() for _ in range(400)]
        check(ended(many[0]), 'the oldest of too many')
        check(time.monotonic() - begin < 4, 'the oldest of too many went for its silence alone')
        equal(http(daemon, '/healthz')[0], 200, 'another one')
        try:
            for _ in range(2000):  # a header that never ends
                large.sendall(b'X-Long: %s\r\n' % (b'x' * 100))
        except OSError:
            pass
        check(ended(large) and ended(body), 'too much')
        fresh_one = client()
        fresh_one.sendall(b'GET /healthz HTTP/1.1\r\n')
        fresh_one.setblocking(False)
        start = time.monotonic()
        gone = False
        while not gone and time.monotonic() - start < 30:
            try:
                fresh_one.sendall(b'X: y\r\n')
                time.sleep(0.5)  # the pace of the attack, not a wait
                gone = fresh_one.recv(1) == b''
            except BlockingIOError:
                continue
            except OSError:
                gone = True
        check(gone, 'a request that trickles in is not ended')
        check(time.monotonic() - start > 8, 'it ended before its time')
        check(ended(silent) and ended(trickling), 'the silent one')
        equal(http(daemon, '/healthz')[0], 200, 'afterwards')
        for other in many:
            other.close()
        descriptors = lambda: len(os.listdir('/proc/%d/fd' % daemon.pid))
        before = descriptors()
        for _ in range(300):
            equal(http(daemon, '/healthz')[0], 200)
        until(lambda: descriptors() <= before + 2, 'descriptors to be given back')


if __name__ == '__main__':
    main()
