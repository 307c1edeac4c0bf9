#!/usr/bin/python3
"""retainctl backup, whose n-th system call on the state directory or the copy kills it, fails or falls short (tests/lib/bad_calls.py),
while the daemon works. RETAIND_CRASH_STRIDE (1009): every n-th fault; 1 tries all.

After each: what bears the name of the destination is a whole copy that passes verify, and it is there if success was said; a failure
leaves nothing, or DESTINATION.partial; the daemon takes events; another backup succeeds. At the end the state directory is unharmed and
every event counted once, and so it is in the last copy.
"""
import os
import shutil
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *
from bad_calls import COUNT, KILL, Plan, STRIDE, require_shim, strided


def verified(path, what):
    code, out, err = run([require('retainctl'), 'verify', path])
    check(code == 0, what, 'does not pass verify:', short(out + err))


class Walk:
    def __init__(self, daemon):
        self.daemon, self.above = daemon, os.path.join(daemon.home, 'backups')
        self.to = os.path.join(self.above, 'copy')
        os.mkdir(self.above)
        self.sent, self.met, self.whole = 0, {}, 0

    def push(self):
        equal(self.daemon.push(event(account='meanwhile'))['accepted'], 1, 'a push while a backup is taken')
        self.sent += 1

    def backup(self, plan=None):
        env = plan.environment(self.daemon.state, self.above) if plan else None
        code, out, err = run([require('retainctl'), 'backup', '--wait', '5', self.daemon.state, self.to], env=env)
        return code, out + err

    def remove(self):
        for path in (self.to, self.to + '.partial'):
            shutil.rmtree(path, ignore_errors=True)

    def fault(self, name, mode, fault, at):
        plan = Plan(self.daemon.home, 'retainctl', mode, fault, at)
        what = '%s at call %d' % (name, at)
        code, told = self.backup(plan)
        hit = plan.read()[0]
        there, partial = os.path.exists(self.to), os.path.exists(self.to + '.partial')
        if hit and mode == KILL:
            equal(code, -9, what)
        elif code == 0:
            check(there and not partial, what, 'success, and', os.listdir(self.above))
        else:
            check(code == 1 and hit and not there, what, 'exit', code, told)
            check(not partial or 'kept as' in told, what, 'a copy is left and nobody says so:', told)
        if there:
            verified(self.to, what)
            self.whole += 1
        self.met[name] = self.met.get(name, 0) + hit
        self.remove()
        self.push()


@case
def every_call():
    require_shim()
    with Daemon(workers=1, journal__segment_bytes='1M', snapshot__bytes='64K', snapshot__interval_ms=100) as daemon:
        walk = Walk(daemon)
        for _ in range(3):
            daemon.load([event(account='a%d' % (i % 10), note='.' * 3000) for i in range(200)])
        daemon.load(critical_tickets('b', now() - 2 * DAY))
        until(lambda: len(os.listdir(os.path.join(daemon.state, 'snapshots'))) > 8, 'snapshots')
        daemon.restart(snapshot__bytes='1G', snapshot__interval_ms=DAY)  # from here on the calls are the same every time
        plan = Plan(daemon.home, 'retainctl')
        code, told = walk.backup(plan)
        check(code == 0, told)
        calls = plan.read()[1]
        check(len(calls) > 100, 'few calls were seen:', calls)
        walk.remove()
        tried = strided(calls, SEED % STRIDE)
        for name, mode, fault, at in tried:
            walk.fault(name, mode, fault, at)
        print('# %d calls, %d faults tried, met: %s; %d left a whole copy' % (
            len(calls), len(tried), ', '.join('%d %s' % (n, k) for k, n in sorted(walk.met.items())), walk.whole), flush=True)
        check(walk.backup()[0] == 0, 'no backup after all that')
        verified(walk.to, 'the last copy')
        wanted = {n: daemon.get(n)['events'] for n in ('meanwhile', 'a0', 'a9', 'b')} if walk.sent else {}
        equal(wanted.get('meanwhile', {'call': 0}), {'call': walk.sent}, 'what was pushed meanwhile')
        daemon.stop()
        verified(daemon.state, 'the state directory')
        shutil.rmtree(daemon.state)
        shutil.copytree(walk.to, daemon.state)
        daemon.start()
        for name, events in wanted.items():
            equal(daemon.get(name)['events'], events, 'restored:', name)


if __name__ == '__main__':
    main()
