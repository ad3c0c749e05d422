"""Is a unit of systemd active? Told by its own signals over D-Bus (org.freedesktop.systemd1(5)).

One connection for all units. systemd is asked once for each unit, and after that says what changes.
"""

import asyncio
import contextlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from vipservice.config.check_settings import SystemdCheck
from vipservice.runtime.health import Tried

if TYPE_CHECKING:
    from jeepney.io.asyncio import DBusRouter

BUS, MANAGER_PATH = "org.freedesktop.systemd1", "/org/freedesktop/systemd1"
MANAGER, UNIT = f"{BUS}.Manager", f"{BUS}.Unit"
PROPERTIES = "org.freedesktop.DBus.Properties"
GOOD_STATES = frozenset({"active", "reloading", "refreshing"})
LONGEST_SILENCE = 5.0
"""Seconds without a signal after which the bus is asked whether systemd is there still."""

ANSWER_WITHIN = 2.0
AGAIN = 1.0
"""Seconds until a bus that is not there is asked again."""


class Units:
    """What systemd has said about units, as long as the bus can be reached."""

    def __init__(self) -> None:
        self.problem: str | None = "systemd has not answered yet"
        self._states: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        self._wanted: dict[str, Callable[[], None]] = {}
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def watch(self, unit: str, changed: Callable[[], None]) -> None:
        """Take an interest in a unit; `changed` is called when its state may have changed."""
        if find_spec("jeepney") is None:
            self.problem = "the Python package jeepney is missing: pip install 'vipservice[systemd]'"
            return
        self._wanted[unit] = changed
        self._more.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_watching())

    def forget(self, unit: str) -> None:
        """Nobody asks for it any more."""
        self._wanted.pop(unit, None)

    def state(self, unit: str) -> str | None:
        """Its ActiveState; None while it is not known."""
        return self._states.get(unit)

    async def _keep_watching(self) -> None:
        from jeepney.io.asyncio import open_dbus_router  # noqa: PLC0415 - only where a check needs it

        while True:
            try:
                async with open_dbus_router(bus="SYSTEM") as router:
                    await self._watch(router)
            except (OSError, EOFError, asyncio.IncompleteReadError, TimeoutError) as error:
                self._lost(f"the system bus cannot be used: {str(error) or type(error).__name__}")
            except Exception as error:  # of jeepney, whose kinds are only known where it is there
                self._lost(f"systemd cannot be asked: {error}")
            await asyncio.sleep(AGAIN)

    def _lost(self, problem: str) -> None:
        self.problem = problem
        self._states.clear()
        self._paths.clear()

    async def _watch(self, router: "DBusRouter") -> None:
        from jeepney import MatchRule, message_bus  # noqa: PLC0415 - as above
        from jeepney.io.asyncio import Proxy  # noqa: PLC0415 - as above

        # By its unique name: anybody on the bus may send us signals, and jeepney compares texts.
        owner = await self._owner(router)
        rule = MatchRule(type="signal", sender=owner, interface=PROPERTIES, member="PropertiesChanged")
        rule.add_arg_condition(0, UNIT)
        await Proxy(message_bus, router).AddMatch(rule)
        await self._ask(router, MANAGER_PATH, MANAGER, "Subscribe")
        with router.filter(rule, bufsize=1000) as signals:
            while True:
                self._more.clear()
                for unit in self._wanted.keys() - self._paths.keys():
                    await self._load(router, unit)
                self.problem = None
                await self._follow(router, owner, signals)

    async def _follow(self, router: "DBusRouter", owner: str, signals: "asyncio.Queue[Any]") -> None:
        """Take in signals until there are more units to look at."""
        more = asyncio.create_task(self._more.wait())
        try:
            while not more.done():
                get = asyncio.create_task(signals.get())
                waiting = {get, more}
                done, _ = await asyncio.wait(
                    waiting, timeout=LONGEST_SILENCE, return_when=asyncio.FIRST_COMPLETED
                )
                if get in done:
                    self._take(get.result())
                    continue
                get.cancel()
                if not done and await self._owner(router) != owner:
                    raise EOFError("systemd has come to the bus anew")
        finally:
            more.cancel()

    async def _owner(self, router: "DBusRouter") -> str:
        """The unique name under which systemd is on the bus now."""
        from jeepney import message_bus  # noqa: PLC0415 - as above
        from jeepney.io.asyncio import Proxy  # noqa: PLC0415 - as above

        async with asyncio.timeout(ANSWER_WITHIN):
            (owner,) = await Proxy(message_bus, router).GetNameOwner(BUS)
        return str(owner)

    def _take(self, signal: Any) -> None:
        path = signal.header.fields[1]  # 1: PATH (D-Bus specification, header fields)
        unit = self._paths_to_units().get(path)
        state = signal.body[1].get("ActiveState")
        if unit is not None and state is not None:
            self._learn(unit, str(state[1]))

    def _learn(self, unit: str, state: str) -> None:
        if self._states.get(unit) != state:
            self._states[unit] = state
            with contextlib.suppress(KeyError):
                self._wanted[unit]()

    async def _load(self, router: "DBusRouter", unit: str) -> None:
        """LoadUnit also knows units that are not loaded now; a file that does not exist is `inactive`."""
        (path,) = await self._ask(router, MANAGER_PATH, MANAGER, "LoadUnit", "s", (unit,))
        ((_, state),) = await self._ask(router, path, PROPERTIES, "Get", "ss", (UNIT, "ActiveState"))
        self._paths[unit] = path
        self._learn(unit, str(state))

    async def _ask(
        self,
        router: "DBusRouter",
        path: str,
        interface: str,
        method: str,
        signature: str | None = None,
        body: tuple[str, ...] = (),
    ) -> tuple[Any, ...]:
        from jeepney import DBusAddress, new_method_call  # noqa: PLC0415 - as above
        from jeepney.wrappers import unwrap_msg  # noqa: PLC0415 - as above

        address = DBusAddress(path, BUS, interface)
        call = new_method_call(address, method, signature, body)
        async with asyncio.timeout(ANSWER_WITHIN):
            reply = await router.send_and_get_reply(call)
        answer: tuple[Any, ...] = unwrap_msg(reply)
        return answer

    def _paths_to_units(self) -> dict[str, str]:
        return {path: unit for unit, path in self._paths.items()}


class UnitAsker:
    """Looks at what systemd has said."""

    def __init__(self, check: SystemdCheck, units: Units) -> None:
        self._unit = check.unit
        self._units = units
        self.changed = asyncio.Event()
        units.watch(check.unit, self.changed.set)

    async def ask(self) -> Tried:
        """One look; it costs nothing."""
        self.changed.clear()
        state = self._units.state(self._unit)
        if state is None:
            return Tried(None, self._units.problem or "systemd has not answered yet")
        return Tried(state in GOOD_STATES, f"{self._unit} is {state}")

    def close(self) -> None:
        """Nobody asks any more."""
        self._units.forget(self._unit)
