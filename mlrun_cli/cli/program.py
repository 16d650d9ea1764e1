"""The entry point of `mlrun`, which handles signals, start-up and exit."""

from __future__ import annotations

# Only modules that are part of the interpreter or loaded before: Ctrl-C during others would end in a traceback.
import gc
import os
import sys

INTERRUPTED = 130

_PROGRAMS = frozenset({"mlrun", "mlrun-cli"})
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


class Terminated(KeyboardInterrupt):
    """Raised on SIGTERM or SIGHUP, so that the program cleans up as on Ctrl-C before the signal ends it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> None:
    """Run the command line of this process and exit with its exit code."""
    if os.name == "nt":
        sys.exit("ERROR: mlrun needs Linux, WSL or macOS: on Windows, install it inside WSL.")
    # Nearly all objects that a command creates belong to modules and stay alive: collecting garbage would find nothing.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    exit_code = INTERRUPTED
    try:
        _install_signal_handlers()
        # From here on, Ctrl-C ends the program without a traceback.
        from mlrun_cli.core.deferred_modules import RARELY_USED, defer_modules  # noqa: PLC0415

        defer_modules(RARELY_USED)
        from mlrun_cli.cli.main import build_tree, run_command_line  # noqa: PLC0415

        name = os.path.basename(sys.argv[0])
        program = name if name in _PROGRAMS else "mlrun"
        if get_completion_variable(program) in os.environ:
            from mlrun_cli.cli.completion.responses import print_completions  # noqa: PLC0415

            exit_code = print_completions(build_tree(), program)
        else:
            if os.geteuid() == 0:
                _switch_to_home_owner()
            exit_code = run_command_line(sys.argv[1:], program=program)
    except KeyboardInterrupt as interrupt:
        _end_by_signal(interrupt)
    except RuntimeError as error:  # before Python 3.12, of an interrupt while a class is created
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        _end_by_signal(error.__cause__)
    # `run` has flushed and closed everything; finalizing the interpreter takes a seventh of a short command's time.
    os._exit(exit_code)


def get_completion_variable(program: str) -> str:
    """Return the name of the environment variable by which a program's completion script requests completions."""
    return f"_{program.replace('-', '_').upper()}_COMPLETE"


def _install_signal_handlers() -> None:
    """Have SIGTERM and SIGHUP raise Terminated once, unless they are ignored, such as under `nohup`."""
    import signal  # noqa: PLC0415

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _raise_terminated)


def _end_by_signal(interrupt: KeyboardInterrupt) -> None:
    """End this process by the signal that arrived, unless it was SIGINT."""
    if isinstance(interrupt, Terminated):
        import signal  # noqa: PLC0415

        signal.signal(interrupt.number, signal.SIG_DFL)
        os.kill(os.getpid(), interrupt.number)


def _raise_terminated(signal_number: int, _frame: object) -> None:
    import signal  # noqa: PLC0415

    signal.signal(signal_number, signal.SIG_DFL)  # a second one does not wait for what the first one undoes
    raise Terminated(signal_number)


def _switch_to_home_owner() -> None:
    """Switch to the owner of the home folder, if this process runs as root, and another user owns the folder."""
    from mlrun_cli.core.home import get_home_folder  # noqa: PLC0415 - start-up
    from mlrun_cli.processes.home_owner import find_owned_folder, switch_to_owner  # noqa: PLC0415 - for root alone

    home = get_home_folder(os.environ)
    folder = find_owned_folder(home, os.environ)
    name = None if folder is None else switch_to_owner(folder, home, os.environ)
    if name is not None and "--only-show-errors" not in sys.argv:
        sys.stderr.write(f"WARNING: This command goes on as {name}, to whom {folder} belongs.\n")
