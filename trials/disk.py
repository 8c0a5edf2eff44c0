"""What a power cut may leave of files, at worst: each as it was when it was last told to the disk.

A small library, compiled here and preloaded into a worker, copies a file into a folder beside
whenever the worker has told it to the disk (`fsync`, `fdatasync`). What was written later and
not told to the disk is not in the copies. Putting the copies back is the cut.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from trials.catalogue import NotRun

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy(int fd) {
    const char *root = getenv("TRIALS_ROOT"), *kept = getenv("TRIALS_KEPT");
    char link[64], path[4096], draft[4200], last[4200], block[65536];
    struct stat info;
    if (!root || !kept || fstat(fd, &info) || !S_ISREG(info.st_mode)) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return;
    path[n] = 0;
    size_t length = strlen(root);
    if (strncmp(path, root, length) || path[length] != '/') return;
    char *name = path + length + 1;
    for (char *c = name; *c; c++) if (*c == '/') *c = '%';
    snprintf(last, sizeof last, "%s/%s", kept, name);
    snprintf(draft, sizeof draft, "%s/.%s.%d.%d", kept, name, getpid(), fd);
    int in = open(link, O_RDONLY), out = open(draft, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (in >= 0 && out >= 0) {
        while ((n = read(in, block, sizeof block)) > 0) if (write(out, block, n) != n) break;
        rename(draft, last);
    }
    if (in >= 0) close(in);
    if (out >= 0) close(out);
}

#define TOLD(name) \
    int name(int fd) { \
        static int (*real)(int); \
        if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #name); \
        int answer = real(fd); \
        if (!answer) copy(fd); \
        return answer; \
    }
TOLD(fsync)
TOLD(fdatasync)
"""

FILES = ("social-scheduler.db", "social-scheduler.db-wal", "journal/worker.jsonl")
"""Files of a workspace with SQLite that a worker writes."""


class Disk:
    """The files of one workspace folder, as they are on the disk for certain."""

    def __init__(self, root: Path, beside: Path) -> None:
        """`beside` is a folder of ours. NotRun where there is no C compiler."""
        self.root, self.kept = root.resolve(), beside / "told-to-the-disk"
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            raise NotRun("there is no C compiler to make the library that watches the disk")
        self.library = beside / "disk.so"
        source = beside / "disk.c"
        source.write_text(SOURCE, encoding="ascii")
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(self.library)]
        command += [str(source), "-ldl"]
        subprocess.run(command, check=True, capture_output=True)

    def environment(self) -> dict[str, str]:
        """What a worker needs to be watched."""
        return {
            "LD_PRELOAD": str(self.library),
            "TRIALS_ROOT": str(self.root),
            "TRIALS_KEPT": str(self.kept),
        }

    def settle(self) -> None:
        """Everything is on the disk now; a worker is about to start."""
        shutil.rmtree(self.kept, ignore_errors=True)
        self.kept.mkdir(mode=0o700)
        for name in FILES:
            if (self.root / name).exists():
                shutil.copyfile(self.root / name, self.kept / name.replace("/", "%"))

    def cut(self) -> int:
        """The power is gone: the files go back. Answers how many bytes that were written are lost."""
        lost = 0
        for name in FILES:
            file, kept = self.root / name, self.kept / name.replace("/", "%")
            before = file.read_bytes() if file.exists() else b""
            after = kept.read_bytes() if kept.exists() else b""
            same = min(len(before), len(after))
            changed = sum(before[i : i + 4096] != after[i : i + 4096] for i in range(0, same, 4096))
            lost += changed * 4096 + max(0, len(before) - len(after))
            if kept.exists():
                shutil.copyfile(kept, file)
            else:
                file.unlink(missing_ok=True)
        (self.root / "social-scheduler.db-shm").unlink(missing_ok=True)
        return lost
