// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define HASH_NONFATAL_OOM 1
#include "top_readings.h"

#include "format.h"
#include "proc.h"
#include "snapshot.h"

static struct process_key key_of(const struct process *process)
{
	return (struct process_key){ process->session->id, process->start_ns, process->pid };
}

static struct process_reading *find_process(const struct readings *readings,
					    const struct process_key *key)
{
	struct process_reading *reading;

	HASH_FIND(hh, readings->processes, key, sizeof(*key), reading);
	return reading;
}

static struct session_reading *find_session(const struct readings *readings, uint64_t id)
{
	struct session_reading *reading;

	HASH_FIND(hh, readings->sessions, &id, sizeof(id), reading);
	return reading;
}

const struct process_reading *readings_of_process(const struct readings *readings,
						  const struct process *process)
{
	struct process_key key = key_of(process);
	const struct process_reading *reading = find_process(readings, &key);

	return reading && !reading->gone ? reading : NULL;
}

const struct session_reading *readings_of_session(const struct readings *readings,
						  const struct session *session)
{
	return find_session(readings, session->id);
}

static struct process_reading *process_slot(struct readings *readings,
					    const struct process_key *key)
{
	struct process_reading *reading = find_process(readings, key);

	if (reading)
		return reading;
	reading = calloc(1, sizeof(*reading));
	if (!reading)
		return NULL;
	reading->key = *key;
	HASH_ADD(hh, readings->processes, key, sizeof(reading->key), reading);
	if (reading->hh.tbl)
		return reading;
	free(reading);
	return NULL;
}

static struct session_reading *session_slot(struct readings *readings, uint64_t id)
{
	struct session_reading *reading = find_session(readings, id);

	if (reading)
		return reading;
	reading = calloc(1, sizeof(*reading));
	if (!reading)
		return NULL;
	reading->id = id;
	HASH_ADD(hh, readings->sessions, id, sizeof(reading->id), reading);
	if (reading->hh.tbl)
		return reading;
	free(reading);
	return NULL;
}

/* The share of a processor since the reading before; at first, since the process began. */
static void set_cpu(struct process_reading *reading, const struct sshobs_task_info *task)
{
	uint64_t now = now_monotonic_ns();
	uint64_t cpu = task->utime_ns + task->stime_ns;
	uint64_t since = reading->time_ns ?: task->start_ns;
	uint64_t used = cpu > reading->cpu_ns ? cpu - reading->cpu_ns : 0;

	/* 64 bits do not hold a thousand times what many threads have used in months. */
	reading->cpu_permille =
		now > since ? (uint32_t)(1000 * (double)used / (double)(now - since)) : 0;
	reading->time_ns = now;
	reading->cpu_ns = cpu;
}

static void set_process(struct process_reading *reading, const struct sshobs_task_info *task)
{
	const struct sshobs_limit *fds = &task->limits[RLIMIT_NOFILE];

	set_cpu(reading, task);
	reading->rss_kb = task->rss_kb;
	reading->fds = fds->used == SSHOBS_UNCOUNTED ? 0 : fds->used;
	reading->fds_soft = fds->soft;
	reading->uid = task->uid;
	reading->pgid = task->pgid;
	reading->leads_tty = task->sid == task->pid && task->tty[0];
	reading->state = task->state;
}

static void set_tcp(struct session_reading *reading, const struct blob *blob)
{
	struct tcp_info tcp = { 0 };

	/* An older or newer kernel's is shorter or longer. */
	memcpy(&tcp, blob->data, blob->len < sizeof(tcp) ? blob->len : sizeof(tcp));
	reading->has_tcp = true;
	reading->rtt_us = tcp.tcpi_rtt;
	reading->retrans = tcp.tcpi_total_retrans;
	reading->bytes_in = tcp.tcpi_bytes_received;
	reading->bytes_out = tcp.tcpi_bytes_sent;
	reading->idle_ms = tcp.tcpi_last_data_recv;
}

/* Whether the session's socket is among these descriptors. */
static bool set_socket(struct session_reading *reading, const struct session *session,
		       const struct snapshot *snapshot)
{
	size_t i;

	for (i = 0; i < snapshot->fds_count; i++) {
		const struct snapshot_fd *fd = &snapshot->fds[i];

		if (!fd->tcp_info.len || !session->cookie || fd->fd->cookie != session->cookie)
			continue;
		set_tcp(reading, &fd->tcp_info);
		return true;
	}
	return false;
}

/* With these, no process can be read. */
static bool is_final(int err)
{
	return err == -EPERM || err == -ENOTTY || err == -ENOMEM;
}

/*
 * Take a process, or its descriptors too. Return 0 or an error; -ESRCH: it is gone, also
 * where its exit was lost and somebody else has its pid.
 */
static int take(struct snapshot *snapshot, const struct readings *readings,
		const struct process *process, unsigned int parts)
{
	int err = snapshot_take_parts(snapshot, readings->device, process->pid,
				      process->start_ns ?: SSHOBS_SNAPSHOT_ANY, parts);

	if (err || snapshot->task->session == process->session->id)
		return err;
	snapshot_free(snapshot);
	return -ESRCH;
}

/* A reading that failed, though the process is there, leaves what was read before. */
static int read_process(struct readings *readings, const struct process *process)
{
	struct process_key key = key_of(process);
	struct process_reading *reading;
	struct snapshot snapshot;
	int err = take(&snapshot, readings, process, 0);
	bool gone = err == -ESRCH;

	if (is_final(err))
		return err;
	reading = !err || gone ? process_slot(readings, &key) : find_process(readings, &key);
	if (reading) {
		reading->round = readings->round;
		reading->gone = gone;
	}
	if (err)
		return 0;
	if (reading)
		set_process(reading, snapshot.task);
	snapshot_free(&snapshot);
	return reading ? 0 : -ENOMEM;
}

/* The same of its descriptors, among which the socket may be. */
static int read_socket(const struct readings *readings, struct session_reading *session,
		       const struct process *process)
{
	struct snapshot snapshot;
	int err = take(&snapshot, readings, process, SNAPSHOT_PART(SSHOBS_SNAPSHOT_FDS));

	if (err) {
		session->unread |= err != -ESRCH;
		return is_final(err) ? err : 0;
	}
	if (set_socket(session, process->session, &snapshot))
		session->holder = key_of(process);
	snapshot_free(&snapshot);
	return 0;
}

/*
 * Whose descriptors are read for the socket: of the process that had it the last time; else
 * of every one of the server's, but only after something happened in the session.
 */
static bool may_hold(const struct session_reading *reading, const struct process *process)
{
	if (process->session->state != SESSION_UP || reading->has_tcp)
		return false;
	if (reading->holder.pid)
		return reading->holder.pid == process->pid &&
		       reading->holder.start_ns == process->start_ns;
	return reading->searched != process->session->records &&
	       (process->role != ROLE_PROGRAM || process->session->adopted ||
		!process->session->born);
}

static int read_session(struct readings *readings, const struct session *session)
{
	struct session_reading *reading = session_slot(readings, session->id);
	const struct process_reading *read;
	const struct process *process;
	int err = reading ? 0 : -ENOMEM;
	bool had_tcp;

	if (err)
		return err;
	had_tcp = reading->has_tcp;
	reading->round = readings->round;
	reading->has_tcp = false;
	reading->unread = false;
	reading->foreground = 0;
	for (process = session->live; process && !err; process = process->hh.next) {
		err = read_process(readings, process);
		if (!err && may_hold(reading, process))
			err = read_socket(readings, reading, process);
		read = readings_of_process(readings, process);
		if (read && read->leads_tty && !reading->foreground)
			reading->foreground = proc_stat(process->pid, PROC_FOREGROUND);
	}
	if (reading->unread && !reading->has_tcp) {
		reading->has_tcp = had_tcp;
		return err;
	}
	reading->searched = reading->has_tcp || reading->holder.pid ? 0 : session->records;
	/* It is looked for anew. */
	if (!reading->has_tcp)
		memset(&reading->holder, 0, sizeof(reading->holder));
	return err;
}

/*
 * Forget what this round did not see. The analyser does not know that uthash takes an entry out
 * of its list before it is freed.
 */
static void sweep(struct readings *readings)
{
	struct process_reading *process, *next_process;
	struct session_reading *session, *next_session;

	HASH_ITER(hh, readings->processes, process, next_process) {
		if (process->round == readings->round)
			continue;
		HASH_DEL(readings->processes, process); /* NOLINT(clang-analyzer-unix.Malloc) */
		free(process);
	}
	HASH_ITER(hh, readings->sessions, session, next_session) {
		if (session->round == readings->round)
			continue;
		HASH_DEL(readings->sessions, session); /* NOLINT(clang-analyzer-unix.Malloc) */
		free(session);
	}
}

int readings_take(struct readings *readings, const struct model *model,
		  bool (*wanted)(const struct session *session))
{
	const struct session *session;
	int err = 0;

	if (readings->device < 0)
		return 0;
	readings->round++;
	for (session = model->sessions; session && !err; session = session->hh.next)
		if (wanted(session))
			err = read_session(readings, session);
	sweep(readings);
	return err;
}

static bool is_gone(const struct readings *readings, const struct process *process)
{
	struct process_key key = key_of(process);
	const struct process_reading *reading = find_process(readings, &key);

	return reading && reading->gone;
}

void readings_drop_gone(const struct readings *readings, struct model *model)
{
	struct session *session, *next_session;
	struct process *process, *next;

	HASH_ITER(hh, model->sessions, session, next_session) {
		HASH_ITER(hh, session->live, process, next)
			if (process->seq < model->last_lost_seq && is_gone(readings, process))
				model_end_lost(model, process);
		if (!session->live && session->last_seq < model->last_lost_seq)
			model_drop_session(model, session);
	}
}

void readings_free(struct readings *readings)
{
	readings->round++;
	sweep(readings);
}
