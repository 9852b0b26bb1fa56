"""A worker process: `python -m rl_trainer.fleet.worker SOCKET module:function`. It ends when its fleet has gone."""

import asyncio
import socket
import sys
import traceback
from contextlib import suppress

from rl_trainer.errors import TrainerError
from rl_trainer.fleet.frames import Done, Failed, Job, Ready, pack, read_job
from rl_trainer.fleet.work import Work, open_work


async def serve(connection: socket.socket, name: str) -> None:
    """Do the jobs that come over the connection, all at once, until it is closed."""
    reader, writer = await asyncio.open_connection(sock=connection)
    try:
        async with open_work(name) as work:
            writer.write(pack(Ready()))
            await _until_closed(reader, writer, work)
    except TrainerError as error:
        writer.write(pack(Failed(error=str(error))))
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def _until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, work: Work) -> None:
    doing: set[asyncio.Task[None]] = set()
    while (job := await read_job(reader)) is not None:
        task = asyncio.create_task(_do(work, job, writer))
        doing.add(task)
        task.add_done_callback(doing.discard)
    for task in doing:  # nobody is left to hear of them; sandboxes and servers in them are closed on the way out
        task.cancel()
    await asyncio.gather(*doing, return_exceptions=True)


async def _do(work: Work, job: Job, writer: asyncio.StreamWriter) -> None:
    try:
        said: Done | Failed = Done(number=job.number, payload=await work(job.payload))
    except Exception as error:  # noqa: BLE001 - whoever gave the job is told what its work raised
        said = Failed(number=job.number, error=f"{type(error).__name__}: {error}", trace=traceback.format_exc())
    try:
        writer.write(pack(said))
        await writer.drain()
    except ConnectionError:
        pass  # the fleet has gone; `serve` sees it too


def main() -> None:
    connection = socket.socket(fileno=int(sys.argv[1]))
    asyncio.run(serve(connection, sys.argv[2]))


if __name__ == "__main__":
    main()
