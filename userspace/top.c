// SPDX-License-Identifier: GPL-2.0
/*
 * sshobs top: what it shows, and when.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "format.h"
#include "phases.h"
#include "term.h"
#include "top.h"
#include "top_screen.h"

#define DELAY_NS  (3 * (uint64_t)NS_PER_SEC)
/* Records that are taken before the keys are looked at again. */
#define DRAIN_MAX 10000
/* After this long the device is looked at again: it may have a record every microsecond. */
#define PAUSE_NS  50000000ULL

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* These are delivered only while it waits, so that none is missed before it does. */
static void catch_signals(sigset_t *waiting)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = stop };
	sigset_t blocked;
	size_t i;

	sigemptyset(&blocked);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		sigaddset(&blocked, ends[i]);
		sigaction(ends[i], &action, NULL);
	}
	sigaddset(&blocked, SIGWINCH);
	sigprocmask(SIG_BLOCK, &blocked, waiting);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigdelset(waiting, ends[i]);
	sigdelset(waiting, SIGWINCH);
}

static bool is_live(const struct top *top)
{
	return stream_origin(top->stream)->live;
}

/* --- the data */

/* Take what there is, but not for too long; return 1 if there may be more, or an error. */
static int drain(struct top *top)
{
	struct session *session;
	struct event event;
	int ret = 0, i;

	for (i = 0; i < DRAIN_MAX; i++) {
		ret = stream_next(top->stream, &event);
		if (ret <= 0)
			return ret;
		ret = model_fold(&top->model, &event, &session);
		if (ret)
			return ret;
		if (session && session->ended)
			model_drop_session(&top->model, session);
	}
	return 1;
}

static bool is_wanted(const struct options *options, const struct session *session)
{
	if (session->ended)
		return false;
	if (options->by_pid && !model_find_process(session, options->pid))
		return false;
	return !options->by_user ||
	       model_is_user(session, options->user, options->has_uid ? &options->uid : NULL);
}

static bool is_tagged(const struct session *session)
{
	return session->tag & TOP_WANTED;
}

/* A session that was not there before is unfolded if all are. */
static void tag_sessions(struct top *top)
{
	struct session *session;

	for (session = top->model.sessions; session; session = session->hh.next) {
		size_t tag = session->tag & TOP_WANTED;

		if (!is_wanted(top->options, session)) {
			session->tag &= ~(size_t)TOP_WANTED;
			continue;
		}
		session->tag |= TOP_WANTED;
		if (!tag && top->unfold_all)
			session->tag |= TOP_UNFOLDED;
	}
}

/*
 * This may run for weeks, and some sessions do. Once it was seen how the login went, only what
 * is alive is shown.
 */
static void forget_past(struct top *top)
{
	struct session *session;
	struct login login;

	for (session = top->model.sessions; session; session = session->hh.next) {
		if (!(session->tag & TOP_SETTLED)) {
			phases_cut(&top->model, session, &login);
			if (login.n && login.end == LOGIN_GOING_ON)
				continue;
			session->tag |= TOP_SETTLED;
		}
		model_drop_past(session);
	}
}

static bool is_same(const struct top_row *a, const struct top_row *b)
{
	return a->kind == b->kind && a->session == b->session && a->pid == b->pid &&
	       a->start_ns == b->start_ns;
}

/* Where a row is now; if it is gone, that of its session; else about where it was. */
static size_t find_row(const struct top_rows *rows, const struct top_row *wanted, size_t before)
{
	size_t i, session = SIZE_MAX;

	for (i = 0; i < rows->n; i++) {
		if (is_same(&rows->rows[i], wanted))
			return i;
		if (rows->rows[i].kind == ROW_SESSION && rows->rows[i].session == wanted->session)
			session = i;
	}
	if (session != SIZE_MAX)
		return session;
	return before < rows->n ? before : rows->n ? rows->n - 1 : 0;
}

int top_make_rows(struct top *top)
{
	struct top_rows old = top->rows;
	int err;

	err = top_rows_make(&top->rows, &top->model, &top->readings, top->sort,
			    stream_origin(top->stream)->local);
	if (top->selected < old.n)
		top->selected = find_row(&top->rows, &old.rows[top->selected], top->selected);
	top_rows_free(&old);
	return err;
}

/*
 * Drop what ended in records that were overwritten. The module knows how many sessions are up,
 * also of those of which the ring holds nothing.
 */
static int settle(struct top *top)
{
	const struct session *session;
	struct sshobs_stats stats;
	int err = stream_stats(top->stream, &stats);
	/* What was told since has to be in both counts, and so has what ended since it was read. */
	int more = drain(top);
	uint64_t told = 0;

	if (!more)
		readings_drop_gone(&top->readings, &top->model);
	for (session = top->model.sessions; session; session = session->hh.next)
		told += !session->ended;
	top->hidden = !err && stats.sessions > told ? stats.sessions - told : 0;
	return err ?: more < 0 ? more : 0;
}

/* Read all anew. */
static int update(struct top *top)
{
	int err;

	if (is_live(top))
		top->model.now_ns = now_monotonic_ns();
	tag_sessions(top);
	forget_past(top);
	err = readings_take(&top->readings, &top->model, is_tagged);
	if (!err && is_live(top))
		err = settle(top);
	/* From here, so that a slow machine is not kept busy with nothing else. */
	top->next_ns = now_monotonic_ns() + top->delay_ns;
	return err ?: top_make_rows(top);
}

/* --- the loop */

/* How long to wait, and whether for the device too. */
static struct timespec wait_time(const struct top *top, bool *device)
{
	uint64_t now = now_monotonic_ns();
	uint64_t until = top->next_ns;

	*device = is_live(top) && now >= top->pause_ns;
	if (is_live(top) && !*device && top->pause_ns < until)
		until = top->pause_ns;
	until = until > now ? until - now : 0;
	return (struct timespec){ (time_t)(until / NS_PER_SEC), (long)(until % NS_PER_SEC) };
}

/* Wait for a key, a record, a signal, or the time; return 0, or -EPIPE: nobody is there. */
static int wait_for_more(struct top *top, const sigset_t *waiting)
{
	bool batch = top->options->batch, device;
	struct timespec time = wait_time(top, &device);
	struct pollfd fds[] = {
		{ .fd = batch ? STDOUT_FILENO : STDIN_FILENO, .events = batch ? 0 : POLLIN },
		{ .fd = device ? stream_device(top->stream) : -1, .events = POLLIN },
	};

	if (ppoll(fds, 2, &time, waiting) < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL))
		return -EPIPE;
	if (fds[1].revents)
		top->pause_ns = now_monotonic_ns() + PAUSE_NS;
	return 0;
}

static int show(struct top *top, bool first)
{
	int err;

	if (!top->options->batch)
		return top_draw_screen(top);
	err = top_draw_batch(top, first);
	if (fflush(stdout) && !err)
		err = -EPIPE;
	return err;
}

/* One turn: what came, the reading that is due, the screen that changed by it, the wait. */
static int turn(struct top *top, const sigset_t *waiting, bool *first)
{
	bool due = now_monotonic_ns() >= top->next_ns;
	int more = drain(top), keys = 0, err = 0;

	/* Of a capture that is damaged, what came before is shown. */
	if (more < 0 && !*first)
		return more;
	if (!top->options->batch)
		keys = top_keys(top);
	if (keys < 0 || top->quit)
		return keys < 0 ? keys : 0;
	/* The first screen has all that there was. */
	due = due && !(more > 0 && *first);
	if (due)
		err = update(top);
	if (!err && (due || (keys && !*first)))
		err = show(top, *first);
	if (due) {
		*first = false;
		top->frames -= top->frames != LINES_ALL;
	}
	if (err || more < 0)
		return err ?: more;
	if (more || !top->frames)
		return 0;
	return wait_for_more(top, waiting);
}

static int run(struct top *top)
{
	bool first = true;
	sigset_t waiting;
	int err = 0;

	catch_signals(&waiting);
	while (!err && !stopped && !top->quit && top->frames)
		err = turn(top, &waiting, &first);
	return err == -EPIPE ? 0 : err;
}

static int run_failed(const struct top *top, int err)
{
	if (err == -EPERM)
		return fail(
			STATUS_NOT_PERMITTED,
			"top: not permitted to read processes; run it as root, with CAP_SYS_PTRACE");
	return read_failed(top->options, top->stream, err);
}

static int check_options(const struct options *options)
{
	if (options->n_args)
		return fail(STATUS_USAGE,
			    "top: takes no argument; for one login: sshobs top -p PID");
	if (options->output != OUTPUT_SHORT)
		return fail(STATUS_USAGE, "-o: not with top; see: sshobs list -o json");
	if (options->since_ns != INT64_MIN || options->until_ns != INT64_MAX)
		return fail(STATUS_USAGE, "-S, -U: top shows what is up now; see: sshobs list");
	if (options->sort && top_sort_find(options->sort) == N_SORTS)
		return fail(STATUS_USAGE,
			    "--sort=%s: no such order; start, idle, rtt, bytes or fds",
			    options->sort);
	if (!options->batch && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		return fail(
			STATUS_USAGE,
			"top: no terminal; print screens as plain text with: sshobs top -b -n 1");
	return 0;
}

/* A capture does not change: one screen of it is all there is. */
static uint64_t frames_of(const struct options *options)
{
	if (options->has_lines)
		return options->lines;
	return options->batch && options->read ? 1 : LINES_ALL;
}

static int open_screen(const struct options *options)
{
	int err = options->batch ? 0 : screen_open(term_get()->color);

	if (err == -ENOTTY)
		return fail(STATUS_FAILURE,
			    "top: a terminal of type %s cannot do it; set TERM, or use -b",
			    getenv("TERM") ?: "unknown");
	return err ? fail(STATUS_FAILURE, "top: %s", strerror(-err)) : 0;
}

int command_top(const struct options *options)
{
	struct top top = {
		.options = options,
		.delay_ns = options->delay_ns ?: DELAY_NS,
		.frames = frames_of(options),
		.unfold_all = options->all,
		.sort = options->sort ? top_sort_find(options->sort) : SORT_START,
		.help = true,
	};
	int status = check_options(options), err;

	status = status ?: open_source(options, &top.stream);
	if (status)
		return status;
	model_init(&top.model, KEEP_NONE, false);
	top.readings.device = is_live(&top) ? stream_device(top.stream) : -1;
	status = open_screen(options);
	if (!status) {
		err = run(&top);
		screen_close();
		warn_cut(options, top.stream);
		status = err ? run_failed(&top, err) : 0;
	}
	top_rows_free(&top.rows);
	readings_free(&top.readings);
	model_free(&top.model);
	stream_close(top.stream);
	return status;
}
