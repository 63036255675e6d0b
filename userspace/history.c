// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "format.h"
#include "history.h"
#include "model.h"
#include "proc.h"
#include "story.h"
#include "term.h"
#include "view_blame.h"
#include "view_diff.h"
#include "view_json.h"
#include "view_list.h"
#include "view_negotiation.h"
#include "view_timeline.h"
#include "view_tree.h"
#include "view_waterfall.h"

/* All that the ring or the capture holds; a damaged end spares what was before. */
int read_history(const struct options *options, struct stream *stream, struct model *model)
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
		model->now_ns = now_monotonic_ns();
	warn_cut(options, stream);
	return ret ? read_failed(options, stream, ret) : 0;
}

/* Whether -u, -p, -S and -U want the session. */
static bool wanted(const struct options *options, const struct model *model,
		   const struct session *session, const struct origin *origin)
{
	uint64_t offset = (uint64_t)origin->realtime_offset_ns;

	if (options->by_user &&
	    !model_is_user(session, options->user, options->has_uid ? &options->uid : NULL))
		return false;
	if (options->by_pid && !model_had_process(session, options->pid))
		return false;
	return (int64_t)(session->start_ns + offset) <= options->until_ns &&
	       (int64_t)(model_ends_ns(model, session) + offset) >= options->since_ns;
}

/* The sessions that were asked for; free() them; NULL: there was no memory. */
static struct session **pick(const struct options *options, const struct model *model,
			     const struct origin *origin, size_t *n_picked)
{
	struct session **array = calloc(HASH_COUNT(model->sessions) + 1, sizeof(*array));
	struct session *session;
	size_t n = 0, skip;

	if (!array)
		return NULL;
	for (session = model->sessions; session; session = session->hh.next)
		if (wanted(options, model, session, origin))
			array[n++] = session;
	skip = options->has_lines && options->lines < n ? n - options->lines : 0;
	memmove(array, array + skip, (n - skip) * sizeof(*array));
	*n_picked = n - skip;
	return array;
}

static int print_list(const struct options *options, const struct model *model,
		      const struct origin *origin)
{
	size_t n, i;
	struct session **sessions = pick(options, model, origin, &n);
	int err = 0;

	if (!sessions)
		return fail(STATUS_FAILURE, "list: %s", strerror(ENOMEM));
	if (options->output == OUTPUT_JSON) {
		for (i = 0; i < n; i++)
			view_json_session(model, sessions[i], origin, false, NULL);
	} else if (n) {
		term_page(options);
		err = view_list(model, sessions, n, origin);
	} else if (!options->quiet) {
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

/* The session that one of our ancestors is in: the one that is typed in. */
static struct session *find_self(const struct model *model)
{
	struct session *session;
	uint32_t pid;

	for (pid = (uint32_t)getpid(); pid > 1; pid = proc_stat(pid, PROC_PPID))
		for (session = model->sessions; session; session = session->hh.next)
			if (model_find_process(session, pid))
				return session;
	return NULL;
}

static struct session *find_last(const struct options *options, const struct model *model,
				 const struct origin *origin)
{
	struct session *session, *last = NULL;

	for (session = model->sessions; session; session = session->hh.next)
		if (wanted(options, model, session, origin) && (!last || session->id > last->id))
			last = session;
	return last;
}

static int not_found(const struct options *options, const char *what)
{
	return fail(STATUS_FAILURE, "%s; see: sshobs list%s%s", what, options->read ? " -r " : "",
		    options->read ?: "");
}

int find_session(const struct options *options, const struct model *model,
		 const struct origin *origin, const char *name, struct session **session)
{
	char text[FORMAT_MAX];
	uint64_t id;

	if (strcmp(name, "self") == 0) {
		if (!origin->live)
			return fail(STATUS_USAGE,
				    "self: not in a capture; see: sshobs list -r FILE");
		*session = find_self(model);
		if (!*session)
			return not_found(options,
					 "self: this shell is in no session that the ring holds");
	} else if (strcmp(name, "last") == 0) {
		*session = find_last(options, model, origin);
		if (!*session)
			return not_found(options, "no such session");
	} else {
		*session = parse_number(name, UINT64_MAX, &id) ? model_find(model, id) : NULL;
		snprintf(text, sizeof(text), "session %.40s: not found", name);
		if (!*session)
			return not_found(options, text);
	}
	return 0;
}

/* The most sessions that a command looks at. */
#define MAX_IDS 2

/* What a command prints. */
struct shown {
	const struct options *options;
	const struct model *model;
	const struct origin *origin;
	struct session *sessions[MAX_IDS];
};

/**
 * struct view - a command that looks at sessions one by one
 * @name: of the command
 * @usage: what it is called with
 * @n_ids: how many sessions it wants
 * @events: it tells of their events
 * @print: prints them; returns 0 or -errno
 */
struct view {
	const char *name;
	const char *usage;
	int n_ids;
	bool events;
	int (*print)(const struct shown *shown);
};

static bool is_id(const char *text)
{
	uint64_t id;

	return strcmp(text, "last") == 0 || strcmp(text, "self") == 0 ||
	       parse_number(text, UINT64_MAX, &id);
}

static int check_ids(const struct options *options, const struct view *view)
{
	int i;

	/* Without an ID, -p or -u must name the one session. */
	if (!options->n_args && view->n_ids == 1 && (options->by_pid || options->by_user))
		return 0;
	if (options->n_args > view->n_ids)
		return fail(STATUS_USAGE, "%s: too many sessions; usage: sshobs %s", view->name,
			    view->usage);
	if (options->n_args < view->n_ids)
		return fail(STATUS_USAGE,
			    "%s: which session%s? a number, last or self; see: sshobs list",
			    view->name, view->n_ids == 1 ? "" : "s");
	for (i = 0; i < options->n_args; i++)
		if (!is_id(options->args[i]))
			return fail(STATUS_USAGE, "%s: not a session; a number, last or self",
				    options->args[i]);
	return 0;
}

/* Events are kept for one session only, if it can be known which. */
static enum model_keep keep_for(const struct options *options, const struct view *view)
{
	bool filtered = options->by_pid || options->by_user || options->since_ns != INT64_MIN ||
			options->until_ns != INT64_MAX;

	if (!view->events)
		return KEEP_NONE;
	if (view->n_ids == 1 && options->n_args && strcmp(options->args[0], "last") == 0 &&
	    !filtered)
		return KEEP_NEWEST;
	return KEEP_ALL;
}

static int find_sessions(const struct view *view, struct shown *shown)
{
	const struct options *options = shown->options;
	int i, status = 0;

	for (i = 0; i < view->n_ids && !status; i++)
		status = find_session(options, shown->model, shown->origin,
				      options->n_args ? options->args[i] : "last",
				      &shown->sessions[i]);
	return status;
}

static int run_view(const struct options *options, const struct view *view)
{
	struct shown shown = { .options = options };
	struct stream *stream;
	struct model model;
	int status = check_ids(options, view);
	int found = 0, err = 0;

	status = status ?: open_source(options, &stream);
	if (status)
		return status;
	model_init(&model, keep_for(options, view), false);
	status = read_history(options, stream, &model);
	shown.model = &model;
	shown.origin = stream_origin(stream);
	/* What came before a damage is shown all the same. */
	if (!status || model.sessions) {
		found = find_sessions(view, &shown);
		if (!found && options->output != OUTPUT_JSON)
			term_page(options);
		err = found ? 0 : view->print(&shown);
		status = found ?: status;
	}
	if (err)
		status = fail(STATUS_FAILURE, "%s: %s", view->name, strerror(-err));
	model_free(&model);
	stream_close(stream);
	return status;
}

static int print_show_text(const struct shown *shown, const struct story *story)
{
	struct session *session = shown->sessions[0];
	bool all = shown->options->all;
	int err = 0;

	view_summary(shown->model, session, shown->origin);
	if (session->negotiation)
		err = view_negotiation(session->negotiation, all);
	putchar('\n');
	if (story->login.n) {
		err = err ?: view_waterfall(story, all);
		putchar('\n');
	}
	err = err ?: view_timeline(session, shown->origin, all);
	if (!err && session->processes) {
		putchar('\n');
		err = view_process_table(shown->model, session, shown->origin, all);
	}
	return err;
}

static int print_show(const struct shown *shown)
{
	struct story story;
	int err = story_tell(shown->model, shown->sessions[0], &story);

	if (!err && shown->options->output == OUTPUT_JSON)
		view_json_session(shown->model, shown->sessions[0], shown->origin, true, &story);
	else if (!err)
		err = print_show_text(shown, &story);
	story_free(&story);
	return err;
}

static int print_tree(const struct shown *shown)
{
	struct session *session = shown->sessions[0];

	if (shown->options->output != OUTPUT_JSON)
		return view_tree(session, shown->origin, shown->options->all);
	view_json_session(shown->model, session, shown->origin, true, NULL);
	return 0;
}

static int print_blame(const struct shown *shown)
{
	struct story story;
	int err = story_tell(shown->model, shown->sessions[0], &story);

	if (!err && shown->options->output == OUTPUT_JSON)
		err = view_blame_json(&story, shown->origin);
	else if (!err)
		err = view_blame(&story, shown->options->all);
	story_free(&story);
	return err;
}

static int print_diff(const struct shown *shown)
{
	struct story a, b = { 0 };
	int err = story_tell(shown->model, shown->sessions[0], &a);

	err = err ?: story_tell(shown->model, shown->sessions[1], &b);
	if (!err && shown->options->output == OUTPUT_JSON)
		err = view_diff_json(&a, &b, shown->origin);
	else if (!err)
		err = view_diff(&a, &b, shown->options->all);
	story_free(&a);
	story_free(&b);
	return err;
}

int command_show(const struct options *options)
{
	static const struct view view = { "show", "show ID", 1, true, print_show };

	return run_view(options, &view);
}

int command_tree(const struct options *options)
{
	static const struct view view = { "tree", "tree ID", 1, false, print_tree };

	return run_view(options, &view);
}

int command_blame(const struct options *options)
{
	static const struct view view = { "blame", "blame ID", 1, true, print_blame };

	return run_view(options, &view);
}

int command_diff(const struct options *options)
{
	static const struct view view = { "diff", "diff ID ID", 2, true, print_diff };

	return run_view(options, &view);
}
