"""Starts the command ``selfinterp``, and how its failures become exit statuses.

0 done; 1 done, but something is missing or a check failed (a diagnostic under ``--strict``, a
trial in ``collect export``, a line of ``doctor``); 2 the input or the call is wrong; 3 a service
could not be reached; 130 interrupted. A user's mistake prints one message.

Nothing is imported before `run`: an interrupt while libraries load ends as any other does.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as typing's, which takes a while to import
if TYPE_CHECKING:
    from pathlib import Path

INTERRUPTED = 130
NOT_INSTALLED = 2
# What the extra `collect` brings, by the names that are imported.
COLLECT_EXTRA = ("openai", "python_multipart", "rapidfuzz", "starlette", "uvicorn")


def main() -> None:
    """Run the command line and exit with its status."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is shown with question marks.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.unraisablehook = _interrupt_again
    status = run(sys.argv[1:])
    import gc
    import signal

    # Looking through all that the libraries have made takes the interpreter a second as it leaves.
    gc.freeze()

    # What is left is the interpreter's leave-taking, which an interrupt may cut short but must not
    # turn into a traceback.
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    if status == INTERRUPTED:
        _leave_at_once()
    sys.exit(status)


def _interrupt_again(ignored: sys.UnraisableHookArgs) -> None:
    """Have an interrupt once more that came while garbage was collected: Python forgets it."""
    if ignored.exc_type is KeyboardInterrupt:
        import _thread
        import threading

        # A moment later: here it would be forgotten like the first.
        threading.Timer(0.01, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(ignored)


def _leave_at_once() -> None:
    """End without a wait for threads: those of XLA crash when the interpreter is taken down.

    All that the command had open is closed by then.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # nobody reads it any more
            continue
    os._exit(INTERRUPTED)


def run(arguments: list[str]) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str
        Without the program's name.

    Returns
    -------
    int
        The exit status.
    """
    for finished in _finished():
        finished.clear()
    try:
        return _run(arguments)
    except BaseException as error:
        if not _is_interrupt(error):
            raise
        written = [folder for finished in _finished() for folder in finished]
        left = f"{written[-1]} had been written, whole" if written else "nothing was written"
        sys.stderr.write(f"selfinterp: interrupted; {left}.\n")
        return INTERRUPTED


def _quieten_pytensor() -> None:
    """Keep PyTensor from complaining of what is not needed here; a user's own flags stand.

    It looks for a BLAS to link C code with, but the models here are too small to gain from one,
    and for a compiler, but what it would compile, JAX compiles.
    """
    from shutil import which

    flags = "blas__ldflags="
    if which("clang++" if sys.platform == "darwin" else "g++") is None:
        flags += ",cxx="
    os.environ.setdefault("PYTENSOR_FLAGS", flags)


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether an interrupt is behind a failure: libraries in C turn one into an ImportError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _finished() -> list[list[Path]]:
    """Folders that have been written, as far as the modules that write them are loaded."""
    modules = ("selfinterp_stats.study.wholefolder", "data_collection.folders")
    return [getattr(sys.modules.get(name), "FINISHED", []) for name in modules]


def _run(arguments: list[str]) -> int:
    import click

    _quieten_pytensor()
    from data_collection.errors import CollectionError
    from selfinterp_stats.cli.root import selfinterp
    from selfinterp_stats.errors import SelfInterpError

    try:
        status = selfinterp.main(arguments, prog_name="selfinterp", standalone_mode=False)
    except (SelfInterpError, CollectionError) as error:
        click.echo(f"selfinterp: {error}", err=True)
        return error.exit_code
    except ModuleNotFoundError as error:
        if error.name not in COLLECT_EXTRA:
            raise
        click.echo(
            f"selfinterp: {error.name} is not installed. Asking models needs more libraries than "
            "the statistics: pip install 'selfinterp-stats[collect]'.",
            err=True,
        )
        return NOT_INSTALLED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:  # so click passes an interrupt on
        raise KeyboardInterrupt from None
    return status if isinstance(status, int) else 0
