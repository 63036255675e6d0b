// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "format.h"
#include "term.h"
#include "view_timeline.h"
#include "words.h"

/* A gap of this length is one that a person feels. */
#define LONG_GAP_NS 100000000ULL
/* Events that are shown of a session without a prompt. */
#define MAX_EVENTS  500
/* A terminal of fewer columns has no room for the CPU time. */
#define NARROW	    100

/* CPU time that a thread had consumed at its newest record, and how long it had got none. */
struct thread {
	uint32_t tid;
	uint64_t time_ns;
	uint64_t cpu_ns;
	uint64_t delay_ns;
	UT_hash_handle hh;
};

/* One line of the output. The texts are safe for a terminal. */
struct row {
	char offset[24];
	char gap[40];
	enum tint gap_tint;
	char cpu[24];
	char *process;
	char *event;
	enum tint event_tint;
};

/* Where an event belongs in the time line. */
struct place {
	const struct event *event;
	uint64_t time_ns; /* when it happened, which may be before it was told */
	uint64_t missing; /* records of the session that are missing before it */
};

/* What the time line knows while it walks. */
struct walk {
	const struct origin *origin;
	struct place *places; /* by time */
	struct event *events; /* the same events, one after the other */
	size_t n_events;
	struct thread *threads;
	uint64_t start_ns;
	uint64_t previous_ns;
	struct row *rows;
	size_t n_rows;
};

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* Remember what the thread had consumed; return the entry as it was, or NULL. */
static const struct thread *note_thread(struct walk *walk, const struct event *event,
					struct thread *before)
{
	const struct sshobs_hdr *hdr = event->hdr;
	uint32_t tid = hdr->tid;
	struct thread *thread;
	bool known;

	HASH_FIND(hh, walk->threads, &tid, sizeof(tid), thread);
	known = thread;
	if (!known) {
		thread = calloc(1, sizeof(*thread));
		if (!thread)
			return NULL;
		thread->tid = tid;
		HASH_ADD(hh, walk->threads, tid, sizeof(thread->tid), thread);
	} else {
		*before = *thread;
	}
	thread->time_ns = hdr->time_ns;
	/* How a connect ended is told elsewhere while the thread runs, and not of its newest time. */
	if (!known || hdr->type != SSHOBS_CONNECT || hdr->cpu_ns > thread->cpu_ns)
		thread->cpu_ns = hdr->cpu_ns;
	thread->delay_ns = event_run_delay(event);
	return known ? before : NULL;
}

/* A child begins with no CPU time. */
static void note_birth(struct walk *walk, const struct event *clone)
{
	struct sshobs_hdr hdr = {
		.hdr_len = sizeof(hdr),
		.tid = clone->clone->child,
		.time_ns = clone->hdr->time_ns,
	};
	struct event event = { .hdr = &hdr };
	struct thread unused;

	if (!clone->clone->how)
		note_thread(walk, &event, &unused);
}

/*
 * What a long gap was, as far as the thread that ended it can tell: for more than half
 * of it no processor took the thread; or it computed for less than a fifth of it, or for
 * more than four fifths; or neither is sure.
 */
static const char *name_gap(uint64_t gap, uint64_t interval, uint64_t cpu, uint64_t delay)
{
	if (interval < gap)
		return "";
	if (delay > interval - gap && delay - (interval - gap) > gap / 2)
		return "no cpu ";
	if (cpu < gap / 5)
		return "wait ";
	if (cpu > interval - gap && cpu - (interval - gap) > gap / 5 * 4)
		return "cpu ";
	return "";
}

static struct row *add_row(struct walk *walk)
{
	struct row *rows = walk->rows;

	if ((walk->n_rows & (walk->n_rows - 1)) == 0) {
		rows = reallocarray(rows, walk->n_rows ? 2 * walk->n_rows : 1, sizeof(*rows));
		if (!rows)
			return NULL;
		walk->rows = rows;
	}
	memset(&rows[walk->n_rows], 0, sizeof(*rows));
	return &rows[walk->n_rows++];
}

/* A row that says something about the time line itself. */
static int add_note(struct walk *walk, const char *text, enum tint tint)
{
	struct row *row = add_row(walk);

	if (!row)
		return -ENOMEM;
	row->event = strdup(text);
	row->event_tint = tint;
	return row->event ? 0 : -ENOMEM;
}

/* When it happened, and how long after the line before; @name says what that gap was. */
static void put_time(struct walk *walk, struct row *row, uint64_t time_ns, const char *name)
{
	uint64_t offset = since(time_ns, walk->start_ns);
	uint64_t gap = since(time_ns, walk->previous_ns);
	char buf[FORMAT_MAX];

	snprintf(row->offset, sizeof(row->offset), "%llu.%06llu",
		 (unsigned long long)(offset / NS_PER_SEC),
		 (unsigned long long)(offset % NS_PER_SEC / 1000));
	if (walk->previous_ns) {
		snprintf(row->gap, sizeof(row->gap), "%s%.30s", name, format_duration(buf, gap));
		row->gap_tint = gap >= (uint64_t)NS_PER_SEC ? TINT_BAD :
				gap >= LONG_GAP_NS	    ? TINT_WARN :
							      TINT_DIM;
	}
	walk->previous_ns = time_ns;
}

static void put_times(struct walk *walk, struct row *row, const struct event *event)
{
	const struct sshobs_hdr *hdr = event->hdr;
	uint64_t gap = since(hdr->time_ns, walk->previous_ns);
	struct thread before;
	const struct thread *thread = note_thread(walk, event, &before);
	uint64_t interval = thread ? since(hdr->time_ns, thread->time_ns) : 0;
	uint64_t cpu = thread ? since(hdr->cpu_ns, thread->cpu_ns) : 0;
	uint64_t delay = thread ? since(event_run_delay(event), thread->delay_ns) : 0;
	char buf[FORMAT_MAX];

	put_time(walk, row, hdr->time_ns,
		 gap >= LONG_GAP_NS ? name_gap(gap, interval, cpu, delay) : "");
	if (thread)
		snprintf(row->cpu, sizeof(row->cpu), "%.20s", format_duration(buf, cpu));
}

static int put_process(struct row *row, const struct sshobs_hdr *hdr)
{
	size_t size;
	FILE *out;

	if (!hdr->pid)
		return 0;
	out = open_memstream(&row->process, &size);
	if (!out)
		return -ENOMEM;
	escape_put(out, hdr->comm, strnlen(hdr->comm, SSHOBS_COMM_LEN));
	fprintf(out, "[%u]", hdr->pid);
	return fclose(out) ? -ENOMEM : 0;
}

static int put_event(struct row *row, const struct step *step, bool local)
{
	size_t size;
	FILE *out = open_memstream(&row->event, &size);

	if (!out)
		return -ENOMEM;
	row->event_tint = words_put(out, step, local);
	return fclose(out) ? -ENOMEM : 0;
}

static int put_missing(struct walk *walk, uint64_t missing)
{
	char buf[FORMAT_MAX];

	if (!missing)
		return 0;
	snprintf(buf, sizeof(buf), "%llu record%s missing here", (unsigned long long)missing,
		 missing == 1 ? " is" : "s are");
	return add_note(walk, buf, TINT_BAD);
}

/* What the network sent is told when the network answers, and not by a process. */
static bool is_out(const struct event *event)
{
	return event->hdr->type == SSHOBS_WIRE && event->wire->direction == SSHOBS_WIRE_OUT;
}

/* One record tells of the first packet and of the third one. */
static int put_handshake(struct walk *walk, const struct step *step)
{
	uint64_t syn_ns = step->first->established->syn_ns;
	struct row *row;

	if (syn_ns >= walk->start_ns && syn_ns) {
		row = add_row(walk);
		if (!row)
			return -ENOMEM;
		put_time(walk, row, syn_ns, "");
		row->event = strdup("SYN");
		row->event_tint = TINT_DIM;
		if (!row->event)
			return -ENOMEM;
	}
	row = add_row(walk);
	if (!row)
		return -ENOMEM;
	put_time(walk, row, walk->places[step->first - walk->events].time_ns, "");
	return put_event(row, step, walk->origin->local);
}

static int put_step(struct walk *walk, const struct step *step)
{
	const struct event *event = step->last;
	struct row *row;

	if (put_missing(walk, walk->places[step->first - walk->events].missing))
		return -ENOMEM;
	if (event->hdr->type == SSHOBS_ESTABLISHED)
		return put_handshake(walk, step);
	row = add_row(walk);
	if (!row)
		return -ENOMEM;
	if (is_out(event) || event_is_reading(event)) {
		put_time(walk, row, walk->places[event - walk->events].time_ns, "");
		return put_process(row, event->hdr) ?: put_event(row, step, walk->origin->local);
	}
	put_times(walk, row, event);
	if (event->hdr->type == SSHOBS_CLONE)
		note_birth(walk, event);
	return put_process(row, event->hdr) ?: put_event(row, step, walk->origin->local);
}

/* What is always told: the end, however long the session was. */
static bool is_final(const struct event *event)
{
	return event->hdr->type == SSHOBS_CLOSE || event->hdr->type == SSHOBS_END;
}

/* The last of the readings that were taken at a prompt. */
static size_t find_readings(const struct walk *walk, size_t prompt)
{
	size_t last = prompt, i;

	for (i = prompt + 1; i < walk->n_events && i < MAX_EVENTS; i++) {
		if (walk->events[i].hdr->type == SSHOBS_PROMPT)
			break;
		if (!event_is_reading(&walk->events[i]))
			continue;
		last = i;
		if (walk->events[i].reading->flags & SSHOBS_READING_LAST)
			break;
	}
	return last;
}

/* Where the story of the login ends: after the first prompt, or a page or two. */
static size_t find_cut(const struct walk *walk)
{
	size_t i;

	for (i = 0; i < walk->n_events && i < MAX_EVENTS; i++)
		if (walk->events[i].hdr->type == SSHOBS_PROMPT)
			return find_readings(walk, i) + 1;
	return i;
}

static int put_hidden(struct walk *walk, size_t cut)
{
	size_t hidden = 0;
	char buf[FORMAT_MAX];
	size_t i;

	for (i = cut; i < walk->n_events; i++)
		hidden += !is_final(&walk->events[i]);
	if (!hidden)
		return 0;
	snprintf(buf, sizeof(buf), "%zu more event%s; -a shows all", hidden,
		 hidden == 1 ? "" : "s");
	return add_note(walk, buf, TINT_DIM);
}

/* Go past an event that is not shown. */
static void pass_event(struct walk *walk, const struct event *event)
{
	struct thread unused;

	walk->previous_ns = event->hdr->time_ns;
	note_thread(walk, event, &unused);
}

static int walk_events(struct walk *walk, size_t cut)
{
	size_t i = 0;
	int err = 0;

	while (i < walk->n_events && !err) {
		const struct event *event = &walk->events[i];
		struct step step = { event, event, 1 };

		if (i == cut)
			err = put_hidden(walk, cut);
		if (i++ >= cut && !is_final(event)) {
			pass_event(walk, event);
			continue;
		}
		while (i < walk->n_events && i < cut && words_join(&step, &walk->events[i])) {
			step.last = &walk->events[i++];
			step.count++;
		}
		/* The events are still the walk's. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		err = err ?: put_step(walk, &step);
	}
	return err;
}

static uint64_t when(const struct event *event, uint64_t start_ns)
{
	uint64_t told_ns = event->hdr->time_ns;
	uint64_t ns = told_ns;

	if (event->hdr->type == SSHOBS_ESTABLISHED)
		ns = event->established->established_ns;
	else if (is_out(event))
		ns = event->wire->net_ns;
	return ns >= start_ns && ns < told_ns ? ns : told_ns;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->event < y->event ? -1 : x->event > y->event;
}

/* Put the events in the order in which they happened. */
static int find_places(struct walk *walk, const struct session *session)
{
	uint64_t next_seq = 1;
	size_t i;

	walk->n_events = session->n_kept;
	walk->places = calloc(walk->n_events + 1, sizeof(*walk->places));
	walk->events = calloc(walk->n_events + 1, sizeof(*walk->events));
	if (!walk->places || !walk->events)
		return -ENOMEM;
	for (i = 0; i < walk->n_events; i++) {
		struct place *place = &walk->places[i];

		place->event = &session->kept[i];
		place->time_ns = when(place->event, walk->start_ns);
		place->missing = since(place->event->hdr->session_seq, next_seq);
		next_seq = place->event->hdr->session_seq + 1;
	}
	qsort(walk->places, walk->n_events, sizeof(*walk->places), compare_places);
	for (i = 0; i < walk->n_events; i++)
		walk->events[i] = *walk->places[i].event;
	return 0;
}

/* Columns that the texts before the event take, each with a blank after it. */
struct widths {
	size_t offset;
	size_t gap;
	size_t cpu;
	size_t process;
};

static size_t wider(size_t width, const char *text)
{
	size_t columns = text ? term_columns(text) : 0;

	return columns > width ? columns : width;
}

static struct widths measure(const struct walk *walk)
{
	struct widths widths = { strlen("OFFSET"), strlen("GAP"), strlen("CPU"),
				 strlen("PROCESS") };
	int width = term_get()->width;
	size_t i;

	for (i = 0; i < walk->n_rows; i++) {
		widths.offset = wider(widths.offset, walk->rows[i].offset);
		widths.gap = wider(widths.gap, walk->rows[i].gap);
		widths.cpu = wider(widths.cpu, walk->rows[i].cpu);
		widths.process = wider(widths.process, walk->rows[i].process);
	}
	/* What happened matters more. */
	if (width && width < NARROW)
		widths.cpu = 0;
	return widths;
}

static void print_cell(const char *text, size_t width, bool right, enum tint tint)
{
	int pad = (int)(width - wider(0, text));

	printf("%*s%s%s%s%*s ", right ? pad : 0, "", tint == TINT_NONE ? "" : term_tint(tint),
	       text ? text : "", tint == TINT_NONE ? "" : term_tint(TINT_NONE), right ? 0 : pad,
	       "");
}

static void print_row(const struct row *row, const struct widths *widths)
{
	size_t indent = widths->offset + widths->gap + widths->process + 3;

	print_cell(row->offset, widths->offset, true, TINT_NONE);
	print_cell(row->gap, widths->gap, true, row->gap_tint);
	if (widths->cpu) {
		print_cell(row->cpu, widths->cpu, true, TINT_DIM);
		indent += widths->cpu + 1;
	}
	print_cell(row->process, widths->process, false, TINT_NONE);
	term_wrap(row->event ? row->event : "", indent, row->event_tint);
}

static void print_rows(const struct walk *walk)
{
	static char process[] = "PROCESS", event[] = "EVENT";
	const struct row head = { "OFFSET", "GAP", TINT_NONE, "CPU", process, event, TINT_NONE };
	struct widths widths = measure(walk);
	size_t i;

	print_row(&head, &widths);
	for (i = 0; i < walk->n_rows; i++)
		print_row(&walk->rows[i], &widths);
}

static void free_walk(struct walk *walk)
{
	struct thread *thread = walk->threads, *next;
	size_t i;

	HASH_CLEAR(hh, walk->threads);
	for (; thread; thread = next) {
		next = thread->hh.next;
		free(thread);
	}
	for (i = 0; i < walk->n_rows; i++) {
		free(walk->rows[i].process);
		free(walk->rows[i].event);
	}
	free(walk->rows);
	free(walk->places);
	free(walk->events);
}

int view_timeline(const struct session *session, const struct origin *origin, bool all)
{
	struct walk walk = {
		.origin = origin,
		.start_ns = model_begins_ns(session),
	};
	int err = find_places(&walk, session);

	err = err ?: walk_events(&walk, all ? SIZE_MAX : find_cut(&walk));
	if (!err)
		print_rows(&walk);
	free_walk(&walk);
	return err;
}
