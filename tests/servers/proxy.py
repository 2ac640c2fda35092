"""A TCP proxy that fails on command, between a server of ours and its database.

    proxy = Proxy([("127.0.0.1", 5432)])
    proxy.cut()         connections end, new ones are refused: the database is down
    proxy.blackhole()   nothing moves any more, in either direction: the network is down, nobody is told
    proxy.delay(0.2)    each byte comes that much later
    proxy.heal()        after blackhole, what was under way arrives late, as it does in networks; lose=True ends those connections instead
    proxy.aim([...])    new connections go to the first of these targets that accepts; lose=True ends the old ones
"""
import asyncio
import socket
import threading

import process

OPEN, CUT, BLACKHOLE = "open", "cut", "blackhole"


class Side(asyncio.Protocol):
    """One of the two connections of a line; gives what it gets to the other."""

    def __init__(self, proxy):
        self.proxy, self.transport, self.other, self.waiting = proxy, None, None, []

    def connection_made(self, transport):
        self.transport = transport
        self.proxy.sides.add(self)
        if self.proxy.mode == BLACKHOLE:
            transport.pause_reading()

    def data_received(self, data):
        if self.proxy.seconds:
            self.proxy.loop.call_later(self.proxy.seconds, self.forward, data)
        else:
            self.forward(data)

    def forward(self, data):
        if self.other is None:
            self.waiting.append(data)
        elif not self.other.transport.is_closing():
            self.other.transport.write(data)

    def join(self, other):
        self.other = other
        for data in self.waiting:
            self.forward(data)
        self.waiting = []

    # A slow reader must not fill our memory.
    def pause_writing(self):
        if self.other:
            self.other.transport.pause_reading()

    def resume_writing(self):
        if self.other and self.proxy.mode != BLACKHOLE:
            self.other.transport.resume_reading()

    def connection_lost(self, error):
        self.proxy.sides.discard(self)
        if self.other:
            self.proxy.loop.call_later(self.proxy.seconds, self.other.transport.close)


class Front(Side):
    def connection_made(self, transport):
        super().connection_made(transport)
        self.connecting = self.proxy.loop.create_task(self.connect())

    async def connect(self):
        while self.proxy.mode == BLACKHOLE:
            await asyncio.sleep(0.02)
        for host, port in list(self.proxy.targets):
            try:
                _, back = await self.proxy.loop.create_connection(lambda: Side(self.proxy), host, port)
            except OSError:
                continue
            back.join(self)
            self.join(back)
            if self.transport.is_closing():
                back.transport.close()
            return
        self.transport.abort()


class Proxy:
    def __init__(self, targets):
        self.targets, self.mode, self.seconds, self.sides = list(targets), OPEN, 0.0, set()
        self.loop, self.server = asyncio.new_event_loop(), None
        self.port, = process.free_ports(1)
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self._do(self._listen)

    @property
    def address(self):
        return "127.0.0.1", self.port

    def _do(self, work):
        """Runs a coroutine function in the proxy's thread and waits for it."""
        return asyncio.run_coroutine_threadsafe(work(), self.loop).result(30)

    async def _listen(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        self.server = await self.loop.create_server(lambda: Front(self), sock=listener, backlog=512)

    async def _abort(self):
        for side in list(self.sides):
            side.transport.abort()
        await asyncio.sleep(0)

    def cut(self):
        async def work():
            self.mode = CUT
            if self.server:
                self.server.close()
                self.server = None
            await self._abort()
        self._do(work)

    def blackhole(self):
        async def work():
            self.mode = BLACKHOLE
            for side in self.sides:
                side.transport.pause_reading()
        self._do(work)

    def delay(self, seconds):
        async def work():
            self.seconds = seconds
        self._do(work)

    def heal(self, lose=False):
        async def work():
            if lose:
                await self._abort()
            self.mode, self.seconds = OPEN, 0.0
            for side in self.sides:
                side.transport.resume_reading()
            if self.server is None:
                await self._listen()
        self._do(work)

    def aim(self, targets, lose=True):
        async def work():
            self.targets = list(targets)
            if lose:
                await self._abort()
        self._do(work)

    def connections(self):
        async def work():
            return sum(isinstance(side, Front) for side in self.sides)
        return self._do(work)

    def stop(self):
        self.cut()

        async def work():
            under_way = asyncio.all_tasks() - {asyncio.current_task()}
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
            await self._abort()
        self._do(work)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
