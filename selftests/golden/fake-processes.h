/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that are not there, for the reader's unit tests: what SSHOBS_IOC_SNAPSHOT would
 * answer of them, byte by byte.
 */
#ifndef _SSHOBS_GOLDEN_FAKE_PROCESSES_H
#define _SSHOBS_GOLDEN_FAKE_PROCESSES_H

#include <stddef.h>
#include <stdint.h>

#include "../../uapi/sshobs.h"

struct tcp_info;

#define FAKE_PROCESSES 16
#define FAKE_PARTS     5

/**
 * struct fake - one process
 * @pid: its pid
 * @start_ns: when it began
 * @bytes: its answers, by enum sshobs_snapshot_what - 1
 * @len: their lengths
 * @flags: their flags
 * @error: errno that the ioctl fails with instead; 0: none
 * @again: how often it is EAGAIN before
 * @grows: how often it is longer than what was said before
 * @boast: bytes that it is said to be longer than it is
 */
struct fake {
	uint32_t pid;
	uint64_t start_ns;
	unsigned char *bytes[FAKE_PARTS];
	size_t len[FAKE_PARTS];
	uint32_t flags[FAKE_PARTS];
	int error[FAKE_PARTS];
	unsigned int again;
	unsigned int grows;
	size_t boast;
};

extern struct fake fakes[FAKE_PROCESSES];
extern size_t n_fakes;

/* The session's socket. */
#define FAKE_COOKIE 0x1a

/* Whose they are. */
#define FAKE_UID 424201

/**
 * fake_process() - add a process with memory, and nothing open
 * @pid: its pid; it begins in as many seconds after the boot
 * @ppid: its parent
 * @uid: all of its user and group ids
 * @comm: its name
 * @tty: its terminal; empty: none
 * @exe: the file that it runs
 * @argv: its only argument, or the title that it wrote over them
 */
void fake_process(uint32_t pid, uint32_t ppid, uint32_t uid, const char *comm, const char *tty,
		  const char *exe, const char *argv);

/** fake_newest() - the process that was added last; all that follow are about it */
struct fake *fake_newest(void);

/** fake_task() - what it is */
struct sshobs_task_info *fake_task(void);

/** fake_environ() - add to its environment as it is now */
void fake_environ(const char *environ, size_t len);

/** fake_exec_environ() - add to its environment as it was given at exec */
void fake_exec_environ(const char *environ, size_t len);

/** fake_cut() - of a part of it, there is more than it answers */
void fake_cut(enum sshobs_snapshot_what what);

/**
 * fake_fd() - open a descriptor
 * @fd: what it is, with the lengths of the names, which may hold NUL
 * @path: its path
 * @local: name that it is bound to
 * @peer: name of its peer
 * @info: its struct tcp_info; NULL: none
 */
void fake_fd(struct sshobs_fd fd, const char *path, const char *local, const char *peer,
	     const struct tcp_info *info);

/** fake_file() - open a file */
void fake_file(uint32_t number, const char *path, uint32_t flags);

/** fake_pts() - open a terminal */
void fake_pts(uint32_t number, uint32_t index);

/** fake_ptmx() - open the master side of a terminal */
void fake_ptmx(uint32_t number, uint32_t index);

/** fake_pipe() - open an end of a pipe */
void fake_pipe(uint32_t number, uint64_t ino, uint32_t flags);

/** fake_unix_socket() - open an end of a socketpair */
void fake_unix_socket(uint32_t number, uint64_t ino, uint64_t peer);

/** fake_connection() - open a TCP connection with a client */
void fake_connection(uint32_t number, uint64_t ino, uint64_t cookie);

/** fake_scene() - make the processes of a scene; those before are gone; Return: -1: no such */
int fake_scene(const char *name);

/** fake_fds() - add descriptors to the newest process, all of /dev/null */
void fake_fds(unsigned int n);

/** fake_forget() - no processes */
void fake_forget(void);

#endif /* _SSHOBS_GOLDEN_FAKE_PROCESSES_H */
