"""Run by path, not imported: becomes the program in its arguments, tied to the process that started it.

    python -I -S leash.py PARENT DEATH_SIGNAL NICENESS ROOT|FOLDER -- PROGRAM ARG…

Linux sends DEATH_SIGNAL when the *thread* that started it ends, even by kill -9 (prctl(2), PR_SET_PDEATHSIG); so start
children from a thread that lives as long as they should. Elsewhere nothing is sent, and the next start ends what was
left, by its pid record. A wrapper rather than Popen's preexec_fn, which may deadlock in a program with threads.

FOLDER: PostgreSQL refuses to run as root, so root becomes `nobody`, and FOLDER with all in it is nobody's. No user is
made, and no folder of the checkout opened to others. Either
- in a user namespace where root is called nobody (user_namespaces(7)): to the disk it still is root; or,
- where those are forbidden, as in most containers, truly, keeping of root's capabilities only the one to reach the
  checkout's files (capabilities(7), CAP_DAC_OVERRIDE, ambient).
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CLONE_NEWUSER = 0x10000000
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

libc = ctypes.CDLL(None, use_errno=True)


def _leave_root(folder: str) -> None:
    nobody = pwd.getpwnam("nobody")
    uid, gid = os.getuid(), os.getgid()
    if _namespaces_are_allowed():
        _give(folder, uid, gid)
        libc.unshare(CLONE_NEWUSER)
        _write("setgroups", "deny")
        _write("uid_map", f"{nobody.pw_uid} {uid} 1")
        _write("gid_map", f"{nobody.pw_gid} {gid} 1")
    else:
        _give(folder, nobody.pw_uid, nobody.pw_gid)
        _prctl(PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
        os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
        _keep_only(CAP_DAC_OVERRIDE)


def _namespaces_are_allowed() -> bool:
    """Tried in a child: a process that has entered one can no longer give files away."""
    child = os.fork()
    if child == 0:
        os._exit(0 if libc.unshare(CLONE_NEWUSER) == 0 else 1)
    return os.waitpid(child, 0)[1] == 0


def _give(folder: str, uid: int, gid: int) -> None:
    """Hand over a folder that an earlier start left to another owner."""
    if os.stat(folder).st_uid == uid:  # noqa: PTH116 (pathlib would double the start time)
        return
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.lchown(os.path.join(path, name), uid, gid)  # noqa: PTH118
    os.chown(folder, uid, gid)  # last: a start that was cut short begins again


def _write(file: str, text: str) -> None:
    with open(f"/proc/self/{file}", "w") as handle:  # noqa: PTH123
        handle.write(text)


def _keep_only(capability: int) -> None:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    low = 1 << capability
    sets = (ctypes.c_uint32 * 6)(low, low, low, 0, 0, 0)  # effective, permitted, inheritable; then their high halves
    if libc.capset(header, sets) != 0:
        sys.exit(f"leash: capset: {os.strerror(ctypes.get_errno())}")
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def _prctl(option: int, *values: int) -> None:
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if libc.prctl(option, *arguments) != 0:
        sys.exit(f"leash: prctl {option}: {os.strerror(ctypes.get_errno())}")


def main() -> None:
    """Take the leash, then become the program."""
    parent, death_signal, niceness, identity, dashes, *argv = sys.argv[1:]
    assert dashes == "--", "leash.py PARENT DEATH_SIGNAL NICENESS ROOT|FOLDER -- PROGRAM ARG…"
    if identity != "ROOT":
        _leave_root(identity)
    if sys.platform == "linux":
        _prctl(PR_SET_PDEATHSIG, int(death_signal))  # after the change of identity, which clears it
        if os.getppid() != int(parent):  # it ended before the leash was on
            sys.exit(128 + signal.SIGKILL)
    if int(niceness):
        os.nice(int(niceness))
    os.execv(argv[0], argv)  # noqa: S606 (argv is ours)


main()
