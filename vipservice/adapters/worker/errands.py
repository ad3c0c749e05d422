"""Runs hooks: one queue a group, in order, of which only the latest word on each matter is kept."""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vipservice.adapters.worker.children import Ended, Programs
from vipservice.config.check_settings import HookSettings, hook_from_json

VARIABLE = "VIPSERVICE_"


class Errands:
    """The hooks of one group.

    A queue holds at most one occasion of each matter (the role, a conflict, a repair, a handover): a newer
    one takes the place of the older, and says how many it stands for.
    """

    def __init__(self, group: int, send: Callable[[Mapping[str, Any]], None], programs: Programs) -> None:
        self.hooks: tuple[HookSettings, ...] = ()
        self._group = group
        self._programs = programs
        self._send = send
        self._waiting: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task = asyncio.get_running_loop().create_task(self._keep_running())

    def happened(self, matter: str, context: Mapping[str, Any]) -> None:
        """One more occasion."""
        older = self._waiting.pop(matter, None)
        stands_for = 1 + older["stands_for"] if older else 1
        self._waiting[matter] = {**context, "stands_for": stands_for}
        self._idle.clear()
        self._more.set()

    async def finish(self) -> None:
        """Wait until nothing is left to run."""
        await self._idle.wait()

    async def close(self) -> None:
        """End, and kill what runs."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _keep_running(self) -> None:
        while True:
            if not self._waiting:
                self._idle.set()
                self._more.clear()
                await self._more.wait()
            _, context = self._waiting.popitem(last=False)
            for hook in self.hooks:
                if context["event"] in hook.on:
                    await self._run(hook, context)

    async def _run(self, hook: HookSettings, context: Mapping[str, Any]) -> None:
        began = time.monotonic()
        ended = await self._programs.run(
            hook.argv,
            hook.timeout,
            hook.user,
            environment(context),
            json.dumps(context).encode() + b"\n",
        )
        self._send(
            {
                "hook": hook.name,
                "group": self._group,
                "event": context["event"],
                "result": result(ended),
                "status": ended.status,
                "seconds": round(time.monotonic() - began, 3),
                "output": ended.output,
            }
        )


def result(ended: Ended) -> str:
    """How it ended, in one of the words that metrics have."""
    if ended.timed_out:
        return "timed_out"
    if ended.status is None:
        return "not_started"
    return "ok" if ended.status == 0 else "failed"


def environment(context: Mapping[str, Any]) -> dict[str, str]:
    """The context as variables: `role` is VIPSERVICE_ROLE, lists are parted by blanks."""
    return {VARIABLE + name.upper(): _text(value) for name, value in context.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value).replace("\0", "")


class AllErrands:
    """The hooks of all groups; groups do not wait for each other."""

    def __init__(self, send: Callable[[Mapping[str, Any]], None], programs: Programs) -> None:
        self._send = send
        self._programs = programs
        self._groups: dict[int, Errands] = {}

    def take(self, told: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """The hooks from now on; what is running is run to its end."""
        for group, hooks in told.items():
            self._of(int(group)).hooks = tuple(map(hook_from_json, hooks))

    def happened(self, group: int, matter: str, context: Mapping[str, Any]) -> None:
        """Something turned."""
        self._of(group).happened(matter, context)

    async def finish(self, within: float) -> None:
        """Run what is waiting, for so many seconds at most."""
        waiting = [asyncio.ensure_future(one.finish()) for one in self._groups.values()]
        if waiting:
            await asyncio.wait(waiting, timeout=within)
        for one in waiting:
            one.cancel()

    async def close(self) -> None:
        """Kill what runs still."""
        await asyncio.gather(*(one.close() for one in self._groups.values()))

    def _of(self, group: int) -> Errands:
        if group not in self._groups:
            self._groups[group] = Errands(group, self._send, self._programs)
        return self._groups[group]
