// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "../kmod/text.h"
#include "limit.h"
#include "logline.h"
#include "model.h"

void limits_free(struct limits *limits)
{
	size_t i;

	for (i = 0; i < LIMIT_KINDS; i++)
		free(limits->hits[i].quote.at);
}

static struct limit_hit *note(struct session *session, enum limit_kind kind,
			      const struct event *event)
{
	struct limit_hit *hit = &session->limits.hits[kind];

	hit->count++;
	hit->pid = event->hdr->pid;
	memcpy(hit->comm, event->hdr->comm, SSHOBS_COMM_LEN);
	hit->comm[SSHOBS_COMM_LEN] = '\0';
	hit->error = 0;
	hit->soft = SSHOBS_UNLIMITED;
	hit->used = SSHOBS_UNCOUNTED;
	return hit;
}

static void note_fork(struct session *session, const struct event *event)
{
	static const enum limit_kind kinds[] = {
		[SSHOBS_FORK_NPROC] = LIMIT_NPROC,
		[SSHOBS_FORK_PIDS] = LIMIT_PIDS,
		[SSHOBS_FORK_SYSTEM] = LIMIT_SYSTEM,
	};
	const struct sshobs_clone_fail *fail = event->clone_fail;
	struct limit_hit *hit;

	if (!fail->limit || fail->limit >= sizeof(kinds) / sizeof(kinds[0]))
		return;
	hit = note(session, kinds[fail->limit], event);
	hit->error = fail->error;
	if (fail->limit == SSHOBS_FORK_NPROC) {
		hit->soft = fail->nproc_soft;
		hit->used = fail->nproc_used;
	}
}

/* Without a limit, it was the machine that had no memory. */
static void note_exec(struct session *session, const struct event *event)
{
	const struct sshobs_limit *as = sshobs_exec_fail_as(event->hdr);
	struct limit_hit *hit;

	if (!as || as->soft == SSHOBS_UNLIMITED)
		return;
	hit = note(session, LIMIT_AS, event);
	hit->error = event->exec_fail->error;
	hit->soft = as->soft;
	hit->used = as->used;
}

static void note_pty(struct session *session, const struct event *event)
{
	if (event->pty_fail->error == ENOSPC)
		note(session, LIMIT_PTY, event)->error = ENOSPC;
}

static void note_dropped(struct session *session, const struct event *event)
{
	const struct sshobs_established *established = event->established;
	struct limit_hit *hit;

	if (!established->syns_dropped)
		return;
	hit = note(session, LIMIT_ACCEPT_QUEUE, event);
	/* The connection was made in no process. */
	hit->pid = 0;
	hit->count = established->syns_dropped;
	hit->soft = established->backlog_max;
	hit->used = established->backlog;
}

void limits_from_event(struct session *session, const struct event *event)
{
	switch (event->hdr->type) {
	case SSHOBS_CLONE_FAIL:
		note_fork(session, event);
		break;
	case SSHOBS_EXEC_FAIL:
		note_exec(session, event);
		break;
	case SSHOBS_PTY_FAIL:
		note_pty(session, event);
		break;
	case SSHOBS_ESTABLISHED:
		note_dropped(session, event);
		break;
	}
}

static void note_edge(struct session *session, enum limit_kind kind, const struct event *event,
		      const struct sshobs_limit *limit)
{
	struct limit_hit *hit = note(session, kind, event);

	hit->soft = limit->soft;
	hit->used = limit->used;
}

static void note_nofile(struct session *session, const struct event *event)
{
	const struct sshobs_limit *limit = sshobs_exit_limit(event->hdr, RLIMIT_NOFILE);

	if (!limit)
		return;
	if (limit->used == limit->soft)
		note_edge(session, LIMIT_NOFILE_FULL, event, limit);
	else if (event->exit->code)
		note_edge(session, LIMIT_NOFILE_ONE, event, limit);
}

/* Where a fork of it failed, that was told already; and who only served had nothing to execute. */
static void note_nproc(struct session *session, const struct process *process,
		       const struct event *event)
{
	const struct sshobs_limit *limit = sshobs_exit_limit(event->hdr, RLIMIT_NPROC);

	if (limit && event->exit->code && !(process && process->clone_fails))
		note_edge(session, LIMIT_NPROC_EXEC, event, limit);
}

/* A program that did something that is told, or a shell's child without one, did not fail so. */
static bool did_nothing(const struct process *process)
{
	const struct program *program = process ? model_program(process) : NULL;

	return program && process->last_ns == program->time_ns;
}

static void note_libraries(struct session *session, const struct process *process,
			   const struct event *event, enum limit_kind kind, unsigned int resource)
{
	const struct sshobs_limit *limit = sshobs_exit_limit(event->hdr, resource);

	if (limit && event->exit->code == 127 && did_nothing(process))
		note_edge(session, kind, event, limit);
}

void limits_from_exit(struct session *session, const struct process *process,
		      const struct event *event)
{
	note_nofile(session, event);
	note_nproc(session, process, event);
	note_libraries(session, process, event, LIMIT_AS_127, RLIMIT_AS);
	note_libraries(session, process, event, LIMIT_DATA_127, RLIMIT_DATA);
}

/* Versions of OpenSSH differ in capitals. */
static bool ends(const struct part *message, const char *with)
{
	size_t n = strlen(with);

	return message->len >= n && strncasecmp(message->at + message->len - n, with, n) == 0;
}

/*
 * By how lines end, which is where strerror(3) stands. The client may choose the end of
 * some kinds of lines, such as why it disconnects; those are none of these.
 */
static bool find_kind(const struct logline *line, enum limit_kind *kind)
{
	bool own = line->kind == LOGLINE_OTHER || line->kind == LOGLINE_FATAL;

	if (own && ends(&line->message, ": Too many open files"))
		*kind = LIMIT_NOFILE;
	else if (own && ends(&line->message, "error: no more sessions"))
		*kind = LIMIT_MAX_SESSIONS;
	else if (line->kind == LOGLINE_REFUSED && ends(&line->message, "MaxStartups"))
		*kind = LIMIT_MAX_STARTUPS;
	else
		return false;
	return true;
}

int limits_from_log(struct session *session, const struct event *event)
{
	struct logline line;
	enum limit_kind kind;
	struct limit_hit *hit;
	char *quote;

	logline_parse(event->data, event->log->text_len, &line);
	if (!find_kind(&line, &kind))
		return 0;
	quote = malloc(line.message.len + 1);
	if (!quote)
		return -ENOMEM;
	memcpy(quote, line.message.at, line.message.len);
	quote[line.message.len] = '\0';
	hit = note(session, kind, event);
	free(hit->quote.at);
	hit->quote = (struct bytes){ quote, line.message.len };
	return 0;
}

const char *limit_name(enum limit_kind kind)
{
	static const char *const names[] = {
		[LIMIT_NPROC] = "nproc",
		[LIMIT_PIDS] = "pids",
		[LIMIT_SYSTEM] = "system",
		[LIMIT_NPROC_EXEC] = "nproc",
		[LIMIT_NOFILE] = "nofile",
		[LIMIT_NOFILE_FULL] = "nofile",
		[LIMIT_NOFILE_ONE] = "nofile",
		[LIMIT_PTY] = "pty",
		[LIMIT_AS] = "as",
		[LIMIT_AS_127] = "as",
		[LIMIT_DATA_127] = "data",
		[LIMIT_MAX_SESSIONS] = "max-sessions",
		[LIMIT_MAX_STARTUPS] = "max-startups",
		[LIMIT_ACCEPT_QUEUE] = "accept-queue",
	};

	return names[kind];
}

bool limit_is_concluded(enum limit_kind kind)
{
	return kind == LIMIT_NPROC_EXEC || kind == LIMIT_NOFILE_ONE || kind == LIMIT_AS_127 ||
	       kind == LIMIT_DATA_127;
}
