"""The table of docs/performance.md and its plots, written by hand: no plotting library is worth a dependency here."""
import html
import math
import re

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 340, 70, 20, 44, 62
BUSY = 1.5  # a load average at the start of a run above which something else was running
COLOURS = ["#1a7f64", "#8c8c8c", "#c9a227", "#4a6fa5"]
TITLES = {"check": "A check over HTTP", "unix": "Over a unix socket", "auth_request": "Behind nginx `auth_request`", "inside": "Checks inside nginx", "in_process": "In process",
          "login": "Logins", "store": "The store's acts", "growth": "How cost grows", "connections": "Connections and threads", "memory": "Memory",
          "hang": "While WeChat hangs", "passwords": "While passwords are checked", "engines": "PostgreSQL and MariaDB"}


def verdict(line, busy):
    if line["met"] is None:
        return ""
    if busy and line.get("latency"):
        return "not judged: the machine was busy"
    return "met" if line["met"] else "**missed**"


def markdown(lines, busy):
    out = ["| what | measured | beside | target | |", "|---|---|---|---|---|"]
    out += [f"| {line['what']} | {line['value']} | {line['beside']} | {line['target']} | {verdict(line, busy)} |" for line in lines]
    return "\n".join(out)


def table(lines, busy):
    fields = [line.fields for line in lines]
    width = max(len(line["what"]) for line in fields)
    return "\n".join(f"  {line['what']:<{width}}  {line['value']}  |  {line['beside']}  |  {line['target']} {verdict(line, busy)}" for line in fields)


class Svg:
    def __init__(self, title, ylabel):
        self.parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
                      f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>']
        self.text(LEFT, 20, title, size=15, anchor="start")
        self.text(LEFT, 37, ylabel, anchor="start", colour="#666666")

    def text(self, x, y, text, size=12, anchor="middle", colour="#222222"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{html.escape(str(text))}</text>')

    def axis(self, top):
        """Horizontal lines at round values up to `top`; returns the scale."""
        step = 10 ** math.floor(math.log10(top))
        step = next(step * factor for factor in (0.2, 0.5, 1, 2) if top / (step * factor) <= 6)
        scale = lambda value: HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top
        value = 0
        while value <= top:
            self.parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{scale(value):.1f}" y2="{scale(value):.1f}" stroke="#dddddd"/>')
            self.text(LEFT - 6, scale(value) + 4, f"{value:g}" if value < 10_000 else f"{value / 1000:g}k", anchor="end")
            value = round(value + step, 10)
        return scale

    def legend(self, names):
        x = LEFT
        for name, colour in zip(names, COLOURS):
            self.parts.append(f'<rect x="{x}" y="{HEIGHT - 20}" width="12" height="12" fill="{colour}"/>')
            self.text(x + 17, HEIGHT - 10, name, anchor="start")
            x += 32 + 7 * len(name)

    def write(self, path):
        path.write_text("\n".join([*self.parts, "</svg>"]) + "\n")


def bars(path, title, ylabel, groups, names):
    """groups: label → one value for each of `names`."""
    svg = Svg(title, ylabel)
    scale = svg.axis(1.15 * max(max(values) for values in groups.values()))
    room = (WIDTH - LEFT - RIGHT) / len(groups)
    width = room * 0.8 / len(names)
    for index, (label, values) in enumerate(groups.items()):
        x = LEFT + room * (index + 0.1)
        for number, value in enumerate(values):
            svg.parts.append(f'<rect x="{x + number * width:.1f}" y="{scale(value):.1f}" width="{width - 3:.1f}" height="{HEIGHT - BOTTOM - scale(value):.1f}" fill="{COLOURS[number]}"/>')
            svg.text(x + (number + 0.5) * width - 1.5, scale(value) - 4, f"{value:.2f}" if value < 100 else f"{value:.0f}", size=11)
        svg.text(x + room * 0.4, HEIGHT - BOTTOM + 16, label)
    svg.legend(names)
    svg.write(path)


def curves(path, title, ylabel, series):
    """series: name → list of (x, y); x on a logarithmic axis."""
    svg = Svg(title, ylabel)
    points = [point for line in series.values() for point in line]
    scale = svg.axis(1.1 * max(y for _, y in points))
    low, high = (function(math.log10(x) for x, _ in points) for function in (min, max))
    across = lambda x: LEFT + 30 + (WIDTH - LEFT - RIGHT - 60) * (math.log10(x) - low) / ((high - low) or 1)
    for (_, line), colour in zip(series.items(), COLOURS):
        path_text = " ".join(f"{across(x):.1f},{scale(y):.1f}" for x, y in line)
        svg.parts.append(f'<polyline points="{path_text}" fill="none" stroke="{colour}" stroke-width="2"/>')
        svg.parts += [f'<circle cx="{across(x):.1f}" cy="{scale(y):.1f}" r="3" fill="{colour}"/>' for x, y in line]
    for x in sorted({x for x, _ in points}):
        svg.text(across(x), HEIGHT - BOTTOM + 16, f"{x:,}")
    svg.legend(list(series))
    svg.write(path)


def number_of(text):
    return int(re.match(r"\d+", str(text)).group())


def plots(docs, rows):
    if "check" in rows:
        figures = {key: value for key, value in rows["check"]["figures"].items() if "connections" in key}
        order = ("kaimen", "nginx", "raw", "constant")
        bars(docs / "performance-check.svg", "CPU a request: a ticket checked, beside servers that do less", "microseconds of CPU; less is better",
             {key.replace(" connections, ", " · ").replace("-like headers", ""): [value[name]["cpu_us"] for name in order] for key, value in figures.items()},
             ["Kaimen, GET /verify", "nginx, return 204", "raw epoll, no parsing", "our constant answer"])
    if "store" in rows:
        acts = rows["store"]["figures"]["acts"]
        line = lambda key: [(act["under_way"], act[key]) for act in acts if act["act"] == "login"]
        curves(docs / "performance-store.svg", "Durable logins in the store, by how many are under way", "acts a second; more is better",
               {"Kaimen's store": line("per_second"), "hand-written SQL": line("plain_per_second")})
    if "growth" in rows:
        figures = rows["growth"]["figures"]
        relative = lambda kind: [(number_of(count), figures[kind][count]["cpu_us"] / min(figures[kind].items(), key=lambda item: number_of(item[0]))[1]["cpu_us"])
                                 for count in sorted(figures[kind], key=number_of)]
        curves(docs / "performance-growth.svg", "Cost with the number of sessions in the store", "CPU, as a multiple of the cost with the smallest store",
               {"a check": relative("checks"), "a login": relative("logins")})
    if "connections" in rows:
        figures = {key: value for key, value in rows["connections"]["figures"].items() if "connections" in key}
        line = lambda name: [(number_of(key), figures[key][name]["cpu_us"]) for key in sorted(figures, key=number_of)]
        curves(docs / "performance-connections.svg", "CPU a check with the number of connections", "microseconds of CPU; less is better",
               {"Kaimen, GET /verify": line("kaimen"), "nginx, return 204": line("nginx"), "raw epoll, parses nothing": line("raw")})


def write(docs, results, order):
    rows, machine = results["rows"], results["machine"]
    text = [f"Machine: {machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}; {machine['nginx']}, {machine['openssl']}, {machine['compiler']}."]
    for name in order:
        if name in rows:
            row = rows[name]
            busy = row["load_average"] > BUSY
            hint = " The machine was busy with other work: ratios hold better than absolutes, and latencies say little." if busy else ""
            text += [f"### {TITLES[name]}", f"Measured {row['measured_at']}, load average at the start {row['load_average']}.{hint}", markdown(row["lines"], busy)]
    plots(docs, rows)
    page = docs / "performance.md"
    begin, end = "<!-- figures: written by script/bench -->", "<!-- end of figures -->"
    before, rest = page.read_text().split(begin)
    after = rest.split(end)[1]
    page.write_text(before + begin + "\n\n" + "\n\n".join(text) + "\n\n" + end + after)
