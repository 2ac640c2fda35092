"""What grows with users, sessions and connections: CPU, the time until ready, memory."""
import socket
import subprocess
import time

import servers
from measure import CURL_HEADERS, Line, base_kaimen, middle, ratio
from servers import Kaimen, median


def growth(bench):
    counts = [10_000, 100_000] if bench.quick else [10_000, 100_000, 1_000_000] + ([10_000_000] if bench.full else [])
    directory, figures, lines, running = bench.directory("growth"), {}, [], {}
    request = bench.login_file()
    for count in counts:
        data = directory / f"data{count}"
        number = servers.prepare(bench.build, data)
        subprocess.run([bench.build / "bench/store_bench", "fill", data / "kaimen.db", str(count), str(number), servers.APP_ID], check=True, timeout=1800)
        upstream = servers.upstream(bench.build, directory, "--users", str(count))
        starts = []
        for _ in range(3):
            if starts:
                kaimen.stop()
            kaimen = Kaimen(bench.build, data, name=f"kaimen{count}", upstream=upstream.url)
            starts.append(kaimen.ready_ms)
        figures[f"{count} sessions"] = {"ready_ms": median(starts), "rss": kaimen.rss()}
        running[count] = (kaimen, upstream, bench.request_file(f"growth{count}", bench.tickets(kaimen), CURL_HEADERS))

    checks = bench.interleaved({count: (lambda kaimen=kaimen, file=file: bench.closed(kaimen, file, 64, bench.seconds(1.5))) for count, (kaimen, _, file) in running.items()})
    logins = bench.interleaved({count: (lambda kaimen=kaimen: bench.logins(kaimen, request, 64)) for count, (kaimen, _, _) in running.items()}, 3 if bench.quick else 5)
    figures["checks"], figures["logins"] = middle(checks), middle(logins)
    least, most = counts[0], counts[-1]
    flat = ratio(checks, most, least, "cpu_us")
    lines.append(Line(f"CPU a check with {most:,} sessions in the store", f"{median(checks[most]['cpu_us']):.2f} µs", f"with {least:,}: {median(checks[least]['cpu_us']):.2f} µs; ratio {flat:.3f}", "within 5 %", abs(flat - 1) <= 0.05))
    grown = ratio(logins, most, least, "cpu_us")
    lines.append(Line(f"CPU a login with {most:,} users and sessions", f"{median(logins[most]['cpu_us']):.0f} µs", f"with {least:,}: {median(logins[least]['cpu_us']):.0f} µs; ratio {grown:.2f}", "≤ 1.50", grown <= 1.5))
    ready = figures[f"{most} sessions"]["ready_ms"]
    lines.append(Line(f"ready after start with {most:,} users and sessions", f"{ready:.0f} ms", "from exec to the ready line", "≤ 150 ms", ready <= 150))
    each = (figures[f"{most} sessions"]["rss"] - figures[f"{least} sessions"]["rss"]) / (most - least)
    lines.append(Line("memory a session", f"{each:.2f} bytes", f"idle after start, {most:,} sessions beside {least:,}", "0 (< 1)", each < 1))
    for kaimen, upstream, _ in running.values():
        kaimen.stop()
        upstream.stop()
    return figures, lines


def memory(bench):
    directory, kaimen, tickets = base_kaimen(bench, "memory")
    kaimen.stop()
    kaimen = Kaimen(bench.build, directory / "data")
    time.sleep(0.5)
    idle, count = kaimen.rss(), 2_000 if bench.quick else 10_000
    host, port = kaimen.address.rsplit(":", 1)
    message = f"GET /verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {tickets[0]}\r\n\r\n".encode()
    open_sockets = []
    for _ in range(count):
        sock = socket.create_connection((host, int(port)))
        sock.sendall(message)
        if not sock.recv(4096).startswith(b"HTTP/1.1 204"):
            raise RuntimeError("a check failed")
        open_sockets.append(sock)
    each = (kaimen.rss() - idle) / count
    for sock in open_sockets:
        sock.close()
    kaimen.stop()
    return {"idle": idle, "connection": each}, [
        Line("memory, idle", f"{idle / 2**20:.1f} MiB", "resident, after start", "≤ 30 MB", idle <= 30e6),
        Line("memory an idle connection", f"{each / 1024:.2f} KiB", f"{count:,} kept connections that have each been answered once; without the kernel's share", "≤ 6 KiB", each <= 6 * 1024)]
