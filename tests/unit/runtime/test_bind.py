"""The system calls on the address: all of them or none, and nothing once the right is over."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from tests.unit.runtime.conftest import GROUP, VIP, Machine
from vipservice.core.actions import Bind, Release, Renew
from vipservice.core.events import BindFailed, Bound
from vipservice.runtime.bind import LATE, Binder

OTHER = IPv4Address("192.168.3.235")
BIND = Bind(GROUP, (VIP, OTHER), 3, not_after=101.0)
RENEW = Renew(GROUP, (VIP, OTHER), 3, not_after=101.0)


@pytest.fixture
def binder(machine: Machine) -> Binder:
    return Binder(machine, 2, {GROUP: 32}, machine.clock)


def test_a_group_binds_all_its_addresses_or_none(machine: Machine, binder: Binder) -> None:
    assert binder.bind(BIND) == Bound(GROUP)
    assert machine.held == {VIP, OTHER}
    binder.release(Release(GROUP, (VIP, OTHER)))
    machine.kernel_refuses = {OTHER}
    assert isinstance(binder.bind(BIND), BindFailed)
    assert machine.held == set()


def test_a_renewal_that_the_kernel_refuses_takes_nothing_away(machine: Machine, binder: Binder) -> None:
    binder.bind(BIND)
    machine.kernel_refuses = {OTHER}
    failed = binder.bind(RENEW)
    assert isinstance(failed, BindFailed) and not failed.late
    assert machine.held == {VIP, OTHER}


@pytest.mark.parametrize("action", [BIND, RENEW], ids=["bind", "renewal"])
def test_nothing_is_bound_before_the_clock_was_read(
    machine: Machine, binder: Binder, action: Bind | Renew
) -> None:
    machine.now = 101.5
    assert binder.bind(action) == BindFailed(GROUP, LATE, late=True)
    assert machine.held == set()


@pytest.mark.parametrize("action", [BIND, RENEW], ids=["bind", "renewal"])
def test_a_stall_inside_the_call_leaves_no_address_behind(machine: Machine, action: Bind | Renew) -> None:
    readings = iter((100.0, 101.5))
    binder = Binder(machine, 2, {GROUP: 32}, lambda: next(readings))
    assert binder.bind(action) == BindFailed(GROUP, LATE, late=True)
    assert machine.held == set()


def test_a_right_that_ends_just_now_is_one(binder: Binder) -> None:
    assert binder.bind(replace(BIND, not_after=100.0)) == Bound(GROUP)
