#!/usr/bin/python3
"""The examples of README and docs/PROTOCOL.md, run as they stand against a daemon."""
import os
import re
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *

PAGES = ('README.md', 'docs/PROTOCOL.md')
WAIT = 20


def blocks(language):
    """(page and line, text) of each fenced block of a language."""
    found = []
    for page in PAGES:
        path = os.path.join(REPO, page)
        if not os.path.exists(path):
            continue
        with open(path) as file:
            text = file.read()
        for match in re.finditer(r'^```%s[^\n]*\n(.*?)^```' % language, text, re.M | re.S):
            line = text.count('\n', 0, match.start()) + 1
            found.append(('%s:%d' % (page, line), match.group(1)))
    return found


def environment(daemon):
    return dict(os.environ, RETAIND_EVENTS=daemon.at['events'], RETAIND_ALERTS=daemon.at['alerts'],
                RETAIND_QUERY=daemon.at['query'], RETAIND_FIREHOSE=daemon.at['firehose'], PYTHONDONTWRITEBYTECODE='1')


def try_program(daemon, where_, argv, subscribes):
    """Ends with 0; one that subscribes may go on for ever, if it said something when an alert came."""
    out = os.path.join(daemon.home, 'out-%s' % fresh())
    with open(out, 'wb') as file:
        process = spawn(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environment(daemon), cwd=daemon.home)

    def said():
        with open(out, errors='replace') as file:
            return file.read()

    def done():
        if process.poll() is not None:
            return True
        if subscribes:
            daemon.load([ticket(fresh('example'), 'T', 'opened', now() - 5 * HOUR, severity=1)])
            return said()
        return False
    try:
        until(done, where_ + ' to end' + (' or speak' if subscribes else '') + ': ' + said(), WAIT, 0.1)
    finally:
        code = process.poll()
        if code is None:
            process.kill()
            process.wait()
    check(code in (None, 0), where_, 'ended with', code, 'saying', short(said()))


def try_all(language, prepare):
    found = blocks(language)
    if not found:
        skip('no ```%s block in %s yet' % (language, ' or '.join(PAGES)))
    failed = []
    with Daemon(workers=2) as daemon:
        daemon.load([event(account='acme'), event('account', account='acme', owner='kim')])
        for where_, text in found:
            try:
                argv = prepare(daemon, where_, text)
                if argv:
                    try_program(daemon, where_, argv, 'SUB' in text or 'subscribe' in text)
            except Failed as why:
                failed.append(str(why))
            check(daemon.process.poll() is None, where_, 'ended the daemon')
    check(not failed, '; '.join(failed))


@case
def python_blocks():
    def prepare(daemon, where_, text):
        path = os.path.join(daemon.home, 'example-%s.py' % fresh())
        with open(path, 'w') as file:
            file.write(text)
        return ['/usr/bin/python3', path]
    try_all('python', prepare)


@case
def c_blocks():
    """A block with main() is compiled, linked and run; one without (a declaration, a fragment) is not."""
    compiler = shutil.which('gcc') or shutil.which('cc')
    if not compiler:
        skip('no C compiler')

    def libraries():
        code, out, _ = run(['pkg-config', '--cflags', '--libs', 'libzmq'])
        flags = out.split() if code == 0 else ['-lzmq']
        for name in ('msgpack-c', 'msgpack'):
            code, out, _ = run(['pkg-config', '--cflags', '--libs', name])
            if code == 0:
                flags += out.split()
                break
        return flags

    def prepare(daemon, where_, text):
        if not re.search(r'\bmain\s*\(', text):
            return None
        path = os.path.join(daemon.home, 'example-%s' % fresh())
        with open(path + '.c', 'w') as file:
            file.write(text)
        own = []
        if 'retain.h' in text:
            own = ['-I' + os.path.join(REPO, 'clients', 'include')]
            for folder in (BIN, os.path.join(BIN, '..', 'lib')):
                own += ['-L' + folder, '-Wl,-rpath,' + folder]
            own.append('-lretain')
            if os.environ.get('RETAIND_SANITIZED'): # a library built so needs a program built so
                own.append('-fsanitize=address,undefined')
        code, _, err = run([compiler, '-std=c11', '-D_GNU_SOURCE', '-Wall', '-o', path, path + '.c'] + own + libraries())
        check(code == 0, where_, 'does not compile:', err)
        return [path]
    try_all('c', prepare)


@case
def node_blocks():
    node, npm = shutil.which('node'), shutil.which('npm')
    if not node or not npm:
        skip('no Node here')

    def prepare(daemon, where_, text):
        path = os.path.join(daemon.home, 'example-%s.js' % fresh())
        with open(path, 'w') as file:
            file.write(text)
        if not os.path.isdir(os.path.join(daemon.home, 'node_modules')):
            code, _, err = run([npm, 'install', '--prefix', daemon.home, '--no-audit', '--no-fund', 'zeromq@6', '@msgpack/msgpack@3'])
            if code != 0:
                skip('npm cannot install zeromq here: ' + err)
        return [node, path]
    try_all('js', prepare)


if __name__ == '__main__':
    main()
