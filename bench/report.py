#!/usr/bin/python3
"""Results for people and programs: tables on standard output and in Markdown, JSON, and pictures by gnuplot.

    bench/report.py RESULTS DOCUMENT

puts the tables of RESULTS into DOCUMENT (docs/PERFORMANCE.md), each between its two marks."""
import json
import os
import re
import shutil
import subprocess
import sys

NAMES = {"retaind": "retaind", "redis": "Redis Streams", "nats": "NATS JetStream", "limit": "the limit"}
COLOURS = {"retaind": "#1b6ca8", "Redis Streams": "#c0392b", "NATS JetStream": "#d68910", "the limit": "#7f8c8d"}
QUANTILES = ("p50", "p99", "p999")


def machine_line(machine):
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['kernel']}; a sync of 12 KiB takes "
            f"{machine['sync_of_12_kib_us']} us; retaind {machine['retaind']}, redis {machine['redis']}, nats-server "
            f"{machine['nats']}; {machine['date']}, load before {machine['load_before']}")


def ratio(row, name, key="worked_off"):
    """retaind's figure over that of another, of the same form: of the whole job, or of what only its queue has acknowledged."""
    ours, theirs = row["systems"].get("retaind"), row["systems"].get(name)
    return ours["acknowledged"] / theirs[key] if ours and theirs and theirs[key] else None


def times(value):
    return "" if value is None else f"{value:.2f}"


# ---- tables -----------------------------------------------------------------------------------------------------------------


def flaws(figures):
    """What an overload left: refused as busy, or never come. The quantiles know only of the rest."""
    return "".join(f", {figures[what]:.0f} {what}" for what in ("unanswered", "refused", "unheard") if figures[what])


def print_throughput(row):
    print(f"\n{row['title']}: events/s")
    for name, figures in row["systems"].items():
        against = "" if name == "retaind" else (f"   retaind = {times(ratio(row, name))} x that, "
                                                f"{times(ratio(row, name, 'acknowledged'))} x acknowledged")
        print(f"  {NAMES[name]:<15} {figures['worked_off']:>11,.0f} done {figures['acknowledged']:>11,.0f} acknowledged {figures['cpu_ns_event']:>6,} ns of CPU"
              f"{against}   (rounds: {' '.join(f'{value:,.0f}' for value in figures['rounds_worked_off'])})", flush=True)


def print_latency(row):
    print(f"\n{row['title']}: ms, open loop")
    for name, figures in row["systems"].items():
        print(f"  {NAMES[name]:<15} {figures['rate']:>11,.0f} events/s   push-to-ack "
              + " / ".join(f"{figures[f'ack_{q}_ms']:.2f}" for q in QUANTILES) + "   push-to-alert "
              + " / ".join(f"{figures[f'alert_{q}_ms']:.2f}" for q in QUANTILES)
              + f"   ({figures['alerts']:.0f} alerts a round{flaws(figures)})", flush=True)


ALONE = (
    ("events/s of {accounts:,} accounts, 100 a message", "events_per_s_many", "{:,.0f}"),
    ("events/s of 1,000 accounts, in turns with it", "events_per_s_few", "{:,.0f}"),
    ("events/s of 1,000 accounts, 1 a message, in turns with it", "events_per_s_single", "{:,.0f}"),
    ("anonymous RSS of all processes per account, after a start, bytes", "rss_account_bytes", "{:.0f}"),
    ("the same while they are loaded, bytes", "rss_account_loading_bytes", "{:.0f}"),
    ("memory of the identities per event, all counted by the workers, bytes", "dedupe_bytes_event", "{:.2f}"),
    ("growth of RSS per event of the same 1,000 accounts, bytes", "rss_bytes_event", "{:.2f}"),
    ("start after a clean stop, s", "start_clean_s", "{:.2f}"),
    ("start after kill -9 with {events:,} events behind the snapshot, s", "restart_s", "{:.2f}"),
    ("of a tenth of the accounts: anonymous RSS per account, after a start, bytes", "tenth_rss_account_bytes", "{:.0f}"),
    ("of a tenth of the accounts: start after a clean stop, s", "tenth_start_clean_s", "{:.2f}"),
    ("of a tenth of the accounts: start after kill -9, s", "tenth_restart_s", "{:.2f}"),
    ("push-to-alert p50 at 1,000 events/s without a snapshot, ms", "without_snapshots_alert_p50_ms", "{:.2f}"),
    ("push-to-alert p99 at 1,000 events/s without a snapshot, ms", "without_snapshots_alert_p99_ms", "{:.2f}"),
    ("the same with one snapshot after the other, ms", "with_snapshots_alert_p99_ms", "{:.2f}"),
    ("bytes of the journal per byte received, 100 a message", "journal_bytes_byte", "{:.3f}"),
    ("bytes of the index of identities per byte received", "index_bytes_byte", "{:.3f}"),
    ("CPU without events, % of one core", "idle_cpu_percent", "{:.3f}"),
)


def made_by(results, command):
    return f"Made by `{command}` on {machine_line(results['machine'])}."


def alone_markdown(results):
    found = results["alone"]
    lines = [made_by(results, "make bench"), "", f"| retaind alone, {found['accounts']:,} accounts | |", "| --- | --- |"]
    lines += [f"| {title.format(**found)} | {shape.format(found[key])} |" for title, key, shape in ALONE if key in found]
    return "\n".join(lines) + "\n"


def markdown(results):
    if "alone" in results:
        return alone_markdown(results)
    lines = [made_by(results, "make bench-peers"), "",
             "Events/s that were acknowledged and whose account, score and alert were up to date, medians; in brackets what the queue "
             "alone had acknowledged, where its worker fell behind. Ratios are retaind's figure over the peer's, same form with same "
             "form. ns: CPU time of producer, server and worker an event, which other programs on the machine disturb least.", ""]
    lines += ["| case | " + " | ".join(NAMES.values()) + " | : Redis | : JetStream | : the limit |",
              "| --- |" + " --- |" * (len(NAMES) + 3)]
    for row in results["throughput"]:
        cells = []
        for name in NAMES:
            figures = row["systems"].get(name)
            text = f"{figures['worked_off']:,.0f}" if figures else ""
            if figures and figures["worked_off"] < 0.98 * figures["acknowledged"]:
                text += f" ({figures['acknowledged']:,.0f})"
            if figures:
                text += f", {figures['cpu_ns_event']:,} ns"
            cells.append(text)
        cells += [times(ratio(row, name)) for name in ("redis", "nats", "limit")]
        lines.append(f"| {row['title']} | " + " | ".join(cells) + " |")
    if results["latency"]:
        lines += ["", "Latency in ms at p50 / p99 / p99.9, open loop: from the moment a message was due to its answer, and to its "
                  "alert. Half and 80 % are of what each system itself keeps up with.", "",
                  "| load | system | events/s | push-to-ack | push-to-alert | alerts a round |",
                  "| --- | --- | --- | --- | --- | --- |"]
    for row in results["latency"]:
        for name, figures in row["systems"].items():
            lines.append(f"| {row['title']} | {NAMES[name]} | {figures['rate']:,.0f} | "
                         + " / ".join(f"{figures[f'ack_{q}_ms']:.2f}" for q in QUANTILES) + " | "
                         + " / ".join(f"{figures[f'alert_{q}_ms']:.2f}" for q in QUANTILES)
                         + f" | {figures['alerts']:.0f}{flaws(figures)} |")
    return "\n".join(lines) + "\n"


# ---- pictures ---------------------------------------------------------------------------------------------------------------

STYLE = """set terminal svg size 1000,{height} font 'sans-serif,13' background 'white'
set output '{path}'
set title "{title}\\n{machine}" font ',11'
set style data histogram
set style histogram cluster gap 1
set style fill solid 0.85 noborder
set boxwidth 0.9
set grid ytics
set key outside top right
set xtics nomirror rotate by -20
set datafile missing '?'
"""


def plot(path, title, machine, settings, header, rows):
    """Columns of `rows` beside each other; header: their names."""
    data = "\n".join([" ".join(f'"{cell}"' for cell in ["case"] + header)]
                     + [" ".join([f'"{row[0]}"'] + [str(value) if value else "?" for value in row[1:]]) for row in rows])
    bars = ", ".join(f"$data using {i + 2}{':xtic(1)' if i == 0 else ''} title columnheader linecolor rgb '{COLOURS[name]}'"
                     for i, name in enumerate(header))
    script = (STYLE.format(height=560, path=path, title=title, machine=machine.replace('"', "'")) + settings
              + f"$data << END\n{data}\nEND\nplot {bars}\n")
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def pictures(folder, results):
    if shutil.which("gnuplot") is None:
        print("no gnuplot: no pictures")
        return
    machine = machine_line(results["machine"]).replace("; ", "\\n", 1)
    there = [name for name in NAMES if any(name in row["systems"] for row in results["throughput"] + results["latency"])]
    header = [NAMES[name] for name in there]
    for form in ("packed", "single"):
        rows = [[row["title"].split(", ", 1)[1]] + [row["systems"].get(name, {}).get("worked_off") for name in there]
                for row in results["throughput"] if row["form"] == form]
        if rows:
            plot(os.path.join(folder, f"throughput-{form}.svg"),
                 f"Events/s acknowledged and worked off, {'100 events' if form == 'packed' else '1 event'} a message, producer included",
                 machine, "set format y \"%'.0f\"\nset yrange [0:*]\n", header, rows)
    rows = [[row["title"]] + [row["systems"].get(name, {}).get("alert_p99_ms") for name in there] for row in results["latency"]]
    if rows:
        plot(os.path.join(folder, "latency.svg"), "Push-to-alert p99 in ms, open loop; half and 80 % are of each one's own maximum",
             machine, "set logscale y\n", header, rows)


def write(folder, name, results):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".json"), "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    text = markdown(results)
    with open(os.path.join(folder, name + ".md"), "w") as file:
        file.write(text)
    if "alone" in results:
        print("\n" + text)
    else:
        pictures(folder, results)
    print(f"written: {folder}/{name}.json and what is drawn from it")


# ---- the document -----------------------------------------------------------------------------------------------------------


def case_of(peers, title):
    return next((row for row in peers["throughput"] + peers["latency"] if row["title"] == title), None)


def ratio_goal(peers, form, name, wanted):
    row = case_of(peers, f"{form}, 1,000 accounts")
    value = row and ratio(row, name)
    if not value:
        return None
    told = f"{value:.2f} x"
    if name in ("redis", "nats"):
        told += f" ({ratio(row, name, 'acknowledged'):.2f} x what its queue alone acknowledged)"
    return (f"acknowledged events/s, {'100' if form == 'packed' else '1'} a message, against {NAMES[name]} {form}",
            f">= {wanted} x", told, value >= wanted)


def latency_goals(peers):
    slow, half = case_of(peers, "single, 1,000 events/s"), {form: case_of(peers, f"{form}, half the maximum")
                                                               for form in ("packed", "single")}
    if slow and {"retaind", "limit"} <= slow["systems"].keys():
        ours, limit = (slow["systems"][name]["alert_p99_ms"] for name in ("retaind", "limit"))
        yield ("push-to-alert p99 at 1,000 events/s, 1 a message", "<= 1.5 x the limit's, under 1 ms",
               f"{ours:.2f} ms, {ours / limit:.2f} x ({limit:.2f} ms)", ours < 1 and ours <= 1.5 * limit)
    for form, row in half.items():
        if row and {"retaind", "redis"} <= row["systems"].keys():
            ours, redis = (row["systems"][name]["alert_p99_ms"] for name in ("retaind", "redis"))
            yield (f"push-to-alert p99 at half of each one's maximum, {form}", "under Redis Streams' and under 5 ms",
                   f"{ours:.2f} ms (Redis {redis:.2f})", ours < redis and ours < 5)


def alone_goals(found, many):
    if many:
        value = many["events_per_s_many"] / many["events_per_s_few"]
        yield f"growth: events/s at {many['accounts']:,} accounts", ">= 0.5 x that at 1,000", f"{value:.2f} x", value >= 0.5
    if not found:
        return
    value = found["events_per_s_many"] / found["events_per_s_few"]
    yield f"the same at {found['accounts']:,} accounts", "", f"{value:.2f} x", None
    for title, goal, shape, value, limit in (
            ("RSS per account at 1 M accounts, after a start", "<= 320 bytes", "{:.0f}", found["rss_account_bytes"], 320),
            ("memory of the identities per event in the window", "<= 2 bytes", "{:.2f}", found["dedupe_bytes_event"], 2),
            ("restart, 1 M accounts and 5 M events behind the snapshot", "<= 2 s", "{:.2f} s", found["restart_s"], 2),
            ("p99 with snapshots against without, 1,000 events/s", "<= 2 x", "{:.2f} x",
             found["with_snapshots_alert_p99_ms"] / found["without_snapshots_alert_p99_ms"], 2),
            ("journal bytes per event byte, 100 a message", "<= 1.2", "{:.3f}", found["journal_bytes_byte"], 1.2),
            ("idle CPU with 1 M accounts", "< 0.1 %", "{:.3f} %", found["idle_cpu_percent"], 0.1)):
        yield title, goal, shape.format(value), value <= limit


def goals(peers, found, many):
    rows = []
    if peers:
        rows += [ratio_goal(peers, form, name, wanted) for form, name, wanted in (
            ("packed", "redis", 1.5), ("packed", "nats", 2), ("packed", "limit", 0.6),
            ("single", "redis", 5), ("single", "nats", 7), ("single", "limit", 0.6))]
        rows += latency_goals(peers)
    rows += alone_goals(found, many)
    lines = ["| figure | goal | measured | met |", "| --- | --- | --- | --- |"]
    lines += [f"| {title} | {goal} | {told} | {'' if met is None else 'yes' if met else '**no**'} |"
              for title, goal, told, met in filter(None, rows)]
    return "\n".join(lines) + "\n"


def read(folder, name):
    path = os.path.join(folder, name + ".json")
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return json.load(file)


def refresh(folder, document):
    peers, alone, many = read(folder, "peers"), read(folder, "alone"), read(folder, "alone-10000000")
    told = [made_by(results, command) for results, command in ((peers, "make bench-peers"), (alone, "make bench")) if results]
    parts = {"goals": "\n".join(told) + "\n\n" + goals(peers, alone and alone["alone"], many and many["alone"]), "peers": peers and markdown(peers),
             "alone": alone and markdown(alone), "many": many and markdown(many)}
    for form in ("packed", "single"):
        path = os.path.join(folder, f"profile-{form}.md")
        if os.path.exists(path):
            with open(path) as file:
                parts[f"profile {form}"] = file.read()
    with open(document) as file:
        text = file.read()
    for name, part in parts.items():
        if part:
            text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda found, part=part: found[1] + "\n" + part + "\n" + found[2],
                          text, flags=re.DOTALL)
    with open(document, "w") as file:
        file.write(text)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    refresh(sys.argv[1], sys.argv[2])
