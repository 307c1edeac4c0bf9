/* The command table: the order in which --help lists them. */
#include "clients/retainctl/cli.h"

#include <stddef.h>

const struct rt_cli_command rt_cli_commands[] = {
    {"push", "[FILE...]", "send events from files or standard input",
     "Reads JSON Lines, CSV with a header row (RFC 4180), or a stream of MessagePack maps; the "
     "format is told by\n"
     "--format, by the name's ending (.jsonl .ndjson .json .csv .msgpack .mp) or by the first "
     "bytes. Sends batches,\n"
     "waits for every acknowledgement, and exits 0 only if nothing was rejected or lost.\n"
     "\n"
     "CSV columns are the event's keys; other columns are dropped, an empty cell is an absent key. "
     "A row without an id gets\n"
     "one made from its content, so that pushing a file again changes nothing.\n"
     "\n"
     "  retainctl push --map account=customer_id,ts=date --set type=visit visits.csv",
     rt_cli_push},
    {"watch", "[PREFIX...]", "print alerts as they come, and those that were missed",
     "PREFIX is the beginning of a topic: alert. (all, the default), alert.critical., owner.kim. "
     "and so on; of a\n"
     "key with owners theirs are the default. Each alert is printed once. With --since, or "
     "--cursor-file of an earlier run, what was published meanwhile "
     "comes first.",
     rt_cli_watch},
    {"get", "ACCOUNT", "health of an account, with the reasons", NULL, rt_cli_get},
    {"list", "", "accounts with their health", NULL, rt_cli_list},
    {"timeline", "ACCOUNT", "events of an account, newest first",
     "Times are milliseconds since the epoch, a date (midnight UTC), ISO 8601, or an age such as "
     "7d or 12h.",
     rt_cli_timeline},
    {"alerts", "", "the history of alerts, or the open ones", NULL, rt_cli_alerts},
    {"ack", "ID", "acknowledge an alert: quiet until its time is over, then it speaks again",
     "Times are milliseconds since the epoch, a date (midnight UTC), ISO 8601, or a span such as "
     "7d or 12h from now.",
     rt_cli_ack},
    {"snooze", "ID", "silence an alert, unless it becomes critical",
     "Nothing of it is published until then, not even that it is over; the history has it all.\n"
     "Times are milliseconds since the epoch, a date (midnight UTC), ISO 8601, or a span such as "
     "7d or 12h from now.",
     rt_cli_snooze},
    {"override", "ACCOUNT", "set health by hand for a while: a score or a band, and why",
     "The computed score stays and is shown beside it; rules follow what is set until it ends, by "
     "itself. --band holds the\n"
     "computed score in that band. Times are milliseconds since the epoch, a date (midnight UTC), "
     "ISO 8601, or a span such as\n"
     "7d from now.\n"
     "\n"
     "  retainctl override acme --band at_risk --until 30d --reason 'their new head of purchasing "
     "told me'\n"
     "  retainctl override acme --end --reason 'signed again'",
     rt_cli_override},
    {"void", "ACCOUNT ID", "take a wrong event back: it counts no more",
     "The account becomes what it would be without the event, which stays void: sent again it is a "
     "duplicate. Alerts that were\n"
     "told stay told, and may clear. Refused if other events of the account are no longer kept "
     "(journal.keep_days).\n"
     "\n"
     "  retainctl void acme T-4711-opened --source desk --reason 'belongs to Acme Ltd, not to us'",
     rt_cli_void},
    {"report", "[OWNER]", "the portfolio of an account manager, or of all; the management report",
     "Any option but --json asks for the management report: health before and ahead, value at "
     "risk, "
     "renewals, time limits kept\n"
     "and missed, complaints, what is overdue, visits due, growth, by owner, tier, region and "
     "currency. Tables of --table:\n"
     "at_risk next_renewals complaints owed visits growth owners tiers regions currencies.\n"
     "\n"
     "  retainctl report --management --json\n"
     "  retainctl report kim --html review.html",
     rt_cli_report},
    {"export", "[ACCOUNT]", "events of one account or of all, as push reads them",
     "JSON Lines on standard output: account by account in the order of their names, each one's "
     "events newest first. Pushed again\n"
     "elsewhere it makes the same accounts; pushed again here it is all duplicates. An event whose "
     "bytes are no longer kept\n"
     "(journal.keep_days) is not in it. Times as for timeline.\n"
     "\n"
     "  retainctl export > all.jsonl\n"
     "  retainctl export acme | retainctl --events tcp://other:7600 push --format jsonl "
     "--quiet-alerts",
     rt_cli_export},
    {"erase", "ACCOUNT", "remove an account and all its events from disk, for good",
     "Asks for confirmation on a terminal; elsewhere --yes is needed.", rt_cli_erase},
    {"dead", "[list | retry ID | drop ID]", "dead letters: what could not be read, and why",
     "Dead letters come from the firehose, where there is nobody to answer, and from events that "
     "crashed a worker.",
     rt_cli_dead},
    {"stats", "", "numbers of the daemon and its workers", NULL, rt_cli_stats},
    {"spool", "DIRECTORY", "send what is in a spool directory, and remove what is acknowledged",
     "A hook writes events with retain_spool_put or `retainctl push --spool DIRECTORY`; this sends "
     "them when retaind is\n"
     "there. A rejected event is kept as NAME.rejected. With --watch it stays and sends what "
     "comes.",
     rt_cli_spool},
    {"backup", "STATE_DIR DESTINATION", "copy a state directory, while its daemon runs or not",
     "DESTINATION must not exist. Every event that was acknowledged before the copy began is in "
     "it. "
     "It is checked as by verify before\n"
     "it gets its name; to restore, copy it to where the state directory was, give it its owner, "
     "and start. While it is taken an erase\n"
     "is answered `busy`.",
     rt_cli_backup},
    {"verify", "STATE_DIR", "check a state directory that nobody uses, byte by byte",
     "Names each fault by file and offset. `lost`: what stood there cannot be read any more; "
     "`mended`: nothing is lost, it is\n"
     "there twice or is made from the rest; `note`: what a stop leaves behind, no damage. Changes "
     "nothing. Exit status: 0 nothing\n"
     "is damaged, 1 something is, 2 it could not be checked (a daemon runs, for one).",
     rt_cli_verify},
    {"keygen", "ROLE NAME", "make a pair of keys: for a client, or for the server",
     "ROLE is server, producer, subscriber, reader or admin. Writes NAME.secret, which the client "
     "(or "
     "retaind) keeps, and for\n"
     "a client NAME.key, which says what it may do and goes into the folder access.keys of "
     "retaind.\n"
     "\n"
     "  retainctl keygen server server\n"
     "  retainctl keygen producer pbx-berlin --server server.secret --source pbx-berlin",
     rt_cli_keygen},
    {"simulate", "", "a synthetic world as events, for demonstrations and tests",
     "The same --seed, --accounts, --days and --until give the same bytes. Every event has the "
     "source `simulate`. With --live\n"
     "the history is left out: events come in real time, and a part of the accounts turns bad at "
     "once.",
     rt_cli_simulate},
    {"backtest", "LOG...", "how well does the score foretell who goes quiet? no daemon needed",
     "Runs the scoring code and the alert rules over a log of events (files as for push, or a "
     "state "
     "directory that nobody uses)\n"
     "in event time. Of the accounts that had a contact before --at, those without any in the "
     "horizon after it, or said to have\n"
     "left in it, are called churned.\n"
     "\n"
     "  retainctl backtest --at 1997-10-01 --map account=customer,ts=date --set type=visit "
     "orders.csv\n"
     "  retainctl backtest --at 2026-03-01 --at 2026-06-01 --horizon 90 --svg proof.svg "
     "/var/lib/retaind",
     rt_cli_backtest},
    {"calibrate", "LOG...", "propose rhythms, weights and thresholds from history, to a file",
     "Measures each tier's rhythm (g0) and moves half-lives, weights and thresholds where that "
     "pays, "
     "on the accounts of --at\n"
     "whose end is known. Shows today's configuration and the proposed one side by side, judged on "
     "accounts that the proposal\n"
     "has not seen, and writes a file to review. Nothing is applied.\n"
     "\n"
     "  retainctl calibrate --at 2026-03-01 --horizon 90 --config /etc/retaind/retaind.conf "
     "/var/lib/retaind",
     rt_cli_calibrate},
    {NULL, NULL, NULL, NULL, NULL},
};
