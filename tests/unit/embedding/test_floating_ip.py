"""An application and a daemon that is played: what the application is told, and what is left of both."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Coroutine
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

import vipservice
from tests.unit.embedding.conftest import Played
from vipservice.embedding import floating_ip
from vipservice.embedding.child import Child, environment

SETTINGS: dict[str, object] = {"floating_ip": {"enabled": True, "ip": IPv4Address("127.0.0.1")}}
WITHIN = 10.0


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(WITHIN):
            await coroutine

    asyncio.run(bounded())


def test_who_enters_is_told_the_state_and_who_leaves_ends_the_daemon(played: Played) -> None:
    async def application() -> None:
        async with vipservice.FloatingIP(SETTINGS) as vip:
            assert (vip.role, vip.reason, vip.owner) == ("backup", "node-b is active", "node-b")
            assert (await vip.status())["groups"][0]["name"] == "vip-1"
            left_too_early = played.said_goodbye
        assert (left_too_early, played.said_goodbye) == (False, True)
        assert not vip.state.active

    run(application())


def test_active_and_inactive_wait_for_the_daemons_word(played: Played) -> None:
    async def application() -> None:
        async with vipservice.FloatingIP(SETTINGS) as vip:
            waiting = asyncio.create_task(vip.active())
            await played.become("probing")
            assert not waiting.done()
            await played.become("active")
            assert (await waiting).detail == "played active"
            await played.become("fault")
            assert (await vip.inactive()).role == "fault"

    run(application())


def test_an_active_whose_kernel_has_not_the_address_yet_is_not_active(played: Played) -> None:
    async def application() -> None:
        async with vipservice.FloatingIP(SETTINGS) as vip:
            await played.become("active", serving=False)
            while vip.role != "active":
                await anext(aiter(vip.states()))
                await asyncio.sleep(0)
            assert not vip.state.active
            await played.become("active")
            await vip.active()

    run(application())


def test_states_gives_the_present_one_and_each_change(played: Played) -> None:
    async def application() -> None:
        async with vipservice.FloatingIP(SETTINGS) as vip:
            states: AsyncIterator[vipservice.State] = vip.states()
            roles = [(await anext(states)).role]
            for role in ("probing", "active", "backup"):
                await played.become(role)
                roles.append((await anext(states)).role)
            assert roles == ["backup", "probing", "active", "backup"]

    run(application())


def test_a_handover_tells_what_happened_and_a_refusal_why(played: Played) -> None:
    async def application() -> None:
        async with vipservice.FloatingIP(SETTINGS) as vip:
            with pytest.raises(vipservice.RefusedError, match="does not hold the address"):
                await vip.handover()
            await played.become("active")
            assert await vip.handover("node-b") == "handed over to node-b"

    run(application())


def test_what_the_application_says_of_its_health_is_told_to_each_life_of_the_daemon(played: Played) -> None:
    async def application() -> None:
        async with vipservice.FloatingIP(SETTINGS) as vip:
            await vip.unhealthy("the queue is full")
            assert (await vip.status())["groups"][0]["detail"] == "the queue is full"
            await played.become("backup")
            await played.die(7)
            while vip.reason != "the queue is full":
                await asyncio.sleep(0)
            await vip.healthy()
            assert (await vip.status())["groups"][0]["detail"] == "healthy"

    run(application())


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (os.EX_CONFIG, vipservice.SettingsError),
        (os.EX_NOPERM, vipservice.RightsError),
        (9, vipservice.DaemonGoneError),
    ],
)
def test_a_daemon_that_cannot_start_is_refused_with_its_own_sentence(
    played: Played, code: int, kind: type[Exception]
) -> None:
    played.set("REFUSAL", f"{code} floating_ip.ip: found 'x'")

    async def application() -> None:
        with pytest.raises(kind, match=r"settings: floating_ip\.ip: found 'x'"):
            async with vipservice.FloatingIP(SETTINGS):
                pytest.fail("it was entered")

    run(application())


def test_the_sentence_about_a_file_names_the_file(played: Played, tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text("{}")
    played.set("REFUSAL", f"{os.EX_CONFIG} no such key")

    async def application() -> None:
        with pytest.raises(vipservice.SettingsError, match=rf"{file}:3: no such key"):
            async with vipservice.FloatingIP(file):
                pytest.fail("it was entered")

    run(application())


def test_settings_that_yaml_cannot_say_are_refused_before_anything_runs() -> None:
    async def application() -> None:
        with pytest.raises(vipservice.SettingsError, match="object"):
            async with vipservice.FloatingIP({"floating_ip": object()}):
                pytest.fail("it was entered")

    run(application())


def test_a_daemon_that_ends_is_started_again_and_nobody_is_told(
    played: Played, caplog: pytest.LogCaptureFixture
) -> None:
    async def application() -> None:
        async with vipservice.FloatingIP(SETTINGS) as vip:
            await played.become("active")
            await vip.active()
            seen = [vip.state]
            before = (await vip.status())["pid"]
            await played.die(7)
            while True:
                seen.append(vip.state)
                try:
                    if (await vip.status())["pid"] != before:
                        break
                except vipservice.DaemonGoneError:
                    await asyncio.sleep(0)
            assert set(seen) == {seen[0]}

    with caplog.at_level(logging.ERROR, "vipservice"):
        run(application())
    assert "ended with 7; it is started again" in caplog.text


def test_a_daemon_that_ends_again_and_again_is_given_up(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floating_ip, "RESTART_AFTER", 0.0)

    async def application() -> None:
        async with vipservice.FloatingIP(SETTINGS) as vip:
            await played.become("active")
            await vip.active()
            played.set("ENDS", "yes")
            await played.die(7)
            await vip.inactive()
            with pytest.raises(vipservice.DaemonGoneError, match="ended 5 times"):
                await vip.active()
            assert vip.state.reason == "daemon_gone"

    run(application())


def test_a_cancelled_application_has_ended_its_daemon(played: Played) -> None:
    async def application() -> None:
        async with vipservice.FloatingIP(SETTINGS) as vip:
            await vip.active()

    async def cancelled() -> None:
        task = asyncio.create_task(application())
        while not played.control.exists():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()  # an impatient one
        await asyncio.wait([task])
        assert task.cancelled()

    run(cancelled())
    assert played.said_goodbye


def test_another_daemon_on_the_control_socket_is_not_mistaken_for_ours(
    played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def application() -> None:
        async with vipservice.FloatingIP(SETTINGS) as vip:
            monkeypatch.setattr(Child, "pid", 1)
            await played.become("active")
            with pytest.raises(vipservice.DaemonGoneError, match="another daemon has the control socket"):
                await vip.active()

    run(application())


def test_the_only_group_is_followed_and_no_other_name_for_it(played: Played) -> None:
    async def application() -> None:
        async with vipservice.FloatingIP(SETTINGS, group="vip-1"):
            pass
        with pytest.raises(vipservice.SettingsError, match="one of them: vip-1; found 'web'"):
            async with vipservice.FloatingIP(SETTINGS, group="web"):
                pytest.fail("it was entered")

    run(application())


def test_the_daemon_does_not_talk_to_the_applications_service_manager() -> None:
    found = environment(
        {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "PATH": "/bin"}
    )
    assert found == {"PATH": "/bin"}


def test_importing_the_package_imports_neither_asyncio_nor_the_embedding() -> None:
    program = "import sys, vipservice; print({'asyncio', 'vipservice.embedding'} & set(sys.modules))"
    said = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = vipservice.no_such_thing  # type: ignore[attr-defined]
