"""A seccomp filter: the kernel refuses system calls that reading a document never needs (seccomp(2))."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterator

__all__ = ["filter_for", "restrict"]

# The name of each refused call, and its number on x86-64 and on 64-bit ARM; "-" where there is none.
_REFUSED = """
    socket:41:198 connect:42:203 bind:49:200 listen:50:201 accept:43:202 accept4:288:242
    execve:59:221 execveat:322:281 fork:57:- vfork:58:- ptrace:101:117 process_vm_readv:310:270
    process_vm_writev:311:271 process_madvise:440:440 kcmp:312:272 pidfd_open:434:434
    pidfd_getfd:438:438 pidfd_send_signal:424:424 tkill:200:130 rt_sigqueueinfo:129:138
    rt_tgsigqueueinfo:297:240 sched_setaffinity:203:122 setpriority:141:140 setrlimit:160:164
    shmget:29:194 shmat:30:196 semget:64:190 msgget:68:186 mq_open:240:180 mq_unlink:241:181
    creat:85:- mkdir:83:- mkdirat:258:34 mknod:133:- mknodat:259:33 rmdir:84:- unlink:87:-
    unlinkat:263:35 rename:82:- renameat:264:38 renameat2:316:276 link:86:- linkat:265:37 symlink:88:-
    symlinkat:266:36 chmod:90:- fchmodat:268:53 fchmodat2:452:452 chown:92:- lchown:94:- fchownat:260:54
    truncate:76:45 utime:132:- utimes:235:- futimesat:261:- utimensat:280:88 setxattr:188:5
    lsetxattr:189:6 removexattr:197:14 lremovexattr:198:15 setxattrat:463:463 removexattrat:466:466
    name_to_handle_at:303:264 open_by_handle_at:304:265 inotify_init:253:- inotify_init1:294:26
    fanotify_init:300:262
    mount:165:40 umount2:166:39 pivot_root:155:41 chroot:161:51 fsopen:430:430 fspick:433:433
    fsconfig:431:431 fsmount:432:432 move_mount:429:429 open_tree:428:428 mount_setattr:442:442
    swapon:167:224 swapoff:168:225 quotactl:179:60 quotactl_fd:443:443 unshare:272:97 setns:308:268
    bpf:321:280 perf_event_open:298:241 userfaultfd:323:282 io_setup:206:0 io_submit:209:2
    io_uring_setup:425:425 io_uring_enter:426:426 io_uring_register:427:427 keyctl:250:219
    add_key:248:217 request_key:249:218 init_module:175:105 finit_module:313:273 delete_module:176:106
    kexec_load:246:104 kexec_file_load:320:294 reboot:169:142 acct:163:89 syslog:103:116
    sethostname:170:161 setdomainname:171:162 settimeofday:164:170 clock_settime:227:112
    adjtimex:159:171 clock_adjtime:305:266 iopl:172:- ioperm:173:- modify_ldt:154:- vmsplice:278:75
"""
_NEWEST = 467
"""The newest call that was looked at: later ones are refused as if the kernel did not have them yet."""

_ALLOW, _REFUSE, _MISSING = 0x7FFF0000, 0x00050001, 0x00050026  # 5 << 16 with EPERM or ENOSYS
_SET_FILTER, _ALL_THREADS, _KEEP_SPECULATION = 1, 1 << 0, 1 << 2
_NO_NEW_PRIVS = 38

# Instructions of classic BPF: load a word of the call's data, jump by a constant, return.
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _PROCESSOR = 0, 4
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_THREAD = 0x10000
_TYPES_FOR_THE_USER = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX

# For each processor: its column above, its number in the kernel, and the calls whose arguments are looked at.
_PROCESSORS = {
    "x86_64": (
        1,
        0xC000003E,
        {"seccomp": 317, "clone": 56, "open": 2, "openat": 257, "prlimit": 302}
        | {"kill": 62, "tgkill": 234, "ioctl": 16},
    ),
    "aarch64": (
        2,
        0xC00000B7,
        {"seccomp": 277, "clone": 220, "openat": 56, "prlimit": 261}
        | {"kill": 129, "tgkill": 131, "ioctl": 29},
    ),
}
_CLONE3, _OPENAT2 = 435, 437


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def restrict() -> str:
    """Installs the filter for all threads of this process; says whether it is in force."""
    machine = platform.machine()
    if not sys.platform.startswith("linux") or machine not in _PROCESSORS or sys.maxsize < 2**32:
        return f"no seccomp: not made for {sys.platform} on {machine}"
    libc = ctypes.CDLL(None, use_errno=True)
    instructions = filter_for(machine, os.getpid())
    program = _Program(len(instructions) // 8, instructions)
    libc.prctl(_NO_NEW_PRIVS, ctypes.c_ulong(1), *[ctypes.c_ulong(0)] * 3)
    number = _PROCESSORS[machine][2]["seccomp"]
    flags = _ALL_THREADS | _KEEP_SPECULATION
    arguments = (ctypes.c_long(_SET_FILTER), ctypes.c_long(flags), ctypes.byref(program))
    if libc.syscall(ctypes.c_long(number), *arguments):
        return f"no seccomp: {os.strerror(ctypes.get_errno())}"
    return "seccomp"


def filter_for(machine: str, process: int) -> bytes:
    """The filter's instructions for a processor, and for a process that may signal itself alone."""
    column, name, numbers = _PROCESSORS[machine]
    refused = [row.split(":")[column] for row in _REFUSED.split()]
    steps = [
        _step(_LOAD, _PROCESSOR),
        _step(_EQUAL, name, 1, 0),
        _step(_RETURN, _REFUSE),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _NEWEST + 1, 0, 1),  # x86-64's other calling convention (x32) is beyond it too
        _step(_RETURN, _MISSING),
        *_returned([_CLONE3, _OPENAT2], _MISSING),
        *_returned([int(number) for number in refused if number != "-"], _REFUSE),
        *_looked_into(numbers["clone"], 0, [_step(_ANY_BIT, _THREAD, 1, 0), _step(_RETURN, _REFUSE)]),
        *_looked_into(numbers["openat"], 2, [_step(_ANY_BIT, _WRITES, 0, 1), _step(_RETURN, _REFUSE)]),
        *_looked_into(numbers["kill"], 0, [_step(_EQUAL, process, 1, 0), _step(_RETURN, _REFUSE)]),
        *_looked_into(numbers["tgkill"], 0, [_step(_EQUAL, process, 1, 0), _step(_RETURN, _REFUSE)]),
        *_looked_into(numbers["ioctl"], 1, [*_returned(_TYPES_FOR_THE_USER, _REFUSE)]),
        # New limits are at an address, the third argument: none are set where both halves of it are zero.
        *_looked_into(
            numbers["prlimit"],
            2,
            [
                _step(_EQUAL, 0, 0, 2),
                _step(_LOAD, 16 + 8 * 2 + 4),
                _step(_EQUAL, 0, 1, 0),
                _step(_RETURN, _REFUSE),
            ],
        ),
    ]
    if "open" in numbers:
        steps += _looked_into(numbers["open"], 1, [_step(_ANY_BIT, _WRITES, 0, 1), _step(_RETURN, _REFUSE)])
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, value)


def _returned(numbers: list[int] | tuple[int, ...], result: int) -> Iterator[bytes]:
    for number in numbers:
        yield _step(_EQUAL, number, 0, 1)
        yield _step(_RETURN, result)


def _looked_into(number: int, argument: int, steps: list[bytes]) -> Iterator[bytes]:
    """Steps for one call, with the low half of an argument loaded; allowed where they return nothing."""
    yield _step(_EQUAL, number, 0, len(steps) + 2)
    yield _step(_LOAD, 16 + 8 * argument)
    yield from steps
    yield _step(_RETURN, _ALLOW)
