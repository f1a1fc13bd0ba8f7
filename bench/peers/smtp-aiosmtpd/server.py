"""smtp-aiosmtpd: server.py PORT"""
import asyncio, sys
from aiosmtpd.smtp import SMTP


class Sink:
    async def handle_DATA(self, server, session, envelope):
        return "250 OK"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Sink(), hostname="mx.our.test", data_size_limit=25 << 20), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

asyncio.run(main())
