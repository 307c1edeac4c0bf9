#!/usr/bin/python3
"""State directories that older programs wrote open still: counts, scores, alerts, dead letters are what they were."""
import os
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *
from golden_state import *


def same(told, want, name, workers):
    equal(sorted(told['accounts']), sorted(want['accounts']), name, 'accounts with', workers, 'workers')
    for account, seen in want['accounts'].items():
        got = told['accounts'][account]
        check(abs(got.pop('score') - seen['score']) < 1e-9, name, 'score of', account, 'with', workers, 'workers')
        equal(got, {k: v for k, v in seen.items() if k != 'score'}, name, account, 'with', workers, 'workers')
    # What became due since it was left may follow.
    equal(told['alerts'][:len(want['alerts'])], want['alerts'], name, 'alerts with', workers, 'workers')
    equal(told['dead'], want['dead'], name, 'dead letters with', workers, 'workers')


@case
def every_version_that_was_ever_written_opens():
    check('state-1' in names(), 'the first is missing')
    for name in names():
        want = expected(name)
        check(len(want['accounts']) > 10 and len(want['alerts']) > 10 and want['dead'], name, 'holds too little to test with')
        for workers in (1, 2, 3):
            with opened(name, workers) as daemon:
                same(picture(daemon, want['at']), want, name, workers)
                if workers == 2:
                    daemon.restart()
                    same(picture(daemon, want['at']), want, name + ', written again,', workers)


@case
def they_pass_verify_and_nothing_is_sent_twice():
    for name in names():
        want = expected(name)
        state = scratch()
        unpack_state(name, state)
        code, out, err = run([require('retainctl'), 'verify', state])
        check(code == 0, name, 'verify gives', code, out, err)
        with opened(name, 2, limits__dedupe_days=400) as daemon:
            events = [e for a in want['accounts'] for e in daemon.timeline(a)]
            equal(len(events), sum(len(a['timeline']) for a in want['accounts'].values()), 'events')
            replies = daemon.dealer('events').ask_all([events[i:i + 100] for i in range(0, len(events), 100)])
            equal(sum(r['duplicate'] for r in replies), len(events), name, 'sent again: duplicates')


if __name__ == '__main__':
    main()
