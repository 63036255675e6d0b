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

/* CPU time that a thread had consumed at its newest record. */
struct thread {
	uint32_t tid;
	uint64_t time_ns;
	uint64_t cpu_ns;
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

/* What the time line knows while it walks. */
struct walk {
	const struct origin *origin;
	struct thread *threads;
	uint64_t start_ns;
	uint64_t previous_ns;
	uint64_t next_seq;
	struct row *rows;
	size_t n_rows;
};

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* Remember what the thread had consumed; return the entry as it was, or NULL. */
static const struct thread *note_thread(struct walk *walk, uint32_t tid, uint64_t time_ns,
					uint64_t cpu_ns, struct thread *before)
{
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
	thread->time_ns = time_ns;
	thread->cpu_ns = cpu_ns;
	return known ? before : NULL;
}

/*
 * What a long gap was, as far as the thread that ended it can tell: it computed
 * for less than a fifth of it, or for more than four fifths, or neither is sure.
 */
static const char *name_gap(uint64_t gap, uint64_t interval, uint64_t cpu)
{
	if (interval < gap)
		return "";
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

static void put_times(struct walk *walk, struct row *row, const struct sshobs_hdr *hdr)
{
	uint64_t offset = since(hdr->time_ns, walk->start_ns);
	uint64_t gap = since(hdr->time_ns, walk->previous_ns);
	struct thread before;
	const struct thread *thread =
		note_thread(walk, hdr->tid, hdr->time_ns, hdr->cpu_ns, &before);
	uint64_t interval = thread ? since(hdr->time_ns, thread->time_ns) : 0;
	uint64_t cpu = thread ? since(hdr->cpu_ns, thread->cpu_ns) : 0;
	char buf[FORMAT_MAX];

	snprintf(row->offset, sizeof(row->offset), "%llu.%06llu",
		 (unsigned long long)(offset / NS_PER_SEC),
		 (unsigned long long)(offset % NS_PER_SEC / 1000));
	if (walk->previous_ns) {
		snprintf(row->gap, sizeof(row->gap), "%s%.30s",
			 gap >= LONG_GAP_NS ? name_gap(gap, interval, cpu) : "",
			 format_duration(buf, gap));
		row->gap_tint = gap >= (uint64_t)NS_PER_SEC ? TINT_BAD :
				gap >= LONG_GAP_NS	    ? TINT_WARN :
							      TINT_DIM;
	}
	if (thread)
		snprintf(row->cpu, sizeof(row->cpu), "%.20s", format_duration(buf, cpu));
	walk->previous_ns = hdr->time_ns;
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

static int put_missing(struct walk *walk, const struct sshobs_hdr *hdr)
{
	uint64_t missing = hdr->session_seq - walk->next_seq;
	char buf[FORMAT_MAX];

	if (hdr->session_seq <= walk->next_seq)
		return 0;
	snprintf(buf, sizeof(buf), "%llu record%s missing here", (unsigned long long)missing,
		 missing == 1 ? " is" : "s are");
	return add_note(walk, buf, TINT_BAD);
}

static int put_step(struct walk *walk, const struct step *step)
{
	const struct event *event = step->last;
	struct thread unused;
	struct row *row;

	if (put_missing(walk, step->first->hdr))
		return -ENOMEM;
	walk->next_seq = event->hdr->session_seq + 1;
	row = add_row(walk);
	if (!row)
		return -ENOMEM;
	put_times(walk, row, event->hdr);
	/* A child begins with no CPU time. */
	if (event->hdr->type == SSHOBS_CLONE && !event->clone->how)
		note_thread(walk, event->clone->child, event->hdr->time_ns, 0, &unused);
	return put_process(row, event->hdr) ?: put_event(row, step, walk->origin->local);
}

/* What is always told: the end, however long the session was. */
static bool is_final(const struct event *event)
{
	return event->hdr->type == SSHOBS_CLOSE || event->hdr->type == SSHOBS_END;
}

/* Where the story of the login ends: after the first prompt, or a page or two. */
static size_t find_cut(const struct session *session)
{
	size_t i;

	for (i = 0; i < session->n_kept && i < MAX_EVENTS; i++)
		if (session->kept[i].hdr->type == SSHOBS_PROMPT)
			return i + 1;
	return i;
}

static int put_hidden(struct walk *walk, const struct session *session, size_t cut)
{
	size_t hidden = 0;
	char buf[FORMAT_MAX];
	size_t i;

	for (i = cut; i < session->n_kept; i++)
		hidden += !is_final(&session->kept[i]);
	if (!hidden)
		return 0;
	snprintf(buf, sizeof(buf), "%zu more event%s; -a shows all", hidden,
		 hidden == 1 ? "" : "s");
	return add_note(walk, buf, TINT_DIM);
}

/* Go past an event that is not shown. */
static void pass_event(struct walk *walk, const struct sshobs_hdr *hdr)
{
	struct thread unused;

	walk->previous_ns = hdr->time_ns;
	walk->next_seq = hdr->session_seq + 1;
	note_thread(walk, hdr->tid, hdr->time_ns, hdr->cpu_ns, &unused);
}

static int walk_events(struct walk *walk, const struct session *session, size_t cut)
{
	size_t i = 0;
	int err = 0;

	while (i < session->n_kept && !err) {
		const struct event *event = &session->kept[i];
		struct step step = { event, event, 1 };

		if (i == cut)
			err = put_hidden(walk, session, cut);
		if (i++ >= cut && !is_final(event)) {
			pass_event(walk, event->hdr);
			continue;
		}
		while (i < session->n_kept && i < cut && words_join(&step, &session->kept[i])) {
			step.last = &session->kept[i++];
			step.count++;
		}
		err = err ?: put_step(walk, &step);
	}
	return err;
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
	struct thread *thread, *next;
	size_t i;

	HASH_ITER(hh, walk->threads, thread, next) {
		HASH_DEL(walk->threads, thread);
		free(thread);
	}
	for (i = 0; i < walk->n_rows; i++) {
		free(walk->rows[i].process);
		free(walk->rows[i].event);
	}
	free(walk->rows);
}

int view_timeline(const struct session *session, const struct origin *origin, bool all)
{
	struct walk walk = {
		.origin = origin,
		.start_ns = session->start_ns,
		.next_seq = 1,
	};
	int err = walk_events(&walk, session, all ? SIZE_MAX : find_cut(session));

	if (!err)
		print_rows(&walk);
	free_walk(&walk);
	return err;
}
