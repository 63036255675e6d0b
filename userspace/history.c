// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "format.h"
#include "model.h"
#include "term.h"
#include "view_json.h"
#include "view_list.h"
#include "view_negotiation.h"
#include "view_timeline.h"
#include "view_tree.h"

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* All that the ring or the capture holds; a damaged end spares what was before. */
static int read_history(const struct options *options, struct stream *stream, struct model *model)
{
	struct event event;
	int ret;

	do {
		ret = stream_next(stream, &event);
		if (ret > 0) {
			int err = model_fold(model, &event, NULL);

			ret = err ?: ret;
		}
	} while (ret > 0);
	if (stream_origin(stream)->live)
		model->now_ns = monotonic_ns();
	warn_cut(options, stream);
	return ret ? read_failed(options, stream, ret) : 0;
}

/* Whether -u, -p, -S and -U want the session. */
static bool wanted(const struct options *options, const struct model *model,
		   const struct session *session, const struct origin *origin)
{
	uint64_t offset = (uint64_t)origin->realtime_offset_ns;
	uint32_t uid;

	if (options->by_user && (!model_user(session, &uid) || uid != options->uid))
		return false;
	if (options->by_pid && !model_had_process(session, options->pid))
		return false;
	return (int64_t)(session->start_ns + offset) <= options->until_ns &&
	       (int64_t)(model_ends_ns(model, session) + offset) >= options->since_ns;
}

static size_t pick(const struct options *options, const struct model *model,
		   const struct origin *origin, struct session ***picked)
{
	size_t n = 0, skip;
	struct session *session, **array;

	array = calloc(HASH_COUNT(model->by_id) + 1, sizeof(struct session *));
	*picked = array;
	if (!array)
		return 0;
	for (session = model->sessions; session; session = session->next)
		if (wanted(options, model, session, origin))
			array[n++] = session;
	skip = options->has_lines && options->lines < n ? n - options->lines : 0;
	memmove(array, array + skip, (n - skip) * sizeof(struct session *));
	return n - skip;
}

static int print_list(const struct options *options, const struct model *model,
		      const struct origin *origin)
{
	struct session **sessions;
	size_t n = pick(options, model, origin, &sessions);
	size_t i;
	int err = sessions ? 0 : -ENOMEM;

	if (options->output == OUTPUT_JSON) {
		for (i = 0; i < n; i++)
			view_json_session(model, sessions[i], origin, false);
	} else if (n) {
		term_page(options);
		err = view_list(model, sessions, n, origin);
	} else if (!err && !options->quiet) {
		say("no sessions; log in, or widen -S, -U, -u and -p");
	}
	free(sessions);
	return err ? fail(STATUS_FAILURE, "list: %s", strerror(-err)) : 0;
}

int command_list(const struct options *options)
{
	bool forget = !options->by_pid;
	struct stream *stream;
	struct model model;
	int status;

	if (options->n_args)
		return fail(STATUS_USAGE,
			    "list: takes no argument; for one session: sshobs show %s",
			    options->args[0]);
	status = open_source(options, &stream);
	if (status)
		return status;
	model_init(&model, KEEP_NONE, forget);
	status = read_history(options, stream, &model);
	if (!status || model.sessions)
		status = print_list(options, &model, stream_origin(stream)) ?: status;
	model_free(&model);
	stream_close(stream);
	return status;
}

static uint32_t parent_of(uint32_t pid)
{
	char path[64], line[512];
	uint32_t ppid = 0;
	const char *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	/* "PID (COMM) STATE PPID": COMM may hold anything, so look from its end. */
	if (fgets(line, sizeof(line), file)) {
		end = strrchr(line, ')');
		if (!end || sscanf(end, ") %*c %u", &ppid) != 1)
			ppid = 0;
	}
	fclose(file);
	return ppid;
}

/* The session that one of our ancestors is in: the one that is typed in. */
static struct session *find_self(const struct model *model)
{
	struct session *session;
	uint32_t pid;

	for (pid = (uint32_t)getpid(); pid > 1; pid = parent_of(pid))
		for (session = model->sessions; session; session = session->next)
			if (model_find_process(session, pid))
				return session;
	return NULL;
}

static struct session *find_last(const struct options *options, const struct model *model,
				 const struct origin *origin)
{
	struct session *session, *last = NULL;

	for (session = model->sessions; session; session = session->next)
		if (wanted(options, model, session, origin) && (!last || session->id > last->id))
			last = session;
	return last;
}

/* What the argument names; without one, -p or -u must. */
static int find_session(const struct options *options, const struct model *model,
			const struct origin *origin, struct session **session)
{
	const char *name = options->n_args ? options->args[0] : "last";
	uint64_t id;

	if (strcmp(name, "self") == 0) {
		if (!origin->live)
			return fail(STATUS_USAGE,
				    "self: not in a capture; see: sshobs list -r FILE");
		*session = find_self(model);
		if (!*session)
			return fail(
				STATUS_FAILURE,
				"self: this shell is in no session that the ring holds; see: sshobs list");
	} else if (strcmp(name, "last") == 0) {
		*session = find_last(options, model, origin);
		if (!*session)
			return fail(STATUS_FAILURE, "no such session; see: sshobs list%s%s",
				    options->read ? " -r " : "", options->read ?: "");
	} else {
		*session = parse_number(name, UINT64_MAX, &id) ? model_find(model, id) : NULL;
		if (!*session)
			return fail(STATUS_FAILURE, "session %s: not found; see: sshobs list%s%s",
				    name, options->read ? " -r " : "", options->read ?: "");
	}
	return 0;
}

static int check_id(const struct options *options, const char *command)
{
	uint64_t id;

	if (options->n_args > 1)
		return fail(STATUS_USAGE, "%s: one session at a time; usage: sshobs %s ID", command,
			    command);
	if (!options->n_args && !options->by_pid && !options->by_user)
		return fail(STATUS_USAGE,
			    "%s: which session? a number, last or self; see: sshobs list", command);
	if (options->n_args && strcmp(options->args[0], "last") != 0 &&
	    strcmp(options->args[0], "self") != 0 &&
	    !parse_number(options->args[0], UINT64_MAX, &id))
		return fail(STATUS_USAGE, "%s: not a session; a number, last or self",
			    options->args[0]);
	return 0;
}

/* Events are kept for one session only, if it can be known which. */
static enum model_keep keep_for(const struct options *options)
{
	bool filtered = options->by_pid || options->by_user || options->since_ns != INT64_MIN ||
			options->until_ns != INT64_MAX;

	if (options->n_args && strcmp(options->args[0], "last") == 0 && !filtered)
		return KEEP_NEWEST;
	return KEEP_ALL;
}

typedef int (*print_session)(const struct options *options, const struct model *model,
			     struct session *session, const struct origin *origin);

static int one_session(const struct options *options, const char *command, bool events,
		       print_session print)
{
	struct session *session = NULL;
	struct stream *stream;
	struct model model;
	int status = check_id(options, command);
	int found;

	status = status ?: open_source(options, &stream);
	if (status)
		return status;
	model_init(&model, events ? keep_for(options) : KEEP_NONE, false);
	status = read_history(options, stream, &model);
	if (!status || model.sessions) {
		found = find_session(options, &model, stream_origin(stream), &session);
		status = found ?: status;
	}
	if (session && options->output == OUTPUT_JSON)
		view_json_session(&model, session, stream_origin(stream), true);
	else if (session)
		status = print(options, &model, session, stream_origin(stream)) ?: status;
	model_free(&model);
	stream_close(stream);
	return status;
}

static int print_show(const struct options *options, const struct model *model,
		      struct session *session, const struct origin *origin)
{
	int err;

	term_page(options);
	view_summary(model, session, origin);
	err = session->negotiation ? view_negotiation(session->negotiation, options->all) : 0;
	putchar('\n');
	err = err ?: view_timeline(session, origin, options->all);
	if (!err && session->processes) {
		putchar('\n');
		err = view_process_table(model, session, origin, options->all);
	}
	return err ? fail(STATUS_FAILURE, "show: %s", strerror(-err)) : 0;
}

static int print_tree(const struct options *options, const struct model *model,
		      struct session *session, const struct origin *origin)
{
	int err;

	(void)model;
	term_page(options);
	err = view_tree(session, origin, options->all);
	return err ? fail(STATUS_FAILURE, "tree: %s", strerror(-err)) : 0;
}

int command_show(const struct options *options)
{
	return one_session(options, "show", true, print_show);
}

int command_tree(const struct options *options)
{
	return one_session(options, "tree", false, print_tree);
}
