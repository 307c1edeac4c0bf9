#!/usr/bin/python3
"""The command line: pushing files, the queries, watching, simulating; without and with a terminal."""
import csv
import io
import json
import os
import pty
import select
import re
import shlex
import shutil
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
from harness import *


def ctl(daemon, *argv, json_=False, input=None, deadline=DEADLINE):
    at = ['--events', daemon.at['events'], '--alerts', daemon.at['alerts'], '--query', daemon.at['query']] if daemon else []
    return run([require('retainctl')] + at + (['--json'] if json_ else []) + list(argv), input=input, deadline=deadline)


def good(daemon, *argv, **keys):
    code, out, err = ctl(daemon, *argv, **keys)
    check(code == 0, 'retainctl', *argv, 'gave', code, short(err or out))
    return out


def told(daemon, *argv, **keys):
    """What it says with --json, read."""
    out = good(daemon, *argv, json_=True, **keys)
    try:
        return json.loads(out)
    except ValueError:
        raise Failed('retainctl --json %s printed no JSON: %s' % (' '.join(argv), short(out)))


def lines(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def written(name, data):
    path = os.path.join(scratch(), name)
    with open(path, 'wb') as file:
        file.write(data.encode() if isinstance(data, str) else data)
    return path


def pushed(daemon, *argv, **keys):
    reply = told(daemon, 'push', *argv, **keys)
    rejected = reply['rejected']
    return reply['accepted'], reply['duplicate'], len(rejected) if isinstance(rejected, list) else rejected


def counts(daemon, account):
    return {k: v for k, v in daemon.get(account)['events'].items() if v}


@case
def usage():
    code, out, _ = ctl(None, '--help')
    equal(code, 0, 'exit code of --help')
    for command in 'push watch get list timeline alerts ack snooze override void report export erase dead stats backup verify simulate backtest calibrate'.split():
        check(command in out, '--help does not tell of', command)
        code, text, err = ctl(None, command, '--help')
        check(code == 0 and text.strip(), command, '--help gives', code, err)
    code, out, _ = ctl(None, '--version')
    check(code == 0 and 'retainctl' in out, '--version gives', code, out)
    for argv in ([], ['nonsense'], ['--nonsense'], ['get'], ['timeline'], ['ack'], ['get', '--nonsense', 'a'], ['--events']):
        code, out, err = ctl(None, *argv)
        check(code > 0, argv, 'is accepted')
        check((err if argv else out + err).strip(), argv, 'is refused without a word')


@case
def push_json_lines():
    daemon, account = shared(), fresh()
    events = [event(account=account), event('email', account=account, thread='t'), event('ticket', account=account, severity=1),
              event('account', account=account, owner='kim', name='Müller', contacts=[{'name': 'A'}])]
    path = written('in.jsonl', '\n'.join(json.dumps(e) for e in events) + '\n')
    equal(pushed(daemon, path), (4, 0, 0), 'first')
    equal(pushed(daemon, path), (0, 4, 0), 'again')
    equal(counts(daemon, account), {'call': 1, 'email': 1, 'ticket': 1, 'account': 1}, 'counts')
    equal(daemon.get(account)['name'], 'Müller', 'name')
    text = json.dumps(event(account=account)) + '\n\n' + json.dumps(event(account=account))
    equal(pushed(daemon, '--format', 'jsonl', input=text), (2, 0, 0), 'standard input')
    unicode_ = event(account=account, contact='\u00e9\U0001f600')
    equal(pushed(daemon, '--format', 'jsonl', input=json.dumps(unicode_)), (1, 0, 0), 'escapes')
    check(unicode_ in daemon.timeline(account), 'escaped text as sent')


@case
def push_csv():
    daemon, account = shared(), fresh('00')
    text = ('id,type,account,ts,contact,sentiment,outcome,junk,duration\n'
            '1,call,%s,2024-01-02T03:04:05Z,00001,0.5,missed,x,12.5\n'
            '2,visit,%s,2024-01-02,"a ""quoted"", one",,held,,\n'
            '3,email,%s,1704164645000,,-1,,,\n' % ((account,) * 3))
    path = written('in.csv', text)
    equal(pushed(daemon, path), (3, 0, 0), 'first')
    equal(pushed(daemon, path), (0, 3, 0), 'again')
    equal(counts(daemon, account), {'call': 1, 'visit': 1, 'email': 1}, 'counts')
    line = {e['id']: e for e in daemon.timeline(account)}
    equal((line['1']['contact'], line['1']['sentiment'], line['1']['outcome'], line['1']['duration']),
          ('00001', 0.5, 'missed', 12.5), 'cells')
    equal(line['1']['ts'], 1704164645000, 'ISO 8601')
    equal(line['2']['ts'], 1704153600000, 'a date is midnight UTC')
    equal(line['2']['contact'], 'a "quoted", one', 'a quoted cell')
    equal(line['3']['ts'], 1704164645000, 'ms')
    check('contact' not in line['3'] and 'sentiment' not in line['2'], 'an empty cell is an absent key')
    check('junk' not in line['1'], 'other columns are dropped')


@case
def push_csv_times():
    daemon, account = shared(), fresh()
    stamps = {'2024-02-29': 1709164800000, '2024-02-29T12:00:00Z': 1709208000000, '2024-02-29T12:00:00.250Z': 1709208000250,
              '2024-02-29T12:00:00+02:00': 1709200800000, '2024-02-29T12:00:00-05:30': 1709227800000, '0': 0,
              '1709208000250': 1709208000250, '1970-01-01': 0}
    rows = ''.join('t%d,call,%s,%s\n' % (i, account, s) for i, s in enumerate(stamps))
    equal(pushed(daemon, '--format', 'csv', input='id,type,account,ts\n' + rows), (len(stamps), 0, 0), 'times')
    line = {e['id']: e['ts'] for e in daemon.timeline(account)}
    for i, (text, ms) in enumerate(stamps.items()):
        equal(line['t%d' % i], ms, 'ts of', text)
    for bad in ('yesterday', '2024-13-01', '2024-02-30', '2024-02-29T25:00:00Z', '-5'):
        code, out, err = ctl(daemon, 'push', '--format', 'csv', input='id,type,account,ts\nx,call,%s,%s\n' % (fresh(), bad))
        check(code != 0, 'ts', bad, 'was taken')


@case
def push_csv_oddities():
    daemon, account = shared(), fresh()
    text = ('\ufeffid,type,account,ts,bounced,severity,ticket,action,contact\r\n'
            'a,email,%s,1000,true,,,,"two\nlines"\r\n'
            'b,ticket,%s,2000,,2,0042,opened,\r\n'
            '\r\n'
            'c,email,%s,3000,false,,,,"é, ""x"""' % ((account,) * 3))
    equal(pushed(daemon, '--format', 'csv', input=text.encode()), (3, 0, 0), 'byte order mark, CRLF, lines within quotes')
    line = {e['id']: e for e in daemon.timeline(account)}
    equal((line['a']['bounced'], line['a']['contact']), (True, 'two\nlines'), 'a bool, a cell of two lines')
    equal((line['b']['severity'], line['b']['ticket']), (2, '0042'), 'an int, a string of digits')
    equal((line['c']['bounced'], line['c']['contact']), (False, 'é, "x"'), 'quotes')
    for column, cell in (('sentiment', 'good'), ('sentiment', '5'), ('type', 'fax'), ('severity', '1.5'), ('duration', '-1')):
        text = 'id,type,account,ts,ticket,action,%s\nx,ticket,%s,1000,T,opened,%s\n' % (column, fresh(), cell)
        if column in ('type', 'duration'):
            text = 'id,account,ts,%s%s\nx,%s,1000,%s%s\n' % (column, '' if column == 'type' else ',type', fresh(), cell,
                                                          '' if column == 'type' else ',call')
        code, out, err = ctl(daemon, 'push', '--format', 'csv', input=text)
        check(code > 0 and column in out + err, column, cell, 'gives', code, out, err)


@case
def push_csv_mapped():
    daemon, account = shared(), fresh()
    rows = ['%s,2024-03-%02d,%d,hello' % (account, 1 + i % 5, i % 2) for i in range(20)]
    text = 'customer_id,date,units,note\r\n' + '\r\n'.join(rows) + '\r\n'
    path = written('orders.csv', text)
    argv = ('--map', 'account=customer_id,ts=date', '--set', 'type=visit', '--set', 'channel=web', path)
    equal(pushed(daemon, *argv), (20, 0, 0), 'rows without an id, some of them the same')
    equal(pushed(daemon, *argv), (0, 20, 0), 'again')
    equal(counts(daemon, account), {'visit': 20}, 'counts')
    line = daemon.timeline(account)
    check(all(e['channel'] == 'web' and 'customer_id' not in e for e in line), 'keys', short(line[0]))
    check(all('units' not in e and 'note' not in e for e in line), 'other columns are dropped', short(line[0]))
    equal(len({e['id'] for e in line}), 20, 'ids')
    # rows in another order, beside new ones: the same ids
    more = rows[::-1] + ['%s,2024-04-01,1,new' % account]
    path = written('more.csv', 'customer_id,date,units,note\n' + '\n'.join(more) + '\n')
    equal(pushed(daemon, *argv[:-1], path), (1, 20, 0), 'the same rows in another order')


@case
def push_msgpack():
    daemon, account = shared(), fresh()
    events = [event(account=account, ts=msgpack.Timestamp(1700000000 + i, 5000000), x=b'bin') for i in range(50)]
    path = written('in.msgpack', b''.join(pack(e) for e in events))
    equal(pushed(daemon, path), (50, 0, 0), 'first')
    equal(pushed(daemon, path), (0, 50, 0), 'again')
    equal(sorted(e['id'] for e in daemon.timeline(account)), sorted(e['id'] for e in events), 'timeline')
    equal(daemon.timeline(account)[0], events[-1], 'as it was')
    more = b''.join(pack(event(account=account)) for _ in range(10))
    equal(pushed(daemon, '--format', 'msgpack', input=more), (10, 0, 0), 'standard input')


@case
def push_many():
    daemon = shared()
    names = [fresh() for _ in range(50)]
    events = [event(account=names[i % 50], id='%d' % i) for i in range(30000)]
    path = written('many.jsonl', '\n'.join(json.dumps(e) for e in events))
    second = written('second.jsonl', json.dumps(event(account=names[0])))
    equal(pushed(daemon, path, second), (30001, 0, 0), 'two files')
    equal(pushed(daemon, path, second), (0, 30001, 0), 'again')
    for name in names[1:]:
        equal(counts(daemon, name), {'call': 600}, 'count of', name)


@case
def push_exit_codes():
    daemon, account = shared(), fresh()
    bad = json.dumps(event(account=account)) + '\n' + json.dumps(event(account=account, sentiment=5)) + '\n' + \
        json.dumps(event(account=account)) + '\n'
    code, out, err = ctl(daemon, 'push', '--format', 'jsonl', input=bad)
    check(code > 0, 'a rejected event, exit', code)
    check('sentiment' in out + err, 'why it was rejected is not told', out, err)
    equal(counts(daemon, account), {'call': 2}, 'the others count')
    for form, text in (('jsonl', 'this is no JSON\n'), ('jsonl', '{"id": "x"'), ('jsonl', '5\n'), ('msgpack', b'\xc1'),
                       ('msgpack', pack(event())[:-2]), ('csv', 'id,type\n"broken')):
        code, out, err = ctl(daemon, 'push', '--format', form, input=text)
        check(code > 0, form, text, 'is taken, exit', code)
        check((out + err).strip(), form, 'is refused without a word')
    code, _, err = ctl(daemon, 'push', '/no/such/file.csv')
    check(code > 0 and '/no/such/file.csv' in err, 'a missing file', code, err)
    equal(ctl(daemon, 'push', '--format', 'jsonl', input='')[0], 0, 'nothing at all')


@case
def push_quiet():
    daemon, account = shared(), fresh('quiet')
    made = json.dumps(ticket(account, 'T', 'opened', now() - 5 * HOUR, severity=1))
    equal(pushed(daemon, '--quiet-alerts', '--format', 'jsonl', input=made), (1, 0, 0), 'quiet')
    equal(counts(daemon, account), {'ticket': 1}, 'counted')
    daemon.wait_alert(account, 'ticket_overdue')


@case
def push_over_a_crash():
    """The daemon is killed while it pushes; it goes on when the daemon is back, and loses nothing."""
    with Daemon(workers=2, ipc=True) as daemon:
        names = [fresh() for _ in range(20)]
        path = written('many.jsonl', '\n'.join(json.dumps(event(account=names[i % 20])) for i in range(60000)))
        process = spawn([require('retainctl'), '--events', daemon.at['events'], '--json', 'push', path],
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        until(lambda: daemon.ok('stats')['outcomes']['accepted'] > 2000 or process.poll() is not None, 'some to be taken', pause=0.001)
        if process.poll() is not None:
            skip('all was pushed before the daemon could be killed')
        daemon.crash()
        out, err = process.communicate(timeout=DEADLINE * 2)
        equal(process.returncode, 0, 'exit code; ' + err.decode()[-300:])
        reply = json.loads(out)
        equal(reply['accepted'] + reply['duplicate'], 60000, 'acknowledged')
        for name in names:
            equal(counts(daemon, name), {'call': 3000}, 'count of', name)


def populated():
    daemon = shared()
    owner = fresh('owner')
    names = [fresh('c') for _ in range(5)]
    for i, name in enumerate(names):
        daemon.load([event('account', account=name, owner=owner, name='Firm %d' % i, tier='key', value=1000 * i,
                           renewal=now() + 50 * DAY)] + weekly_calls(name, now() - DAY, 4 + i))
    daemon.load([ticket(names[0], 'T', 'opened', now() - 5 * HOUR, severity=1)])
    return daemon, owner, names, daemon.wait_alert(names[0], 'ticket_overdue')


@case
def queries():
    daemon, owner, names, alert = populated()
    reply = told(daemon, 'get', names[0])
    want = daemon.get(names[0])
    reply['events'] = {k: n for k, n in reply['events'].items() if n}
    for key in ('account', 'band', 'events', 'last_contact', 'open_tickets', 'owner', 'name', 'tier', 'value', 'renewal'):
        equal(reply.get(key), want.get(key), 'get --json', key)
    check(abs(reply['score'] - want['score']) < 0.1, 'score')
    text = good(daemon, 'get', names[0])
    check(names[0] in text and owner in text and 'Firm 0' in text, 'get for people', text)
    reply = told(daemon, 'list')
    listed = reply['accounts'] if isinstance(reply, dict) else reply
    check(set(names) <= {a['account'] for a in listed} or len(listed) >= 100, 'list --json')
    reply = told(daemon, 'timeline', names[1])
    listed = reply['events'] if isinstance(reply, dict) else reply
    equal([e['id'] for e in listed], [e['id'] for e in daemon.timeline(names[1])], 'timeline --json')
    check('call' in good(daemon, 'timeline', names[1]), 'timeline for people')
    reply = told(daemon, 'stats')
    equal(reply['protocol'], 1, 'stats --json')
    check(good(daemon, 'stats').strip() and good(daemon, 'list').strip(), 'stats and list for people')
    reply = told(daemon, 'report', owner)
    check(reply, 'report --json')
    check(good(daemon, 'report', owner).strip(), 'report for people')
    reply = told(daemon, 'dead')
    check(isinstance(reply, (dict, list)), 'dead --json')


@case
def queries_that_fail():
    daemon = shared()
    for argv in (['get', 'nobody-at-all'], ['timeline', 'nobody-at-all'], ['erase', 'nobody-at-all'], ['ack', 'no-alert'],
                 ['snooze', 'no-alert']):
        code, out, err = ctl(daemon, *argv)
        check(code > 0, argv, 'exit', code, out)
        check(err.strip(), argv, 'fails without a word on standard error')


@case
def alerts_ack_snooze_erase():
    daemon, owner, names, alert = populated()
    reply = told(daemon, 'alerts')
    listed = reply['alerts'] if isinstance(reply, dict) else reply
    check(alert['id'] in [a['id'] for a in listed], 'alerts --json')
    check(names[0] in good(daemon, 'alerts'), 'alerts for people')
    told(daemon, 'ack', alert['id'])
    mine = next(a for a in daemon.get(names[0])['alerts'] if a['id'] == alert['id'])
    check(mine['ack'] and mine['ack']['by'], 'acknowledged by', mine['ack'])
    check(abs(mine['ack']['until'] - now() - 7 * DAY) < HOUR, 'until')
    told(daemon, 'snooze', alert['id'])
    mine = next(a for a in daemon.get(names[0])['alerts'] if a['id'] == alert['id'])
    check(mine['snooze'] and mine['snooze']['until'] > now(), 'snoozed')
    code, out, err = ctl(daemon, 'erase', names[4], json_=True)
    if code != 0:
        code, out, err = ctl(daemon, 'erase', '--yes', names[4], json_=True)
    check(code == 0, 'erase', code, err)
    daemon.refused('account.get', 'not_found', account=names[4])


@case
def watch():
    daemon = shared()
    for json_ in (True, False):
        out = os.path.join(scratch(), 'out')
        argv = [require('retainctl'), '--alerts', daemon.at['alerts'], '--query', daemon.at['query'], '--events', daemon.at['events']]
        with open(out, 'wb') as file:
            process = spawn(argv + (['--json'] if json_ else []) + ['watch'], stdin=subprocess.DEVNULL, stdout=file, stderr=file)

        def said():
            with open(out, errors='replace') as file:
                return file.read()
        names = []

        def heard():
            check(process.poll() is None, 'watch ended', process.poll(), said())
            names.append(fresh('watched'))
            daemon.load([ticket(names[-1], 'T', 'opened', now() - 5 * HOUR, severity=1)])
            return any(n in said() for n in names)
        until(heard, 'watch to print an alert', pause=0.2)
        last = fresh('watched')
        daemon.load([ticket(last, 'T', 'opened', now() - 5 * HOUR, severity=1)])
        until(lambda: last in said(), 'watch to print the last alert')
        process.terminate()
        process.wait(DEADLINE)
        if json_:
            got = lines(said())
            mine = [m for m in got if m.get('account') == last and m['kind'] == 'ticket_overdue']
            equal(len(mine), 1, 'how often it is told')
            equal((mine[0]['state'], mine[0]['severity']), ('raised', mine[0]['severity']), 'what is told')
            equal(len({m['cursor'] for m in got}), len(got), 'no message twice')


@case
def watch_since_tells_what_was_missed():
    daemon = shared()
    cursor = daemon.ok('alert.list', limit=1000)
    while cursor['alerts']:
        cursor = daemon.ok('alert.list', limit=1000, since=cursor['cursor'])
    missed = [fresh('missed') for _ in range(5)]
    for name in missed:
        daemon.load([ticket(name, 'T', 'opened', now() - 5 * HOUR, severity=1)])
        daemon.wait_alert(name, 'ticket_overdue')
    out = os.path.join(scratch(), 'out')
    argv = [require('retainctl'), '--alerts', daemon.at['alerts'], '--query', daemon.at['query'], '--json', 'watch',
            '--since', cursor['cursor']]
    with open(out, 'wb') as file:
        process = spawn(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)

    def said():
        with open(out) as file:
            return file.read()
    until(lambda: all(n in said() for n in missed), 'what was missed; printed ' + short(said()))
    process.terminate()
    process.wait(DEADLINE)
    got = [m['account'] for m in lines(said()) if m['kind'] == 'ticket_overdue']
    for name in missed:
        equal(got.count(name), 1, 'times told of', name)


@case
def completion_offers_every_option():
    """Of bash, for each command: what its help lists, and nothing that its help only speaks of."""
    if not shutil.which('bash'):
        skip('no bash')
    script = os.path.join(REPO, 'clients', 'completion', 'retainctl.bash')
    source = 'complete() { :; }; . "$1"; COMP_WORDS=("$2" "$3" --); COMP_CWORD=2; _retainctl; printf "%s\\n" "${COMPREPLY[@]}"'
    _, top, _ = ctl(None, '--help')
    commands = re.findall(r'^  ([a-z]+)  ', top, re.M)
    check('simulate' in commands, 'commands', commands)
    for command in commands:
        _, text, _ = ctl(None, command, '--help')
        options = re.findall(r'^  (?:-\w,|   ) (--[a-z-]+)', text, re.M)
        code, out, err = run(['bash', '-c', source, 'bash', script, require('retainctl'), command])
        equal((code, out.split()), (0, options), 'completion of', command, short(err))


@case
def strange_events_can_be_read():
    """Unknown keys are kept as they were sent, whatever they and their values are: a timeline shows them all the same."""
    daemon = shared()
    account = fresh()
    strange = [(pack({'a': 1}), pack('map as key')), (pack(5), pack(1)), (b'\xa2\xff\xfe', b'\xa1\xff'), (pack('nan'), pack(float('nan'))),
               (pack('bin'), pack(b'\x00\xff')), (pack('extension'), b'\xd6\x05abcd'), (pack('deep'), b'\x91' * 14 + b'\xc0')]
    for key, value in strange:
        pairs = [(pack(k), pack(v)) for k, v in event(account=account).items()]
        equal(daemon.dealer('events').ask(map_bytes(*pairs, (key, value)))['accepted'], 1, 'accepted', key)
    equal(len(told(daemon, 'timeline', account)['events']), len(strange), 'events as JSON')
    equal(len(good(daemon, 'timeline', account).splitlines()), 1 + len(strange), 'lines of the table')


@case
def watch_refuses_what_is_no_cursor():
    daemon = shared()
    code, out, err = ctl(daemon, 'watch', '--since', 'yesterday', '--count', '1')
    equal((code, out), (1, ''), 'exit code and output')
    check('since' in err, 'it does not say what is wrong', err)


def strange_pairs():
    """What only export has to deal with: values that JSON has no word for, keys that are no text and would be known ones as text."""
    return [(pack({'a': 1}), pack('map as key')), (pack(b'\xb6*^'), pack('a base64 of which is "type"')), (b'\xa2\xff\xfe', b'\xa1\xff'),
            (pack('nan'), pack(float('nan'))), (pack('bin'), pack(b'\x00\xff')), (pack('ext'), b'\xd6\x05abcd'), (pack('nul'), pack('a\x00b'))]


@case
def exported_and_pushed_again():
    """What is exported makes the same accounts elsewhere, and here it is all duplicates."""
    world = good(None, 'simulate', '--accounts', '20', '--days', '200', '--seed', '7')
    big, odd = fresh('big'), fresh('o\x00dd \u202e\U0001f600"\\')
    base = now() - 300 * DAY
    many = [event(account=big, ts=base + (i % 700) * HOUR, sentiment=(i % 7 - 3) / 9.7, duration=i / 3) for i in range(2500)]
    with Daemon(workers=2) as daemon, Daemon(workers=3) as other:
        path = written('world.jsonl', world)
        good(daemon, 'push', '--quiet-alerts', path)
        daemon.load(many)
        daemon.load([event(account='one of many %d' % i) for i in range(1100)])  # more than a page of accounts
        for key, value in strange_pairs():
            pairs = [(pack(k), pack(v)) for k, v in event(account=odd, ts=now() - HOUR, name='x').items()]
            equal(daemon.dealer('events').ask(map_bytes(*pairs, (key, value)))['accepted'], 1, 'accepted', key)
        daemon.load([{'id': 'p', 'type': 'account', 'account': odd, 'ts': now() - DAY, 'value': 0.1 + 0.2, 'region': None, 'owner': 'kim'}])
        out = good(daemon, 'export')
        equal(good(daemon, 'export'), out, 'exported twice')
        events = lines(out)
        names = [e['account'] for e in events]
        equal(names, sorted(names, key=lambda name: name.encode()), 'accounts in the order of their names')
        stamps = [e['ts'] for e in events if e['account'] == big]
        equal((len(stamps), stamps), (2500, sorted(stamps, reverse=True)), 'one account, newest first')
        equal(good(daemon, 'export', big), ''.join(l + '\n' for l in out.splitlines() if json.loads(l)['account'] == big), 'of one account')
        copy = written('out.jsonl', out)
        equal(pushed(other, '--quiet-alerts', copy), (len(events), 0, 0), 'pushed elsewhere')
        equal(pushed(daemon, copy), (0, len(events), 0), 'pushed again')
        at = max(daemon.now(), other.now()) + DAY
        for name in (n for n in sorted(set(names)) if n == 'one of many 7' or not n.startswith('one of many')):
            one, two = daemon.get(name, at=at), other.get(name, at=at)
            for answer in (one, two):
                del answer['alerts']
            equal(two, one, 'account', name)
        code, out, err = ctl(daemon, 'export', fresh('nobody'))
        equal((code, out), (1, ''), 'of an account that is not there')
        check('not_found' in err, 'it does not say why', err)
        kims = {e['account'] for e in lines(good(daemon, 'export', '--owner', 'kim'))}
        equal(kims, {a['account'] for a in daemon.accounts(owner='kim')}, 'accounts of one owner')


@case
def an_account_gets_another_name():
    """The way of docs/OPERATIONS.md: exported, renamed, pushed, erased; a step that is repeated does no harm."""
    old, new, kept = fresh('old'), fresh('new'), ('score', 'base', 'events', 'last_contact', 'open_tickets', 'owner', 'factors')
    with Daemon(workers=2) as daemon:
        daemon.load([event(account=old, ts=now() - i * DAY, contact='c%d' % (i % 3)) for i in range(1, 40)])
        daemon.load([event('account', account=old, owner='kim', value=5), event('ticket', account=old, ts=now() - HOUR, severity=2)])
        at = daemon.now() + DAY
        before = daemon.get(old, at=at)
        renamed = ''.join(json.dumps(dict(e, account=new)) + '\n' for e in lines(good(daemon, 'export', old)))
        path = written('renamed.jsonl', renamed)
        equal(pushed(daemon, '--quiet-alerts', path), (41, 0, 0), 'pushed under the new name')
        equal(pushed(daemon, '--quiet-alerts', path), (0, 41, 0), 'and again')
        good(daemon, 'erase', '--yes', old)
        after = daemon.get(new, at=at)
        equal({k: after[k] for k in kept}, {k: before[k] for k in kept}, 'under the new name')
        daemon.refused('account.get', 'not_found', account=old)


@case
def export_of_events_too_large_for_one_answer():
    account = fresh()
    with Daemon(limits__unread_bytes='1M') as daemon:
        events = [event(account=account, contact=str(i), note='x' * 20000) for i in range(100)]
        daemon.load(events, batch=10)
        check(daemon.query('account.timeline', account=account, limit=1000).get('error') in ('busy', 'too_large'), 'it fits into one answer')
        equal({e['contact'] for e in lines(good(daemon, 'export', account))}, {e['contact'] for e in events}, 'events')


@case
def export_into_a_full_disk():
    daemon, account = shared(), fresh()
    daemon.load([event(account=account, contact='x' * 100) for _ in range(500)])
    at = ['--query', daemon.at['query']]
    with open('/dev/full', 'w') as full:
        process = spawn([require('retainctl')] + at + ['export', account], stdout=full, stderr=subprocess.PIPE)
        _, err = process.communicate(timeout=DEADLINE)
    equal(process.returncode, 1, 'exit code')
    check(b'written' in err, 'it does not say why', err)


@case
def more_of_a_list():
    """What --after takes is printed as a shell wants it."""
    daemon = shared()
    owner = fresh('boss')
    names = [fresh("o'brien & $HOME") for _ in range(3)]
    daemon.load([event('account', account=n, owner=owner) for n in names])
    code, out, err = ctl(daemon, 'list', '--owner', owner, '--limit', '2')
    equal(code, 0, 'exit code')
    mark = shlex.split(err.split('--after', 1)[1])
    equal(mark, [names[1]], 'mark, as a shell reads it')
    rest = told(daemon, 'list', '--owner', owner, '--limit', '2', '--after', mark[0])
    equal([a['account'] for a in rest['accounts']], names[2:], 'the rest')


@case
def watch_prefix():
    daemon = shared()
    out = os.path.join(scratch(), 'out')
    owner = fresh('boss')
    argv = [require('retainctl'), '--alerts', daemon.at['alerts'], '--query', daemon.at['query'], '--json', 'watch', 'owner.%s.' % owner]
    with open(out, 'wb') as file:
        process = spawn(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)

    def said():
        with open(out) as file:
            return file.read()
    names = []

    def heard():
        names.append(fresh('mine'))
        other = fresh('other')
        daemon.load([ticket(other, 'T', 'opened', now() - 5 * HOUR, severity=1)])
        daemon.load([event('account', account=names[-1], owner=owner), ticket(names[-1], 'T', 'opened', now() - 5 * HOUR, severity=1)])
        return any(n in said() for n in names)
    until(heard, 'watch by prefix', pause=0.2)
    process.terminate()
    process.wait(DEADLINE)
    check('other' not in said(), 'it tells of others as well', short(said()))


@case
def nobody_there():
    code, out, err = run([require('retainctl'), '--query', 'ipc://%s/nobody' % scratch(), 'stats'], deadline=120)
    check(code > 0 and err.strip(), 'no daemon: exit', code, out, err)


@case
def simulate():
    # --seed is what a seeded world takes; the help must speak of it
    text = good(None, 'simulate', '--help')
    check('seed' in text, 'simulate --help does not speak of a seed')
    one, again, other = (good(None, 'simulate', '--seed', s) for s in ('7', '7', '8'))
    check(one.strip(), 'an empty world')
    equal(one == again, True, 'the same seed gives the same world')
    check(one != other, 'another seed gives the same world')
    events = lines(one)
    check({'call', 'email', 'visit', 'ticket', 'account'} <= {e['type'] for e in events}, 'kinds', {e['type'] for e in events})
    equal(len({(e.get('source', ''), e['account'], e['id']) for e in events}), len(events), 'identities')
    with Daemon(workers=2) as daemon:
        path = written('world.jsonl', one)
        equal(pushed(daemon, '--quiet-alerts', path), (len(events), 0, 0), 'all of it is accepted')
        equal(pushed(daemon, path), (0, len(events), 0), 'again')
        equal(daemon.ok('stats')['accounts'], len({e['account'] for e in events}), 'accounts')


def on_a_terminal(argv):
    """What a command prints when its output is a terminal."""
    master, slave = pty.openpty()
    process = spawn(argv, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    out, end = b'', time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if select.select([master], [], [], 0.1)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            out += data
        elif process.poll() is not None:
            break
    process.wait(DEADLINE)
    os.close(master)
    return out


@case
def control_bytes_are_escaped_on_a_terminal():
    daemon = shared()
    evil = 'evil\x1b[31m\x07\x9b5m\x7f%s' % fresh()
    name = 'Name\x1b]0;owned\x07\r\n\x08'
    daemon.load([event('account', account=evil, name=name, owner='kim\x1b[2J', region='\x1b[1m', contacts=[{'name': '\x1bc'}]),
                 event(account=evil, contact='\x1b[5mblink', agent='\x1b[6m'),
                 ticket(evil, 'T\x1b[7m', 'opened', now() - 5 * HOUR, severity=1)])
    daemon.wait_alert(evil, 'ticket_overdue')
    at = [require('retainctl'), '--events', daemon.at['events'], '--alerts', daemon.at['alerts'], '--query', daemon.at['query']]
    for argv in (['get', evil], ['list'], ['timeline', evil], ['alerts'], ['report', 'kim\x1b[2J'], ['get', 'none\x1b[9m'],
                 ['--json', 'get', evil], ['--json', 'timeline', evil]):
        out = on_a_terminal(at + argv)
        check(out.strip(), argv, 'prints nothing')
        for sequence in (b'\x1b[31m\x07', b'\x1b]0;owned', b'\x1b[2J', b'\x1b[5mblink', b'\x1b[6m', b'\x1b[7m', b'\x1bc', b'\x07',
                         b'\x08', b'\x7f', b'\x1b[9m', b'\xc2\x9b'):
            check(sequence not in out, argv, 'sends', sequence, 'to the terminal:', short(out))


@case
def progress_only_on_a_terminal():
    daemon = shared()
    path = written('some.jsonl', '\n'.join(json.dumps(event()) for _ in range(100)))
    _, out, err = ctl(daemon, 'push', path)
    check('\r' not in out + err and '\x1b' not in out + err, 'progress into a pipe', repr(out + err))
    check('100' in out + err, 'the totals', out, err)


@case
def dead_letters():
    with Daemon(workers=1) as daemon:
        hose = connect(zmq.PUSH, daemon.at['firehose'])
        hose.send(b'\xc1rubbish')
        until(lambda: daemon.ok('dead.list')['dead'], 'a dead letter')
        reply = told(daemon, 'dead')
        listed = reply['dead'] if isinstance(reply, dict) else reply
        equal(len(listed), 1, 'dead --json')
        check(good(daemon, 'dead').strip(), 'dead for people')
        hose.close()


if __name__ == '__main__':
    require('retainctl')
    main()
