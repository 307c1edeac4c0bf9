"""State directories as older programs left them: tests/golden/state-N.tar.xz, with what a reader must see in state-N.json.

N is the newest version of any format in it. An archive is never made again once it is in the tree: it is what was written then."""
import io
import json
import tarfile
from harness import *

FOLDER = os.path.join(REPO, 'tests', 'golden')
SEEN = ('account', 'score', 'band', 'events', 'last_contact', 'open_tickets', 'name', 'owner', 'tier', 'region', 'renewal', 'value',
        'currency', 'status', 'contacts', 'override')
SAID = ('id', 'cursor', 'kind', 'severity', 'state', 'account', 'owner', 'score', 'previous', 'ts', 'published', 'cause', 'ack', 'snooze')


def names():
    return sorted(n[:-len('.tar.xz')] for n in os.listdir(FOLDER) if n.endswith('.tar.xz'))


def expected(name):
    with open(os.path.join(FOLDER, name + '.json')) as file:
        return json.load(file)


def unpack_state(name, to):
    with tarfile.open(os.path.join(FOLDER, name + '.tar.xz')) as archive:
        archive.extractall(to)


def pack_state(state, name):
    """Sorted, without owners and times, so that the same state gives the same bytes."""
    with tarfile.open(os.path.join(FOLDER, name + '.tar.xz'), 'w:xz', preset=9) as archive:
        for folder, folders, files in os.walk(state):
            folders.sort()
            for file in sorted(files):
                if file in ('lock', 'endpoints') or file.endswith('.lock'):
                    continue
                path = os.path.join(folder, file)
                entry = tarfile.TarInfo(os.path.relpath(path, state))
                entry.size, entry.mode = os.path.getsize(path), 0o600
                with open(path, 'rb') as data:
                    archive.addfile(entry, io.BytesIO(data.read()))


def opened(name, workers, **options):
    """A daemon over a copy, at the time at which it was left; not started."""
    daemon = Daemon(workers=workers, journal__segment_bytes='1M', debug__clock_offset_ms=expected(name)['left'] - now(), **options)
    unpack_state(name, daemon.state)
    return daemon


def picture(daemon, at):
    """What a reader sees, as JSON has it."""
    accounts = {}
    for entry in daemon.accounts():
        told = daemon.get(entry['account'], at=at)
        accounts[entry['account']] = dict({k: told[k] for k in SEEN if k in told},
                                          timeline=[[e['ts'], e['id']] for e in daemon.timeline(entry['account'])])
    return json.loads(json.dumps(default=bytes.hex, obj={
        'accounts': accounts,
        'alerts': [{k: m[k] for k in SAID if k in m} for m in daemon.alerts()],
        'dead': daemon.ok('dead.list', limit=1000)['dead'],
    }))
