"""The election as a pure state machine: events and `now` go in, actions and the next deadline come out.

Nothing here reads a clock, opens a socket, rolls dice, logs or awaits; import-linter holds that.
Times are seconds on one clock that never stops, CLOCK_BOOTTIME (docs/decisions/0002-one-clock.md).
"""
