"""Results for people and programs: tables on standard output and in Markdown, JSON, and pictures by gnuplot."""
import json
import os
import shutil
import subprocess

NAMES = {"retaind": "retaind", "redis": "Redis Streams", "nats": "NATS JetStream", "limit": "the limit"}
QUANTILES = ("p50", "p99", "p999")


def machine_line(machine):
    return (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['kernel']}; a sync of 12 KiB takes "
            f"{machine['sync_of_12_kib_us']} us; retaind {machine['retaind']}, redis {machine['redis']}, nats-server "
            f"{machine['nats']}; {machine['date']}, load before {machine['load_before']}")


def ratio(row, name, key="acknowledged"):
    """retaind's figure over that of another, of the same form."""
    ours, theirs = row["systems"].get("retaind"), row["systems"].get(name)
    return ours["acknowledged"] / theirs[key] if ours and theirs and theirs[key] else None


def times(value):
    return "" if value is None else f"{value:.2f}"


# ---- tables -----------------------------------------------------------------------------------------------------------------


def print_throughput(row):
    print(f"\n{row['title']}: events/s")
    for name, figures in row["systems"].items():
        against = "" if name == "retaind" else (f"   retaind = {times(ratio(row, name))} x acknowledged, "
                                                f"{times(ratio(row, name, 'worked_off'))} x worked off")
        print(f"  {NAMES[name]:<15} {figures['acknowledged']:>11,.0f} acknowledged {figures['worked_off']:>11,.0f} worked off"
              f"{against}   (rounds: {' '.join(f'{value:,.0f}' for value in figures['rounds'])})", flush=True)


def print_latency(row):
    print(f"\n{row['title']}: ms, open loop")
    for name, figures in row["systems"].items():
        flaws = "".join(f", {figures[what]:.0f} {what}" for what in ("unanswered", "refused", "unheard") if figures[what])
        print(f"  {NAMES[name]:<15} {figures['rate']:>11,.0f} events/s   push-to-ack "
              + " / ".join(f"{figures[f'ack_{q}_ms']:.2f}" for q in QUANTILES) + "   push-to-alert "
              + " / ".join(f"{figures[f'alert_{q}_ms']:.2f}" for q in QUANTILES)
              + f"   ({figures['alerts']:.0f} alerts a round{flaws})", flush=True)


def markdown(results):
    lines = [f"Made by `make bench-peers` on {machine_line(results['machine'])}.", "",
             "Acknowledged events/s, medians; in brackets what the worker behind the queue was done with in the same time. "
             "Ratios are retaind's figure over the peer's acknowledged one, same form with same form.", ""]
    lines += ["| case | " + " | ".join(NAMES.values()) + " | : Redis | : JetStream | : the limit |",
              "| --- |" + " --- |" * (len(NAMES) + 3)]
    for row in results["throughput"]:
        cells = []
        for name in NAMES:
            figures = row["systems"].get(name)
            text = f"{figures['acknowledged']:,.0f}" if figures else ""
            if figures and figures["worked_off"] < 0.98 * figures["acknowledged"]:
                text += f" ({figures['worked_off']:,.0f})"
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
                         + f" | {figures['alerts']:.0f} |")
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
set key top right
set xtics nomirror rotate by -20
set datafile missing '?'
"""


def plot(path, title, machine, settings, header, rows):
    """Columns of `rows` beside each other; header: their names."""
    data = "\n".join([" ".join(f'"{cell}"' for cell in ["case"] + header)]
                     + [" ".join([f'"{row[0]}"'] + [str(value) if value else "?" for value in row[1:]]) for row in rows])
    colours = ("#1b6ca8", "#c0392b", "#d68910", "#7f8c8d")
    bars = ", ".join(f"$data using {i + 2}{':xtic(1)' if i == 0 else ''} title columnheader linecolor rgb '{colours[i]}'"
                     for i in range(len(header)))
    script = (STYLE.format(height=560, path=path, title=title, machine=machine.replace('"', "'")) + settings
              + f"$data << END\n{data}\nEND\nplot {bars}\n")
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def pictures(folder, results):
    if shutil.which("gnuplot") is None:
        print("no gnuplot: no pictures")
        return
    machine = machine_line(results["machine"]).replace("; ", "\\n", 1)
    header = list(NAMES.values())
    for form in ("packed", "single"):
        rows = [[row["title"].split(", ", 1)[1]] + [row["systems"].get(name, {}).get("acknowledged") for name in NAMES]
                for row in results["throughput"] if row["form"] == form]
        if rows:
            plot(os.path.join(folder, f"throughput-{form}.svg"),
                 f"Acknowledged events/s, {'100 events' if form == 'packed' else '1 event'} a message, producer and worker included",
                 machine, "set format y \"%'.0f\"\nset yrange [0:*]\n", header, rows)
    rows = [[row["title"]] + [row["systems"].get(name, {}).get("alert_p99_ms") for name in NAMES] for row in results["latency"]]
    if rows:
        plot(os.path.join(folder, "latency.svg"), "Push-to-alert p99 in ms, open loop; half and 80 % are of each one's own maximum",
             machine, "set logscale y\n", header, rows)


def write(folder, name, results):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".json"), "w") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
    with open(os.path.join(folder, name + ".md"), "w") as file:
        file.write(markdown(results))
    pictures(folder, results)
    print(f"\nwritten: {folder}/{name}.json, {name}.md and *.svg")
