/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Limits that a session ran into, gathered while its records fold. Part of the model.
 *
 * A limit is named where the kernel or the server named it, and, marked as a conclusion,
 * where a process ended as one does that runs into the limit that it was held to. What no
 * event tells, such as an open(2) that fails and that the process survives, is not here.
 */
#ifndef _SSHOBS_LIMIT_H
#define _SSHOBS_LIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "evidence.h"
#include "stream.h"

struct process;
struct session;

/**
 * enum limit_kind - which limit
 * @LIMIT_NPROC: RLIMIT_NPROC: a fork failed
 * @LIMIT_PIDS: pids.max of a cgroup: a fork failed
 * @LIMIT_SYSTEM: kernel.threads-max or kernel.pid_max: a fork failed
 * @LIMIT_NPROC_EXEC: RLIMIT_NPROC: a process became a user who had no room for it, did not
 *	execute or fork anything, and ended badly: concluded from that
 * @LIMIT_NOFILE: RLIMIT_NOFILE, by the words of the server
 * @LIMIT_NOFILE_FULL: RLIMIT_NOFILE: no descriptor was free when a process ended
 * @LIMIT_NOFILE_ONE: RLIMIT_NOFILE: one was free, too few for a pipe, when a process ended
 *	badly: concluded from that
 * @LIMIT_PTY: kernel.pty.max, or max= of the devpts mount: no pseudo terminal
 * @LIMIT_AS: RLIMIT_AS: an execve failed
 * @LIMIT_AS_127: RLIMIT_AS: a program that was held to it exited with 127, as the dynamic
 *	linker does when a library does not fit: concluded from that
 * @LIMIT_DATA_127: RLIMIT_DATA: the same
 * @LIMIT_MAX_SESSIONS: MaxSessions, by the words of the server
 * @LIMIT_MAX_STARTUPS: MaxStartups, by the words of the server
 * @LIMIT_ACCEPT_QUEUE: the accept queue: SYNs were dropped
 * @LIMIT_KINDS: how many there are
 */
enum limit_kind {
	LIMIT_NPROC,
	LIMIT_PIDS,
	LIMIT_SYSTEM,
	LIMIT_NPROC_EXEC,
	LIMIT_NOFILE,
	LIMIT_NOFILE_FULL,
	LIMIT_NOFILE_ONE,
	LIMIT_PTY,
	LIMIT_AS,
	LIMIT_AS_127,
	LIMIT_DATA_127,
	LIMIT_MAX_SESSIONS,
	LIMIT_MAX_STARTUPS,
	LIMIT_ACCEPT_QUEUE,
	LIMIT_KINDS,
};

/**
 * struct limit_hit - how a session ran into one limit
 * @count: how often; 0: never
 * @pid: process that did so last; 0: none, or the kernel for LIMIT_ACCEPT_QUEUE
 * @comm: its name, which its user can set: escape it
 * @error: errno of the last time; 0: not told
 * @soft: the limit, the last time; SSHOBS_UNLIMITED: not told
 * @used: what counted against it then; SSHOBS_UNCOUNTED: not told
 * @quote: what the server wrote of it last; escape it
 */
struct limit_hit {
	uint32_t count;
	uint32_t pid;
	char comm[SSHOBS_COMM_LEN + 1];
	uint32_t error;
	uint64_t soft;
	uint64_t used;
	struct bytes quote;
};

/**
 * struct limits - all of them
 * @hits: by enum limit_kind
 */
struct limits {
	struct limit_hit hits[LIMIT_KINDS];
};

/** limits_free() - free what it holds */
void limits_free(struct limits *limits);

/** limits_from_event() - a fork, an execve or a terminal failed, or a connection was made */
void limits_from_event(struct session *session, const struct event *event);

/**
 * limits_from_exit() - a process ended
 * @session: the session
 * @process: the process as it was until then; NULL: it was never seen before
 * @event: its exit
 */
void limits_from_exit(struct session *session, const struct process *process,
		      const struct event *event);

/** limit_is_concluded() - whether it is no more than the likely reason of what was seen */
bool limit_is_concluded(enum limit_kind kind);

/**
 * limits_from_log() - a line of the log
 * @session: the session
 * @event: the line; written by the server's own code
 *
 * Return: 0 or -ENOMEM.
 */
int limits_from_log(struct session *session, const struct event *event);

/** limit_name() - "nproc", "pids", ...: the same in JSON and in the manual; not unique */
const char *limit_name(enum limit_kind kind);

#endif /* _SSHOBS_LIMIT_H */
