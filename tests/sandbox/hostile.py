"""Hostile programs, and how each must end. All are bounded, so that they harm nobody if it fails.

The first part tries to reach the world outside, a decoy of which `world` describes, and returns
the names of the attempts that succeeded. The second part misbehaves in its own process.
"""

# ruff: noqa: E501 - a program a line reads better than one cut to fit

from __future__ import annotations

from typing import NamedTuple

PRELUDE = """
import ctypes, fcntl, os, resource, signal, socket, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)

def done(**attempts):
    names = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except (OSError, ValueError):
            continue
        names.append(name)
    return names

def check(result):
    if result < 0 or result > 255:
        raise OSError(ctypes.get_errno(), "refused")

def child():
    if os.fork() == 0:
        os._exit(0)

def read(path):
    with open(path, "rb") as file:
        return file.read(16)

def write(path):
    with open(path, "a") as file:
        file.write("x")
"""

NOTHING = '["list",[]]'

# Each is the body of f(world); nothing it attempts may succeed.
ATTACKS = {
    "fork bomb": "done(**{f'fork {i}': child for i in range(5)})",
    "process by another name": """done(
        spawn=lambda: os.posix_spawn('/bin/true', ['true'], {}),
        clone=lambda: check(libc.syscall(56 if os.uname().machine == 'x86_64' else 220, 17, 0, 0, 0, 0)),
        vfork=lambda: check(libc.syscall(435, 0, 0)))""",
    "executing a shell": """done(
        shell=lambda: check(os.system('true')),
        exec=lambda: os.execv('/bin/sh', ['sh', '-c', 'true']))""",
    "reading the password file": """done(
        open=lambda: read('/etc/passwd'), root=lambda: read('/proc/self/root/etc/passwd'),
        dots=lambda: read('/usr/lib/../../etc/passwd'), shadow=lambda: read('/etc/shadow'))""",
    "reading a planted secret": """done(
        open=lambda: read(world['secret']), root=lambda: read('/proc/self/root' + world['secret']),
        folder=lambda: os.listdir(os.path.dirname(world['secret'])),
        path=lambda: os.open(world['secret'], os.O_PATH))""",
    "writing and deleting outside": """done(
        append=lambda: write(world['victim']), create=lambda: write(world['folder'] + '/new'),
        truncate=lambda: os.truncate(world['victim'], 0),
        sly_truncate=lambda: os.open(world['victim'], os.O_RDONLY | os.O_TRUNC),
        third_mode=lambda: os.open(world['victim'], 3 | os.O_TRUNC),
        nameless=lambda: os.open(world['folder'], os.O_TMPFILE | os.O_RDWR),
        delete=lambda: os.unlink(world['victim']),
        rename=lambda: os.rename(world['victim'], world['folder'] + '/moved'),
        folder=lambda: os.mkdir(world['folder'] + '/made'),
        rights=lambda: os.chmod(world['victim'], 0o600),
        owner=lambda: os.chown(world['victim'], 12345, 12345),
        times=lambda: os.utime(world['victim'], (0, 0)),
        pipe=lambda: os.mkfifo(world['folder'] + '/fifo'),
        attribute=lambda: os.setxattr(world['victim'], 'user.x', b'x'))""",
    "poisoning the standard library": """done(
        source=lambda: os.open(os.__file__, os.O_RDWR),
        new=lambda: os.rmdir(os.mkdir(os.path.dirname(os.__file__) + '/x') or 'x'))""",
    "a symbolic link out": """done(
        link=lambda: os.symlink(world['secret'], world['folder'] + '/link'),
        hard=lambda: os.link(world['secret'], world['folder'] + '/hard'),
        shared=lambda: os.symlink('/etc', '/dev/shm/link'),
        temporary=lambda: os.symlink('/etc', '/tmp/diversity-link'))""",
    "a million tiny files": """done(
        **{f'{folder} {i}': lambda folder=folder, i=i: write(f'{folder}/tiny{i}')
           for folder in (world['folder'], '.', '/tmp', '/dev/shm', '/var/tmp') for i in range(20)})""",
    "TCP, UDP and UNIX sockets": """done(
        tcp=lambda: socket.socket().connect(('127.0.0.1', world['tcp'])),
        listen=lambda: socket.socket().listen(),
        udp=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', world['udp'])),
        unix=lambda: socket.socket(socket.AF_UNIX).connect(world['unix']),
        netlink=lambda: socket.socket(16, 3, 0),
        pair=lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', world['unix']))""",
    "killing its parent and others": """done(
        parent=lambda: os.kill(os.getppid(), 0), everyone=lambda: os.kill(-1, 0),
        group=lambda: os.killpg(os.getpgid(os.getppid()), 0),
        decoy=lambda: os.kill(world['decoy'], signal.SIGKILL),
        handle=lambda: signal.pidfd_send_signal(os.pidfd_open(world['decoy']), signal.SIGKILL),
        thread=lambda: check(libc.tgkill(world['decoy'], world['decoy'], 9)))""",
    "killing by ownership of a descriptor": """done(
        owner=lambda: fcntl.fcntl(0, fcntl.F_SETOWN, world['decoy']),
        signal=lambda: fcntl.fcntl(0, 10, 9),
        asynchronous=lambda: fcntl.fcntl(0, fcntl.F_SETFL, 0o20000),
        lease=lambda: fcntl.fcntl(0, 1024, 0))""",
    "tracing and reading another process": """done(
        attach=lambda: check(libc.ptrace(16, world['decoy'], 0, 0)),
        seize=lambda: check(libc.ptrace(0x4206, os.getppid(), 0, 0)),
        me=lambda: check(libc.ptrace(0, 0, 0, 0)),
        memory=lambda: read(f"/proc/{world['decoy']}/mem"), maps=lambda: read('/proc/self/maps'))""",
    "its own memory as a file": """done(
        mem=lambda: read('/proc/self/mem'), open=lambda: os.open('/proc/self/mem', os.O_RDWR))""",
    "secrets in the environment": """done(
        own=lambda: read('/proc/self/environ'),
        parent=lambda: read(f'/proc/{os.getppid()}/environ'),
        **{name: lambda: None for name, value in os.environ.items() if 'planted' in value})""",
    "raising its own limits": """done(
        processor=lambda: resource.setrlimit(resource.RLIMIT_CPU, (99, 99)),
        memory=lambda: resource.prlimit(0, resource.RLIMIT_AS, (-1, -1)),
        parent=lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CPU))""",
    "new namespaces and privileges": """done(
        **{f'unshare {flag:x}': lambda flag=flag: check(libc.unshare(flag))
           for flag in (0x20000, 0x10000000, 0x20000000, 0x40000000, 0x8000000, 0x80)},
        root=lambda: os.chroot('/'), user=lambda: os.setuid(0), user2=lambda: os.setresuid(1, 1, 1),
        again=lambda: check(libc.prctl(38, 0, 0, 0, 0)), dumpable=lambda: check(libc.prctl(4, 1, 0, 0, 0)),
        trusted=lambda: check(libc.prctl(0x59616d61, -1, 0, 0, 0)))""",
    "other doors of the kernel": """done(
        memory=lambda: os.memfd_create('x'), inotify=lambda: check(libc.inotify_init()),
        userfault=lambda: check(libc.syscall(323 if os.uname().machine == 'x86_64' else 282, 0)),
        ring=lambda: check(libc.syscall(425, 1, 0)), landlock=lambda: check(libc.syscall(446, 0, 0)),
        terminal=lambda: check(libc.ioctl(0, 0x5412, b'x')), device=lambda: os.open('/dev/mem', 0),
        handle=lambda: os.pidfd_open(os.getpid()), lock=lambda: fcntl.flock(0, fcntl.LOCK_EX),
        writable_code=lambda: check(-(libc.syscall(9, 0, 4096, 7, 34, -1, 0) == -1)))""",
    "a daemonised grandchild": """done(
        daemon=lambda: (child(), os.setsid()))""",
}  # fmt: skip


class Ending(NamedTuple):
    """A program that hurts itself, and the kinds of outcome that are right."""

    source: str
    kinds: str
    value: str | None = None
    inputs: tuple[object, ...] = ([],)


ENDINGS = {
    "infinite loop": Ending("def f():\n    while True: pass", "timeout"),
    "loop that ignores signals": Ending(
        "def f():\n"
        "    for n in (1, 2, 15, 24, 14): signal.signal(n, signal.SIG_IGN)\n"
        "    while True:\n"
        "        try:\n            while True: pass\n"
        "        except BaseException: pass",
        "timeout",
    ),
    "loop inside C": Ending("def f(): return sum(range(10**12))", "timeout"),
    "catastrophic regular expression": Ending(
        "import re\ndef f(): return bool(re.match('(a+)+$', 'a' * 64 + 'b'))", "timeout"
    ),
    "__repr__ that loops, which nobody asks": Ending(
        "class A:\n    def __repr__(self):\n        while True: pass\ndef f(): return A()",
        "ok",
        '["object","A",["dict",[]]]',
    ),
    "generator that never yields": Ending(
        "def f():\n    while True:\n        pass\n    yield", "timeout"
    ),
    "sleeping forever": Ending("def f(): time.sleep(1000)", "timeout"),
    "stopping itself": Ending("def f(): os.kill(os.getpid(), signal.SIGSTOP)", "timeout"),
    "sleeping with everything closed": Ending(
        "def f():\n    os.closerange(0, 64)\n    time.sleep(1000)", "timeout"
    ),
    "memory bomb": Ending("def f(): return len([bytes(64 << 20) for _ in range(20)])", "memory"),
    "memory bomb that touches its pages": Ending(  # where page faults are slow, its time ends first
        "def f(): return len([bytearray(64 << 20) for _ in range(20)])", "memory timeout"
    ),
    "memory bomb in shared pages": Ending(
        "import mmap\ndef f(): return len([mmap.mmap(-1, 64 << 20) for _ in range(20)])",
        "exception memory",
    ),
    "thread bomb": Ending(
        "def f():\n    for _ in range(2000): threading.Thread(target=time.sleep, args=(9,)).start()",
        "exception memory",
    ),
    "endless output": Ending(
        "def f():\n    for _ in range(64): print('x' * (1 << 20))", "output-limit"
    ),
    "huge returned value": Ending("def f(): return 'x' * (5 << 20)", "output-limit"),
    "value of many parts": Ending("def f(): return list(range(10**6))", "output-limit"),
    "huge __repr__, which nobody asks": Ending(
        "class A:\n    def __repr__(self): return 'x' * (5 << 20)\ndef f(): return A()",
        "ok",
        '["object","A",["dict",[]]]',
    ),
    "huge attribute": Ending(
        "class A: pass\ndef f():\n    a = A()\n    a.x = 'x' * (5 << 20)\n    return a",
        "output-limit",
    ),
    "value that shares itself": Ending(
        "def f():\n    x = []\n    for _ in range(60): x = [x, x]\n    return x",
        "output-limit timeout",  # whichever it comes to first, on a busy machine
    ),
    "value that contains itself": Ending(
        "def f():\n    x = []\n    x.append(x)\n    return x", "ok", '["list",[["cycle"]]]'
    ),
    "endless iterator": Ending("def f():\n    while True: yield 1", "ok"),
    "os._exit": Ending("def f(): os._exit(0)", "no-result", "0"),
    "sys.exit": Ending("def f(): sys.exit(3)", "exit", "3"),
    "killing itself": Ending("def f(): os.kill(os.getpid(), 9)", "crash", "9"),
    "segmentation fault through ctypes": Ending("def f(): ctypes.string_at(0)", "crash", "11"),
    "abort": Ending("def f(): os.abort()", "crash", "6"),
    "recursion": Ending("def f(): return f()", "exception", "RecursionError"),
    "recursion past the C stack": Ending(
        "def f(n=0):\n    sys.setrecursionlimit(10**9)\n    return eval('f(n + 1)', globals(), locals())",
        "crash exception memory timeout",
    ),
    "unbounded nesting in the source": Ending(
        "x = " + "(" * 100_000, "syntax exception memory crash"
    ),
    "null bytes in the source": Ending("x = '\0'", "syntax"),
    "lone surrogates in the source": Ending("x = '\ud800'", "syntax"),
    "writing to every descriptor": Ending(
        "def f():\n    for n in range(64):\n        try: os.write(n, b'[\"ok\",42]')\n"
        "        except OSError: pass\n    os._exit(0)",
        "no-result",
    ),
    "writing to every descriptor and going on": Ending(
        "def f():\n    for n in range(3, 64):\n        try: os.write(n, b'[\"ok\",42]')\n"
        "        except OSError: pass\n    return 1",
        "no-result",
    ),
    "nonsense under the number of its own report": Ending(
        "def f():\n    frame = sys._getframe()\n"
        "    while 'nonce' not in frame.f_locals: frame = frame.f_back\n"
        "    os.write(3, frame.f_locals['nonce'] + b'[\"ok\",' + b'[' * 100000)\n    os._exit(0)",
        "no-result",
    ),
    "an outcome that only the supervisor may give": Ending(
        "def f():\n    frame = sys._getframe()\n"
        "    while 'nonce' not in frame.f_locals: frame = frame.f_back\n"
        "    os.write(3, frame.f_locals['nonce'] + b'[\"timeout\",null]')\n    os._exit(0)",
        "no-result",
    ),
    "a value that no encoder writes": Ending(
        "def f():\n    frame = sys._getframe()\n"
        "    while 'nonce' not in frame.f_locals: frame = frame.f_back\n"
        "    os.write(3, frame.f_locals['nonce'] + b'[\"ok\",[[1],{}]]')\n    os._exit(0)",
        "no-result",
    ),
    "closing the report": Ending("def f(): os.close(3)", "no-result"),
    "closed standard output": Ending("def f():\n    sys.stdout.close()\n    return 7", "ok", "7"),
    "standard output replaced": Ending("def f():\n    sys.stdout = None\n    return 7", "ok", "7"),
    "patched builtins": Ending(
        "import builtins\ndef f():\n"
        "    for name in ('len', 'isinstance', 'issubclass', 'type', 'str', 'repr', 'open', 'id'):\n"
        "        setattr(builtins, name, lambda *_: 0)\n    return [5]",
        "ok",
        '["list",[5]]',
    ),
    "importing the harness": Ending(
        "def f():\n    from inside import confine, program, zygote\n"
        "    program.leave = confine.leave = zygote.leave = lambda code: None\n    return 5",
        "ok",
        "5",
    ),
    "__eq__, __class__ and __len__ that lie": Ending(
        "class A(list):\n    __class__ = int\n    def __eq__(self, other): return True\n"
        "    def __len__(self): return -1\n    def __iter__(self): return iter([9])\n"
        "def f(): return A([1, 2])",
        "ok",
        '["list",[1,2]]',
    ),
    "an exception whose name is a trap": Ending(
        "class M(type):\n    @property\n    def __name__(cls): raise SystemExit(9)\n"
        "class E(BaseException, metaclass=M):\n    def __str__(self): raise ValueError\n"
        "def f(): raise E",
        "exception",
    ),
    "lone surrogates returned": Ending("def f(): return '\\ud800'", "ok", '"\\ud800"'),
    "lone surrogates printed": Ending(
        "def f(): print('\\ud800', flush=True)", "exception", "UnicodeEncodeError"
    ),
    "invalid UTF-8 printed": Ending(
        "import sys\nsys.stdout.buffer.write(b'\\xff\\xfe')", "ok", None, ("",)
    ),
    "more input than is there": Ending("input(); input()", "exception", "EOFError", ("one\n",)),
    "work left for the end": Ending(
        "import atexit\ndef f():\n    atexit.register(time.sleep, 1000)\n"
        "    threading.Thread(target=time.sleep, args=(1000,)).start()\n    return 1",
        "ok",
        "1",
    ),
    "an entry point that is missing": Ending("def g(): pass", "exception", "NameError"),
    "a syntax error": Ending("def f(:", "syntax"),
}


def attack(body: str) -> str:
    """The source of one attack."""
    return f"{PRELUDE}\ndef f(world):\n    return {body}\n"


def ending(case: Ending) -> str:
    """The source of one program that hurts itself."""
    early = case.source.startswith(("x =", "def f(:")) or case.inputs != ([],)
    return case.source if early else PRELUDE + case.source
