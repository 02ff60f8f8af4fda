"""A TCP load balancer and an HTTP CONNECT proxy for the live samples.

As a load balancer it hands each new connection to the next server in turn, or with
--affinity to the one that the client's address got first. With --connect it is a forward
proxy: every CONNECT goes to the first server, whatever name was asked for.

SPDX-License-Identifier: GPL-2.0-or-later
"""

import argparse
import asyncio
import itertools
import time


def split(endpoint):
    address, _, port = endpoint.rpartition(":")
    return address, int(port)


class Balancer:
    def __init__(self, options):
        self.options = options
        self.turn = itertools.cycle(split(server) for server in options.servers)
        self.pinned = {}

    def choose(self, client):
        if not self.options.affinity:
            return next(self.turn)
        if client not in self.pinned:
            self.pinned[client] = next(self.turn)
        return self.pinned[client]

    async def copy(self, reader, writer, clock):
        """One direction, to its end; an end of one direction ends both, as a plain TCP balancer does."""
        try:
            while data := await reader.read(65536):
                clock["last"] = time.monotonic()
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    async def watch(self, clock, *writers):
        """Closes both sides after options.idle seconds without a byte either way."""
        while (left := clock["last"] + self.options.idle - time.monotonic()) > 0:
            await asyncio.sleep(left)
        for writer in writers:
            writer.close()

    async def serve(self, reader, writer):
        server = self.choose(writer.get_extra_info("peername")[0])
        if self.options.connect:
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"CONNECT "):
                writer.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
                writer.close()
                return
        far_reader, far_writer = await asyncio.open_connection(*server, local_addr=(self.options.source, 0))
        if self.options.connect:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        clock = {"last": time.monotonic()}
        watch = asyncio.create_task(self.watch(clock, writer, far_writer)) if self.options.idle else None
        await asyncio.gather(self.copy(reader, far_writer, clock), self.copy(far_reader, writer, clock))
        if watch:
            watch.cancel()


async def main():
    parser = argparse.ArgumentParser(description="TCP load balancer, round robin per connection, or CONNECT proxy")
    parser.add_argument("listen", help="ADDRESS:PORT")
    parser.add_argument("servers", nargs="+", help="ADDRESS:PORT")
    parser.add_argument("--source", required=True, help="address that connections to the servers come from")
    parser.add_argument("--affinity", action="store_true", help="one server for each client address")
    parser.add_argument("--connect", action="store_true", help="be an HTTP CONNECT proxy instead")
    parser.add_argument("--idle", type=float, help="close a connection after that long without data, seconds")
    options = parser.parse_args()
    listener = await asyncio.start_server(Balancer(options).serve, *split(options.listen))
    await listener.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
