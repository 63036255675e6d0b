// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../kmod/text.h"
#include "commands.h"
#include "model.h"
#include "view_json.h"
#include "view_lines.h"

/* As tail and journalctl do when they follow. */
#define LINES_BEFORE 10

/* Records of a session between two times that its past is forgotten. */
#define PAST_EVERY 1024

/* What is known of a session, as its tag, where only some are wanted. */
enum { UNJUDGED, HAD_PID, WANTED, UNWANTED };

/* The last records, until it is known which ones those are. */
struct tail {
	struct event *events;
	uint64_t size;
	uint64_t count;
};

/**
 * struct follow - what a record goes through: filter, tail, printer
 * @options: the command line
 * @stream: where the records come from
 * @filtered: -u or -p: only some sessions
 * @model: tells which, if @filtered
 * @tail: the last records; not in use if tail.size is 0
 */
struct follow {
	const struct options *options;
	struct stream *stream;
	bool filtered;
	struct model model;
	struct tail tail;
};

static void print_event(const struct follow *follow, const struct event *event)
{
	if (follow->options->output == OUTPUT_JSON)
		view_json_event(event, stream_origin(follow->stream));
	else
		view_line(event, follow->options->output);
}

static int keep_tail(struct tail *tail, const struct event *event)
{
	struct event *slot = &tail->events[tail->count % tail->size];

	if (tail->count >= tail->size)
		stream_free_copy(slot);
	tail->count++;
	return stream_copy(event, slot);
}

static void flush_tail(struct follow *follow)
{
	struct tail *tail = &follow->tail;
	uint64_t i = tail->count > tail->size ? tail->count - tail->size : 0;

	for (; i < tail->count; i++) {
		struct event *event = &tail->events[i % tail->size];

		/* There was no memory for it. */
		if (!event->hdr)
			continue;
		print_event(follow, event);
		stream_free_copy(event);
	}
	free(tail->events);
	memset(tail, 0, sizeof(*tail));
}

static int pass(struct follow *follow, const struct event *event)
{
	/* A reader skips what it does not know. */
	if (!sshobs_type_name(event->hdr->type) || !in_window(follow->options, event))
		return 0;
	if (follow->tail.size)
		return keep_tail(&follow->tail, event);
	print_event(follow, event);
	return 0;
}

/* Whether it has the process, or has just lost it: who asks at each record misses none. */
static bool has_pid(const struct session *session, const struct sshobs_hdr *hdr, uint32_t pid)
{
	return model_find_process(session, pid) || (hdr->type == SSHOBS_EXIT && hdr->pid == pid);
}

static bool has_user(const struct options *options, const struct session *session)
{
	if (!options->by_user)
		return true;
	return !model_user_is_guess(session) &&
	       model_is_user(session, options->user, options->has_uid ? &options->uid : NULL);
}

static void judge(const struct options *options, struct session *session,
		  const struct sshobs_hdr *hdr)
{
	bool user;

	if (session->tag >= WANTED)
		return;
	user = has_user(options, session);
	if (!options->by_pid || has_pid(session, hdr, options->pid))
		session->tag = HAD_PID;
	if (session->tag == HAD_PID && user)
		session->tag = WANTED;
	else if (!user && session->user == USER_SETTLED)
		session->tag = UNWANTED;
}

/*
 * Once it is known that a session is wanted, its records until then come too. From then on
 * nobody asks for what it was: a session may be up for months.
 */
static int pass_session(struct follow *follow, struct session *session, const struct event *event)
{
	int err = 0;
	size_t i;

	judge(follow->options, session, event->hdr);
	for (i = 0; session->tag == WANTED && i < session->n_kept && !err; i++)
		err = pass(follow, &session->kept[i]);
	if (session->tag >= WANTED)
		model_drop_events(session);
	if (session->tag >= WANTED && session->records % PAST_EVERY == 0)
		model_drop_past(session);
	if (session->ended)
		model_drop_session(&follow->model, session);
	return err;
}

static int take(struct follow *follow, const struct event *event)
{
	struct session *session;
	int err;

	if (!follow->filtered)
		return pass(follow, event);
	err = model_fold(&follow->model, event, &session);
	if (err || !session)
		return err;
	return pass_session(follow, session, event);
}

/* All that is there now. */
static int drain(struct follow *follow)
{
	struct event event;
	int ret;

	do {
		ret = stream_next(follow->stream, &event);
		if (ret > 0)
			ret = take(follow, &event) ?: ret;
	} while (ret > 0 && !ferror(stdout));
	return ret < 0 ? ret : 0;
}

static int go_on(struct follow *follow)
{
	int err;

	do {
		if (fflush(stdout))
			return 0;
		err = stream_wait(follow->stream, STDOUT_FILENO, NULL);
		if (err == -EPIPE)
			return 0;
		err = err == -EINTR ? 0 : err;
		err = err ?: drain(follow);
	} while (!err && !ferror(stdout));
	return err;
}

static bool follows(const struct options *options)
{
	if (options->read)
		return false;
	return options->follow || (!options->has_lines && options->since_ns == INT64_MIN &&
				   options->until_ns == INT64_MAX);
}

static uint64_t lines_before(const struct options *options)
{
	if (options->has_lines)
		return options->lines;
	if (options->read || options->since_ns != INT64_MIN || options->until_ns != INT64_MAX)
		return LINES_ALL;
	return LINES_BEFORE;
}

/* The history first, or its last lines; then what comes. */
static int run(struct follow *follow)
{
	uint64_t lines = lines_before(follow->options);
	int err;

	/* More would not fit into memory; they are all there is anyway. */
	if (lines < 10000000) {
		follow->tail.size = lines ?: 1;
		follow->tail.events = calloc(follow->tail.size, sizeof(struct event));
		if (!follow->tail.events)
			return -ENOMEM;
	}
	err = drain(follow);
	if (follow->tail.size && !lines) {
		if (follow->tail.count)
			stream_free_copy(&follow->tail.events[0]);
		follow->tail.count = 0;
	}
	if (follow->tail.size)
		flush_tail(follow);
	if (err || !follows(follow->options))
		return err;
	return go_on(follow);
}

int command_follow(const struct options *options)
{
	struct follow follow = {
		.options = options,
		.filtered = options->by_pid || options->by_user,
	};
	int status, err;

	if (options->follow && options->read)
		return fail(STATUS_USAGE, "-f: a capture does not grow; leave out -f or -r");
	status = open_source(options, &follow.stream);
	if (status)
		return status;
	model_init(&follow.model, KEEP_ALL, true);
	err = run(&follow);
	warn_cut(options, follow.stream);
	if (err)
		status = read_failed(options, follow.stream, err);
	model_free(&follow.model);
	stream_close(follow.stream);
	return status;
}
