"""How the service behind the address does: what the checks found, and what the hooks did."""

from grafana.panels import GREEN, GREY, RED, Panel, Query, State, lines, named, states

FOUND = (State(-1, "failing", RED), State(0, "unknown", GREY), State(1, "passing", GREEN))


def checks_and_hooks() -> list[Panel]:
    """Empty where none is configured."""
    return [
        states(
            "Health checks, by node",
            "A must that fails gives the address away; a weight that fails lowers the priority.",
            Query(
                named(
                    'vipservice_check_state{@group,state="passing"}'
                    ' - ignoring (state) vipservice_check_state{@group,state="failing"}'
                ),
                "{{node}} {{check}}",
            ),
            FOUND,
        ),
        lines(
            "How long a check takes",
            "The last try. One that comes near its timeout will fail.",
            Query(named("vipservice_check_duration_seconds{@group}"), "{{node}} {{check}}"),
            unit="s",
            width=8,
        ),
        lines(
            "Hooks that ran, by result",
            "Failed: an exit status other than 0. Not started: the program is not there, or may not run.",
            Query(
                named("increase(vipservice_hook_runs_total{@group}[$__rate_interval])"),
                "{{node}} {{hook}} {{result}}",
            ),
            width=8,
            bars=True,
        ),
        lines(
            "How long a hook takes",
            "The last run. The hooks of a group run one after the other.",
            Query(named("vipservice_hook_duration_seconds{@group}"), "{{node}} {{hook}}"),
            unit="s",
            width=8,
        ),
    ]
