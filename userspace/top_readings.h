/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the live view knows of sessions and processes beyond the stream: the last reading
 * of each. The rows are made from them; how they were read is nobody else's business.
 */
#ifndef _SSHOBS_TOP_READINGS_H
#define _SSHOBS_TOP_READINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "model.h"

/* What names a process for good. */
struct process_key {
	uint64_t session;
	uint64_t start_ns;
	uint64_t pid;
};

/**
 * struct process_reading - what a process was like
 * @key: which
 * @time_ns: CLOCK_MONOTONIC time of the reading
 * @cpu_ns: CPU time that it had consumed
 * @cpu_permille: of one processor, since the reading before, or since it began
 * @rss_kb: resident set, in KiB
 * @fds: open descriptors
 * @fds_soft: how many it may have; SSHOBS_UNLIMITED: no limit
 * @uid: real user id
 * @pgid: its process group
 * @leads_tty: it leads a session (setsid(2)) that has a terminal
 * @state: one letter, as ps(1) prints it
 * @gone: it was not there; nothing else is told then
 * @round: of the readings
 * @hh: in readings->processes
 */
struct process_reading {
	struct process_key key;
	uint64_t time_ns;
	uint64_t cpu_ns;
	uint32_t cpu_permille;
	uint64_t rss_kb;
	uint64_t fds;
	uint64_t fds_soft;
	uint32_t uid;
	uint32_t pgid;
	bool leads_tty;
	char state;
	bool gone;
	uint64_t round;
	UT_hash_handle hh;
};

/**
 * struct session_reading - what a session was like
 * @id: which
 * @has_tcp: its socket was read, now or before @unread
 * @unread: somebody's descriptors could not be read this time
 * @rtt_us: smoothed round trip time
 * @retrans: segments that were sent again, in all
 * @bytes_in: bytes of the client that TCP took
 * @bytes_out: bytes to the client, with those that were sent again
 * @idle_ms: since TCP took the last bytes of the client
 * @foreground: process group in the foreground of its first terminal; 0: not known
 * @holder: process whose descriptors have the socket; pid 0: not known
 * @searched: records of the session when the socket was looked for in vain
 * @round: of the readings
 * @hh: in readings->sessions
 */
struct session_reading {
	uint64_t id;
	bool has_tcp;
	bool unread;
	uint32_t rtt_us;
	uint32_t retrans;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint32_t idle_ms;
	uint32_t foreground;
	struct process_key holder;
	uint64_t searched;
	uint64_t round;
	UT_hash_handle hh;
};

/**
 * struct readings - all of them
 * @device: the open device; -1: there is none, and no reading
 * @round: how often they were taken
 * @processes: by key
 * @sessions: by id
 */
struct readings {
	int device;
	uint64_t round;
	struct process_reading *processes;
	struct session_reading *sessions;
};

/** readings_of_process() - the last reading of a process that is alive; NULL: none */
const struct process_reading *readings_of_process(const struct readings *readings,
						  const struct process *process);

/** readings_of_session() - the last reading of a session; NULL: none */
const struct session_reading *readings_of_session(const struct readings *readings,
						  const struct session *session);

/**
 * readings_take() - read all that is alive in the sessions that are wanted
 * @readings: the readings; all zero but for @device the first time
 * @model: the sessions
 * @wanted: whether a session is; the others have no readings
 *
 * One small answer of the device for each process, and the descriptors of one process of
 * each session, for the socket. That a process is gone by now is normal; one that is there
 * and could not be read, since it changed under the reading, keeps the reading that it had.
 *
 * Return: 0; -EPERM, -ENOTTY (a module without it), -ENOMEM.
 */
int readings_take(struct readings *readings, const struct model *model,
		  bool (*wanted)(const struct session *session));

/**
 * readings_drop_gone() - end what was gone when the readings were taken
 * @readings: taken, and all records that there were then folded since
 * @model: the sessions
 *
 * A process that its exit did not end by now, and of which records were lost, has ended in
 * one of these. A session without a process that had no record since such a loss is
 * forgotten: it has ended, or nothing is known of those who are in it.
 */
void readings_drop_gone(const struct readings *readings, struct model *model);

/** readings_free() - forget them all */
void readings_free(struct readings *readings);

#endif /* _SSHOBS_TOP_READINGS_H */
