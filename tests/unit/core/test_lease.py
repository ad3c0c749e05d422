"""The lease, and the one gate before every system call that may add the address."""

from itertools import pairwise
from math import inf

from tests.unit.core.conftest import GROUP, VIP, Bench, MakeBench
from vipservice.core.actions import Bind, Release, Renew, Repaired
from vipservice.core.events import AddressRemoved, BindFailed
from vipservice.core.lease import Lease, gate
from vipservice.core.roles import Role
from vipservice.core.timing import Timing
from vipservice.core.verdicts import Claimed, Conflict, HeldByPeer, Silent, Undecided, Unknown

MAC = b"\x02\x00\x00\x00\x00\x05"


def lease(renewed_at: float = -inf) -> Lease:
    made = Lease(Timing(0.1, 3, 3))
    made.renewed_at = renewed_at
    return made


def test_a_fresh_silent_verdict_opens_the_gate_until_it_is_void() -> None:
    assert gate(lease(), Silent(10.0), -inf, 9.9) == 10.0
    assert gate(lease(), Silent(10.0), -inf, 10.1) is None


def test_no_other_verdict_opens_the_gate() -> None:
    for verdict in (HeldByPeer(MAC), Conflict(MAC), Claimed(MAC, inf), Unknown("?"), Undecided(), None):  # type: ignore[arg-type]
        assert gate(lease(), verdict, -inf, 0.0) is None


def test_an_unexpired_right_from_a_handover_opens_the_gate() -> None:
    assert gate(lease(), None, 10.0, 9.9) == 10.0
    assert gate(lease(), None, 10.0, 10.1) is None


def test_our_own_address_passes_while_its_renewal_is_younger_than_the_lease() -> None:
    assert gate(lease(5.0), None, -inf, 7.9) == 8.0
    assert gate(lease(5.0), None, -inf, 8.0) is None


def test_our_own_address_does_not_pass_once_a_better_rival_was_heard() -> None:
    lost = lease(5.0)
    lost.lost_to_rival = True
    assert gate(lost, None, -inf, 6.0) is None


def test_a_removal_older_than_the_lease_less_a_renewal_period_is_a_lapse() -> None:
    assert not lease(0.0).lapsing(2.4)
    assert lease(0.0).lapsing(2.6)


def test_the_lease_is_renewed_every_sixth_of_it(bench: Bench) -> None:
    bench.becomes_active().run(3.0)
    times = bench.when(Renew)
    assert len(times) == 6
    assert all(round(later - sooner, 6) == 0.5 for sooner, later in pairwise(times))


def test_every_system_call_carries_the_moment_after_which_it_must_not_be_made(bench: Bench) -> None:
    bench.becomes_active().run(1.0)
    renewals = bench.did(Renew)
    assert all(0 < renew.not_after - at <= 3.0 for at, renew in zip(bench.when(Renew), renewals, strict=True))


def test_an_active_whose_lease_is_over_deletes_first_and_then_looks(bench: Bench) -> None:
    bench.becomes_active()
    bench.kernel_takes = False
    bench.run(3.05)
    assert bench.did(Release)
    assert bench.turns()[0] == (Role.BACKUP, "lease_lapsed")


def test_a_renewal_that_fails_is_tried_again_within_the_lease(bench: Bench) -> None:
    bench.becomes_active()
    bench.kernel_takes = False
    bench.run(0.6)
    bench.handle(BindFailed(GROUP, "no buffer space"))
    bench.kernel_takes = True
    bench.run(5.0)
    assert bench.role is Role.ACTIVE and not bench.turns()


def test_a_renewal_after_its_time_means_the_lease_has_lapsed(bench: Bench) -> None:
    bench.becomes_active()
    bench.handle(BindFailed(GROUP, "too late", late=True))
    assert bench.turns() == [(Role.BACKUP, "lease_lapsed")]


def test_a_removal_by_the_lapsed_lease_is_not_repaired(bench: Bench) -> None:
    bench.becomes_active()
    bench.kernel_takes = False
    bench.run(2.7)
    bench.log.clear()
    bench.handle(AddressRemoved(VIP))
    assert not bench.did(Repaired) and not bench.did(Bind)
    assert bench.turns() == [(Role.BACKUP, "lease_lapsed")]


def test_a_bind_that_comes_too_late_is_released_and_the_count_starts_anew(bench: Bench) -> None:
    bench.kernel_takes = False
    bench.starts().run(0.3)
    bench.log.clear()
    bench.handle(BindFailed(GROUP, "the right had run out", late=True))
    assert bench.did(Release) and bench.role is not Role.FAULT
    bench.kernel_takes = True
    bench.run(2.0)
    assert bench.when(Bind)[0] - 100.3 > 0.15


def test_a_bind_that_the_kernel_refuses_is_a_fault_for_a_while(make: MakeBench) -> None:
    bench = make()
    bench.kernel_takes = False
    bench.starts().run(0.3)
    bench.handle(BindFailed(GROUP, "permission denied"))
    assert bench.turns()[-1] == (Role.FAULT, "bind_failed")
    bench.kernel_takes = True
    bench.run(5.0)
    assert bench.turns()[-1] == (Role.BACKUP, "recovered")
    bench.run(1.0)
    assert bench.turns()[-1] == (Role.ACTIVE, "silence_proved")
