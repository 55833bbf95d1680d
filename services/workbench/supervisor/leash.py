"""Run by path, not imported: becomes the program in its arguments, tied to the process that started it.

    python -I -S leash.py PARENT DEATH_SIGNAL NICENESS ROOT|UNROOTED -- PROGRAM ARG…

Linux sends DEATH_SIGNAL when the *thread* that started it ends, even by kill -9 (prctl(2), PR_SET_PDEATHSIG); so start
children from a thread that lives as long as they should. Elsewhere nothing is sent, and the next start ends what was
left, by its pid record. A wrapper rather than Popen's preexec_fn, which may deadlock in a program with threads.

UNROOTED: PostgreSQL refuses to run as root. A user namespace in which root is called `nobody` satisfies it without
making a user or opening the checkout's folders to one. Exit code 126 says that this machine does not allow that.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOT_ALLOWED = 126


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _leave_root() -> None:
    import pwd  # noqa: PLC0415

    nobody = pwd.getpwnam("nobody")
    uid, gid = os.getuid(), os.getgid()
    if _libc().unshare(CLONE_NEWUSER) != 0:
        sys.exit(NOT_ALLOWED)
    for file, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{nobody.pw_uid} {uid} 1"),
        ("gid_map", f"{nobody.pw_gid} {gid} 1"),
    ):
        with open(f"/proc/self/{file}", "w") as handle:  # noqa: PTH123 (pathlib would double the start time)
            handle.write(text)


def main() -> None:
    """Take the leash, then become the program."""
    parent, death_signal, niceness, identity, dashes, *argv = sys.argv[1:]
    assert dashes == "--", "leash.py PARENT DEATH_SIGNAL NICENESS ROOT|UNROOTED -- PROGRAM ARG…"
    if identity == "UNROOTED":
        _leave_root()
    if sys.platform == "linux":
        # after the change of identity, which clears it
        _libc().prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != int(parent):  # it ended before the leash was on
            sys.exit(128 + signal.SIGKILL)
    if int(niceness):
        os.nice(int(niceness))
    os.execv(argv[0], argv)  # noqa: S606 (argv is ours)


main()
