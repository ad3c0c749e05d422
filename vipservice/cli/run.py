"""`vipservice run`: the service itself."""

import argparse
from functools import partial

from vipservice import __version__
from vipservice.adapters.code import REHEARSE, InstalledCode, describe, own_command, take_predecessor
from vipservice.adapters.detection import detect_interfaces
from vipservice.adapters.embedder import Embedder, take_embedder
from vipservice.adapters.exporter.listening import ExporterError
from vipservice.adapters.exporter.server import Exporter
from vipservice.adapters.journal import FileJournal
from vipservice.adapters.state import StateDirectory
from vipservice.adapters.systemd import service_manager
from vipservice.adapters.worker.supervisor import WorkerProcess
from vipservice.cli import exit_codes, machine
from vipservice.cli.check import ours
from vipservice.cli.configuration import add_config, read, refuse
from vipservice.cli.exit_codes import CommandError
from vipservice.config.problems import ConfigError
from vipservice.config.resolve import resolve
from vipservice.config.settings import Settings
from vipservice.runtime import log
from vipservice.runtime.control import ControlError
from vipservice.runtime.history import History
from vipservice.runtime.ports import HostError
from vipservice.runtime.service import Outside, run
from vipservice.wire.signing import Keyring

EXAMPLES = """\
examples:
  sudo vipservice run
  sudo vipservice run --config ./vipservice.yml

It stays in the foreground and logs to standard error. SIGTERM and SIGINT hand the address over and end it;
SIGHUP reads the configuration again; 'vipservice upgrade' lets another version go on in its place.
An interface that is not there yet is waited for.
On Linux it needs CAP_NET_ADMIN and CAP_NET_RAW, not root; on macOS it needs root.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to run."""
    add_config(parser)
    parser.add_argument(
        REHEARSE,
        action="store_true",
        help="do all that a start does short of touching the machine, print the version and end",
    )
    parser.add_argument(
        "--embedded",
        action="store_true",
        help="hand over and end with the application at the other end of standard input",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Run until SIGTERM."""
    try:
        settings, keys = read(arguments.config)
        _check_platform(settings)
        if arguments.rehearse:
            return _rehearse(settings)
        embedder = _embedder() if arguments.embedded else None
        output = log.set_up(settings.log)
        try:
            return _serve(settings, keys, embedder)
        finally:
            output.close()
    except ConfigError as error:
        return refuse(error)


def _check_platform(settings: Settings) -> None:
    """What cannot work is said before anything is touched."""
    lack = machine.what_is_lacking()
    if lack and any(group.enabled for group in settings.groups):
        raise CommandError(exit_codes.NOPERM, *lack)


def _rehearse(settings: Settings) -> int:
    """What an upgrade asks of new code, with everything that a start needs imported: never refused later."""
    machine.platform(settings)  # to see that it is there
    try:
        resolve(settings, detect_interfaces(), ours(settings))
    except ConfigError as error:
        if not error.only_missing_interfaces:  # those are waited for
            raise
    print(describe(__version__, settings.node.state_directory, settings.node.control_socket))
    return exit_codes.OK


def _embedder() -> Embedder:
    try:
        return take_embedder()
    except OSError as error:
        hint = "it is for programs that embed this one, by vipservice.FloatingIP"
        raise CommandError(exit_codes.USAGE, "--embedded: standard input is no socket", hint) from error


def _serve(settings: Settings, keys: tuple[tuple[int, bytes], ...], embedder: Embedder | None) -> int:
    if problem := machine.become_urgent():
        log.LOGGER.warning(problem)
    for notice in settings.notices:
        log.LOGGER.info(notice)
    if not keys:
        log.LOGGER.warning(
            "adverts are not signed: anybody on the link can forge them (see 'vipservice keygen')"
        )
    predecessor = take_predecessor()
    store = StateDirectory(settings.node.state_directory)
    for warning in store.warnings:
        log.LOGGER.warning(warning)
    journal = FileJournal(settings.node.state_directory)
    worker = WorkerProcess()
    outside = Outside(
        platform=machine.platform(settings),
        store=store,
        manager=embedder or service_manager(),
        embedder=embedder,
        keyring=Keyring(dict(keys)),
        detect=detect_interfaces,
        make_exporter=Exporter,
        history=History(store.incarnation, journal, journal.earlier),
        code=InstalledCode(own_command()),
        settle=partial(_settle, store, journal, worker),
        predecessor=predecessor,
        worker=worker,
    )
    try:
        run(settings, outside)
    except (ExporterError, ControlError, HostError) as error:
        raise CommandError(exit_codes.OSERR, str(error)) from error
    finally:
        journal.close()
        if embedder is not None:
            embedder.close()
    return exit_codes.OK


def _settle(store: StateDirectory, journal: FileJournal, worker: WorkerProcess) -> str | None:
    """Everything that is queued is written now, and no child is left; what the disk refused."""
    worker.leave()
    store.flush()
    journal.flush()
    for handler in log.LOGGER.handlers:
        handler.flush()
    return store.problem
