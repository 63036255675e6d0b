// SPDX-License-Identifier: GPL-2.0
/*
 * sshobs top: the loop, and the keys.
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
#include "escape.h"
#include "format.h"
#include "model.h"
#include "term.h"
#include "top_readings.h"
#include "top_rows.h"
#include "top_screen.h"
#include "top_view.h"

#define DELAY_NS  (3 * (uint64_t)NS_PER_SEC)
/* Records that are taken before the keys are looked at again. */
#define DRAIN_MAX 10000
/* After this long the device is looked at again: it may have a record every microsecond. */
#define PAUSE_NS  50000000ULL

/**
 * struct top - the whole of it
 * @options: the command line
 * @stream: where the records come from
 * @model: what they told
 * @readings: what was read beside them
 * @rows: what is shown
 * @sort: their order
 * @delay_ns: between two readings
 * @next_ns: when the next one is due
 * @pause_ns: until when the device is not looked at
 * @hidden: sessions that are up, and of which the ring holds nothing any more
 * @frames: screens that are still to be shown; LINES_ALL: no end
 * @selected: index of a row
 * @first: index of the row at the top of the screen
 * @unfold_all: sessions that come are unfolded
 * @help: the line of help is shown
 * @asked: the delay that is being typed; empty when none is
 * @asking: it is
 * @quit: a key said so
 */
struct top {
	const struct options *options;
	struct stream *stream;
	struct model model;
	struct readings readings;
	struct top_rows rows;
	enum top_sort sort;
	uint64_t delay_ns;
	uint64_t next_ns;
	uint64_t pause_ns;
	uint64_t hidden;
	uint64_t frames;
	size_t selected;
	size_t first;
	bool unfold_all;
	bool help;
	bool asking;
	char asked[16];
	bool quit;
};

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

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
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

	for (session = top->model.sessions; session; session = session->next) {
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

/* Make the rows anew; the selection stays with what it was on. */
static int make_rows(struct top *top)
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

/* The module knows how many are up, also of those whose records were overwritten. */
static int count_hidden(struct top *top)
{
	const struct session *session;
	struct sshobs_stats stats;
	int err = stream_stats(top->stream, &stats);
	uint64_t told = 0;

	/* What was told since has to be in both counts. */
	err = err ?: drain(top);
	for (session = top->model.sessions; session; session = session->next)
		told += !session->ended;
	top->hidden = !err && stats.sessions > told ? stats.sessions - told : 0;
	return err < 0 ? err : 0;
}

/* Read all anew. */
static int update(struct top *top)
{
	int err = is_live(top) ? count_hidden(top) : 0;

	if (err)
		return err;
	if (is_live(top))
		top->model.now_ns = monotonic_ns();
	tag_sessions(top);
	err = readings_take(&top->readings, &top->model, is_tagged);
	/* From here, so that a slow machine is not kept busy with nothing else. */
	top->next_ns = monotonic_ns() + top->delay_ns;
	return err ?: make_rows(top);
}

/* --- drawing */

static void put_title(FILE *out, const struct top *top)
{
	const struct origin *origin = stream_origin(top->stream);
	const struct top_rows *rows = &top->rows;
	char day[FORMAT_MAX];
	int64_t now = (int64_t)(top->model.now_ns + (uint64_t)origin->realtime_offset_ns);

	/* "MM-DD HH:MM:SS" */
	format_start(day, now, true);
	fputs("sshobs top - ", out);
	escape_string(out, origin->host);
	fprintf(out, " %s: %zu session%s", strchr(day, ' ') + 1, rows->sessions,
		rows->sessions == 1 ? "" : "s");
	if (top->hidden)
		fprintf(out, " +%llu lost by the ring", (unsigned long long)top->hidden);
	fprintf(out, ", %zu authenticating, %zu process%s", rows->outside, rows->processes,
		rows->processes == 1 ? "" : "es");
	if (top->model.lost)
		fprintf(out, ", %llu records lost", (unsigned long long)top->model.lost);
}

static int draw_title(const struct canvas *canvas, const struct layout *layout,
		      const struct top *top)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	put_title(out, top);
	if (fclose(out) == 0)
		top_view_text(canvas, layout, text,
			      top->model.lost || top->hidden ? TINT_WARN : TINT_BOLD);
	free(text);
	return 0;
}

static void put_plain(void *to, const char *text, enum tint tint)
{
	(void)tint;
	fputs(text, to);
}

static void end_plain(void *to)
{
	fputc('\n', to);
}

/* Columns that batch mode has: as top(1), those of the environment; else as many as it takes. */
static size_t batch_width(void)
{
	const char *text = getenv("COLUMNS");
	uint64_t columns;

	if (text && parse_number(text, 10000, &columns) && columns)
		return columns;
	return SIZE_MAX;
}

static int draw_batch(const struct top *top, bool first)
{
	struct canvas canvas = { put_plain, end_plain, stdout };
	struct layout layout;
	size_t i;
	int err;

	top_view_layout(&layout, &top->rows, batch_width());
	if (!first)
		putchar('\n');
	err = draw_title(&canvas, &layout, top);
	top_view_heads(&canvas, &layout);
	for (i = 0; i < top->rows.n; i++)
		top_view_row(&canvas, &layout, &top->rows.rows[i]);
	return err;
}

/* Lines that the rows have, between title, headings and help. */
static size_t page(const struct top *top)
{
	size_t lines, columns, others = 2 + (top->help || top->asking);

	screen_size(&lines, &columns);
	return lines > others ? lines - others : 1;
}

/* The selected row is on the screen, with its headings where it is the first below them. */
static void scroll_to_selected(struct top *top)
{
	size_t lines = page(top);
	size_t from = top->selected;

	if (from && lines > 1 && from < top->rows.n && top->rows.rows[from - 1].kind == ROW_HEAD)
		from--;
	if (top->first > from)
		top->first = from;
	if (top->selected >= top->first + lines)
		top->first = top->selected - lines + 1;
	/* No empty lines at the end while there are rows above. */
	if (top->first + lines > top->rows.n)
		top->first = top->rows.n > lines ? top->rows.n - lines : 0;
}

static void draw_last_line(const struct canvas *canvas, const struct layout *layout,
			   const struct top *top)
{
	char text[160];

	if (top->asking)
		snprintf(text, sizeof(text), "Delay in seconds (now %.1f): %s_",
			 (double)top->delay_ns / NS_PER_SEC, top->asked);
	else
		snprintf(text, sizeof(text),
			 "q quit  Enter fold  a all  s sort: %s  d delay: %.1fs  h hide  arrows "
			 "PgUp PgDn Home End",
			 top_sort_name(top->sort), (double)top->delay_ns / NS_PER_SEC);
	top_view_text(canvas, layout, text, TINT_BOLD);
}

static void draw_rows(const struct canvas *canvas, const struct layout *layout,
		      const struct top *top)
{
	size_t i, end = top->first + page(top);

	for (i = top->first; i < end && i < top->rows.n; i++) {
		if (i == top->selected)
			screen_mark();
		top_view_row(canvas, layout, &top->rows.rows[i]);
	}
	if (!top->rows.n)
		top_view_text(canvas, layout, "no sessions are up", TINT_DIM);
}

static int draw_screen(struct top *top)
{
	struct canvas canvas = { screen_put, screen_end, NULL };
	struct layout layout;
	size_t lines, columns;
	int err;

	screen_size(&lines, &columns);
	scroll_to_selected(top);
	top_view_layout(&layout, &top->rows, columns);
	screen_begin();
	err = draw_title(&canvas, &layout, top);
	screen_mark();
	top_view_heads(&canvas, &layout);
	draw_rows(&canvas, &layout, top);
	if (top->help || top->asking) {
		screen_skip_to(lines - 1);
		draw_last_line(&canvas, &layout, top);
	}
	screen_show();
	return err;
}

/* --- keys */

/* Headings are not selected. */
static void select_near(struct top *top, size_t index, bool down)
{
	if (!top->rows.n)
		return;
	if (index >= top->rows.n)
		index = top->rows.n - 1;
	if (top->rows.rows[index].kind == ROW_HEAD)
		index += down ? 1 : -1;
	top->selected = index;
}

static bool move_key(struct top *top, int key)
{
	size_t at = top->selected, lines = page(top);

	switch (key) {
	case SCREEN_UP:
	case 'k':
		select_near(top, at ? at - 1 : 0, false);
		return true;
	case SCREEN_DOWN:
	case 'j':
		select_near(top, at + 1, true);
		return true;
	case SCREEN_PAGE_UP:
		select_near(top, at > lines ? at - lines : 0, false);
		return true;
	case SCREEN_PAGE_DOWN:
		select_near(top, at + lines, true);
		return true;
	case SCREEN_HOME:
		select_near(top, 0, true);
		return true;
	case SCREEN_END:
		select_near(top, SIZE_MAX, false);
		return true;
	}
	return false;
}

/* On a process, its session is folded and selected. */
static void fold_selected(struct top *top)
{
	struct session *session;

	if (top->selected >= top->rows.n)
		return;
	session = model_find(&top->model, top->rows.rows[top->selected].session);
	if (session)
		session->tag ^= TOP_UNFOLDED;
}

static void fold_all(struct top *top)
{
	struct session *session;

	top->unfold_all = !top->unfold_all;
	for (session = top->model.sessions; session; session = session->next)
		session->tag = top->unfold_all ? session->tag | TOP_UNFOLDED :
						 session->tag & ~(size_t)TOP_UNFOLDED;
}

/* While a delay is typed. */
static void ask_key(struct top *top, int key)
{
	size_t len = strlen(top->asked);
	uint64_t delay;

	if (key == SCREEN_ESCAPE) {
		top->asking = false;
	} else if (key == SCREEN_ENTER) {
		/* Nothing typed, or no time: it stays as it was. */
		if (parse_delay(top->asked, &delay)) {
			top->delay_ns = delay;
			top->next_ns = monotonic_ns();
		}
		top->asking = false;
	} else if (key == SCREEN_BACKSPACE && len) {
		top->asked[len - 1] = '\0';
	} else if (((key >= '0' && key <= '9') || key == '.') && len + 1 < sizeof(top->asked)) {
		top->asked[len] = (char)key;
		top->asked[len + 1] = '\0';
	}
}

/* Return 1 if the rows change by it. */
static int command_key(struct top *top, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
		top->quit = true;
		return 0;
	case SCREEN_ENTER:
	case ' ':
		fold_selected(top);
		return 1;
	case 'a':
		fold_all(top);
		return 1;
	case 's':
		top->sort = (top->sort + 1) % N_SORTS;
		return 1;
	case 'd':
		top->asking = true;
		top->asked[0] = '\0';
		return 0;
	case 'h':
	case '?':
		top->help = !top->help;
		return 0;
	}
	return 0;
}

/* Take all keys that were pressed; return 1 if there were any, or -errno. */
static int take_keys(struct top *top)
{
	int key, err = 0, any = 0;

	while (!err && !top->quit && (key = screen_key()) != SCREEN_NO_KEY) {
		any = 1;
		if (top->asking)
			ask_key(top, key);
		else if (!move_key(top, key) && command_key(top, key))
			err = make_rows(top);
	}
	return err ?: any;
}

/* --- the loop */

/* How long to wait, and whether for the device too. */
static struct timespec wait_time(const struct top *top, bool *device)
{
	uint64_t now = monotonic_ns();
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
		top->pause_ns = monotonic_ns() + PAUSE_NS;
	return 0;
}

static int show(struct top *top, bool first)
{
	int err;

	if (!top->options->batch)
		return draw_screen(top);
	err = draw_batch(top, first);
	if (fflush(stdout) && !err)
		err = -EPIPE;
	return err;
}

/* One turn: what came, the reading that is due, the screen that changed by it, the wait. */
static int turn(struct top *top, const sigset_t *waiting, bool *first)
{
	bool due = monotonic_ns() >= top->next_ns;
	int more = drain(top), keys = 0, err = 0;

	if (more < 0)
		return more;
	if (!top->options->batch)
		keys = take_keys(top);
	if (keys < 0 || top->quit)
		return keys < 0 ? keys : 0;
	/* The first screen has all that there was. */
	due = due && !(more && *first);
	if (due)
		err = update(top);
	if (!err && (due || (keys && !*first)))
		err = show(top, *first);
	if (due) {
		*first = false;
		top->frames -= top->frames != LINES_ALL;
	}
	if (err || more || !top->frames)
		return err;
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
