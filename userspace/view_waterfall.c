// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "format.h"
#include "term.h"
#include "view_waterfall.h"

/* As wide as this where there is no terminal. */
#define WIDTH	   100
/* The least that a bar is good for. */
#define MIN_CELLS  20
/* Names of processes are cut at this, and moved to the right no further than that. */
#define NAME_WIDTH 26
#define MAX_INDENT 5
/* Without -a, processes of less than this part of the login are left out. */
#define SMALL	   100

/* What one column of a bar stands for: ns of each kind in its time. */
struct cell {
	uint64_t cpu;
	uint64_t delay;
	uint64_t wait[WHOSE_UNKNOWN + 1];
};

/* A bar that is being made. */
struct chart {
	const struct story *story;
	struct cell *cells;
	size_t n_cells;
	size_t name_width;
};

static uint64_t cell_start(const struct chart *chart, size_t i)
{
	/* Of what is beyond 2^64 / 1000 ns, which is months, nobody sees the edges. */
	uint64_t whole = story_ns(chart->story);

	return chart->story->login.start_ns + whole / chart->n_cells * i +
	       whole % chart->n_cells * i / chart->n_cells;
}

static size_t cell_of(const struct chart *chart, uint64_t time_ns)
{
	size_t low = 0, high = chart->n_cells - 1;

	while (low < high) {
		size_t middle = (low + high + 1) / 2;

		if (cell_start(chart, middle) <= time_ns)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* What a time was: CPU time, waiting for a processor, or waiting for something else. */
enum kind {
	KIND_CPU,
	KIND_DELAY,
	KIND_WAIT,
};

static uint64_t *part_of(struct cell *cell, enum kind kind, enum whose whose)
{
	if (kind == KIND_CPU)
		return &cell->cpu;
	return kind == KIND_DELAY ? &cell->delay : &cell->wait[whose];
}

/* Add a time to the cells that it touches. */
static void add_time(struct chart *chart, uint64_t from, uint64_t to, enum kind kind,
		     enum whose whose)
{
	size_t i;

	for (i = cell_of(chart, from); from < to && i < chart->n_cells; i++) {
		uint64_t end = i + 1 < chart->n_cells ? cell_start(chart, i + 1) : to;
		uint64_t part = (end < to ? end : to) - from;

		*part_of(&chart->cells[i], kind, whose) += part;
		from += part;
	}
}

/* A process waits, is ready, and runs: a piece of time is drawn in this order. */
static void add_piece(struct chart *chart, uint64_t from, uint64_t to, const struct usage *used,
		      enum whose whose)
{
	uint64_t runs = to - (used->cpu_ns < to - from ? used->cpu_ns : to - from);
	uint64_t ready = runs - (used->delay_ns < runs - from ? used->delay_ns : runs - from);

	add_time(chart, from, ready, KIND_WAIT, whose);
	add_time(chart, ready, runs, KIND_DELAY, whose);
	add_time(chart, runs, to, KIND_CPU, whose);
}

/* clang-format off */
static const struct glyph {
	const char *utf8;
	const char *ascii;
	enum tint tint;
} shades[] = {	/* by quarters of CPU time */
	{ "░", "-", TINT_WARN },
	{ "▒", "+", TINT_NONE },
	{ "▓", "*", TINT_NONE },
	{ "█", "#", TINT_NONE },
}, others[] = {
	[WHOSE_CLIENT]	= { "·", ".", TINT_NAME },
	[WHOSE_NETWORK]	= { "─", "~", TINT_NAME },
	[WHOSE_UNKNOWN]	= { "?", "?", TINT_DIM },
}, lack = { "╳", "x", TINT_BAD };
/* clang-format on */

static uint64_t filled(const struct cell *cell)
{
	return cell->cpu + cell->delay + cell->wait[WHOSE_SERVER] + cell->wait[WHOSE_CLIENT] +
	       cell->wait[WHOSE_NETWORK] + cell->wait[WHOSE_UNKNOWN];
}

static const struct glyph *glyph_of(const struct cell *cell)
{
	uint64_t all = filled(cell);
	enum whose whose, most = WHOSE_SERVER;

	for (whose = WHOSE_CLIENT; whose <= WHOSE_UNKNOWN; whose++)
		if (cell->wait[whose] > cell->wait[most])
			most = whose;
	if (cell->delay > cell->cpu && cell->delay > cell->wait[most])
		return &lack;
	if (most != WHOSE_SERVER && cell->wait[most] > cell->cpu)
		return &others[most];
	return &shades[cell->cpu >= all ? 3 : cell->cpu / (all / 4 + 1)];
}

static void put_glyph(const struct glyph *glyph)
{
	const char *text = term_get()->utf8 ? glyph->utf8 : glyph->ascii;

	if (glyph->tint == TINT_NONE)
		fputs(text, stdout);
	else
		printf("%s%s%s", term_tint(glyph->tint), text, term_tint(TINT_NONE));
}

/* Cells that are at least half full are drawn; of a bar without any, the fullest is. */
static void put_bar(const struct chart *chart)
{
	uint64_t half = story_ns(chart->story) / chart->n_cells / 2;
	size_t i, fullest = 0, end = 0;

	for (i = 0; i < chart->n_cells; i++) {
		if (filled(&chart->cells[i]) > filled(&chart->cells[fullest]))
			fullest = i;
		if (filled(&chart->cells[i]) && filled(&chart->cells[i]) >= half)
			end = i + 1;
	}
	if (!end && filled(&chart->cells[fullest]))
		end = fullest + 1;
	for (i = 0; i < end; i++) {
		uint64_t ns = filled(&chart->cells[i]);

		if ((ns && ns >= half) || i == fullest)
			put_glyph(glyph_of(&chart->cells[i]));
		else
			putchar(' ');
	}
	putchar('\n');
}

static void put_row(struct chart *chart, const char *name, enum tint tint, uint64_t time_ns,
		    uint64_t cpu_ns)
{
	char time[FORMAT_MAX], cpu[FORMAT_MAX] = "-";
	size_t len = term_prefix(name, chart->name_width);
	size_t used = term_columns(name);
	size_t pad = used < chart->name_width ? chart->name_width - used : 0;

	if (cpu_ns)
		format_duration(cpu, cpu_ns);
	printf("%s%.*s%s%*s %8s %8s  ", tint == TINT_NONE ? "" : term_tint(tint), (int)len, name,
	       tint == TINT_NONE ? "" : term_tint(TINT_NONE), (int)pad, "",
	       format_duration(time, time_ns), cpu);
	put_bar(chart);
	memset(chart->cells, 0, chart->n_cells * sizeof(*chart->cells));
}

static void put_heading(const struct chart *chart, const char *name)
{
	char whole[FORMAT_MAX];

	format_duration(whole, story_ns(chart->story));
	printf("%-*s %8s %8s  0%*s\n", (int)chart->name_width, name, "TIME", "CPU",
	       (int)chart->n_cells - 1, whole);
}

static void put_phases(struct chart *chart)
{
	const struct story *story = chart->story;
	size_t i, at = 0;

	put_heading(chart, "PHASE");
	for (i = 0; i < story->login.n; i++) {
		const struct phase *phase = &story->login.phases[i];
		char name[FORMAT_MAX];

		for (; at < story->spans.n && story->spans.spans[at].phase == i; at++) {
			const struct span *span = &story->spans.spans[at];
			const struct usage used = { span->cpu_ns, span->delay_ns };

			add_piece(chart, span->start_ns, span->end_ns, &used, span->whose);
		}
		snprintf(name, sizeof(name), "%s", phase_name(phase->name));
		if (phase->name == PHASE_UNKNOWN)
			snprintf(name, sizeof(name), "unknown (%s-%s)", phase_name(phase->first),
				 phase_name(phase->last));
		put_row(chart, name, TINT_BOLD, phase_ns(phase), phase->shares.cpu_ns);
	}
}

/* What is drawn of each process, by its index, and in which order. */
struct bar {
	const struct process *process;
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t cpu_ns;
	struct bar *children;
	struct bar *last_child;
	struct bar *next;
	size_t first_slice; /* its slices are linked, newest first */
};

static void make_bar(struct bar *bar, const struct process *process, const struct login *login)
{
	uint64_t start = process->start_ns ?: login->start_ns;
	uint64_t end = process->end_ns ?: login->end_ns;

	bar->process = process;
	bar->start_ns = start > login->start_ns ? start : login->start_ns;
	bar->end_ns = end < login->end_ns ? end : login->end_ns;
	if (bar->end_ns < bar->start_ns)
		bar->end_ns = bar->start_ns;
	bar->first_slice = SIZE_MAX;
}

static void link_bar(struct bar *bars, struct bar *roots, const struct process *process)
{
	struct bar *bar = &bars[process->index];
	struct bar *parent = process->parent ? &bars[process->parent->index] : roots;

	if (parent->last_child)
		parent->last_child->next = bar;
	else
		parent->children = bar;
	parent->last_child = bar;
}

/* For each slice, the one of the same process before it. */
static void link_slices(const struct spans *spans, struct bar *bars, size_t *previous)
{
	size_t i;

	for (i = 0; i < spans->n_slices; i++) {
		const struct slice *slice = &spans->slices[i];
		struct bar *bar;

		if (!slice->process)
			continue;
		bar = &bars[slice->process->index];
		previous[i] = bar->first_slice;
		bar->first_slice = i;
		bar->cpu_ns += slice->used.cpu_ns;
	}
}

static char *name_of(const struct process *process)
{
	size_t indent = process->depth < MAX_INDENT ? process->depth : MAX_INDENT;
	char *name = NULL;
	size_t size;
	FILE *out = open_memstream(&name, &size);

	if (!out)
		return NULL;
	fprintf(out, "%*s", (int)indent, "");
	escape_string(out, process->comm);
	fprintf(out, "[%u]", process->pid);
	if (fclose(out)) {
		free(name);
		return NULL;
	}
	return name;
}

/* Its life is waiting, but for what it used in each of its slices. */
static int put_process(struct chart *chart, const struct bar *bar, const size_t *previous)
{
	const struct slice *slices = chart->story->spans.slices;
	uint64_t end = bar->end_ns;
	char *name = name_of(bar->process);
	size_t i;

	if (!name)
		return -ENOMEM;
	for (i = bar->first_slice; i != SIZE_MAX; i = previous[i]) {
		uint64_t from =
			slices[i].start_ns > bar->start_ns ? slices[i].start_ns : bar->start_ns;
		uint64_t to = slices[i].end_ns < end ? slices[i].end_ns : end;

		if (from >= to)
			continue;
		add_time(chart, to, end, KIND_WAIT, WHOSE_SERVER);
		add_piece(chart, from, to, &slices[i].used, WHOSE_SERVER);
		end = from;
	}
	add_time(chart, bar->start_ns, end, KIND_WAIT, WHOSE_SERVER);
	put_row(chart, name, TINT_NONE, bar->end_ns - bar->start_ns, bar->cpu_ns);
	free(name);
	return 0;
}

static bool is_worth_it(const struct bar *bar, const struct story *story, bool all)
{
	if (bar->process->start_ns >= story->login.end_ns)
		return false;
	return all || bar->end_ns - bar->start_ns >= story_ns(story) / SMALL;
}

/* Parents before children, as in the tree. */
static int walk_bars(struct chart *chart, struct bar *bars, const struct bar *roots,
		     const size_t *previous, bool all)
{
	const struct bar *bar = roots->children;
	size_t hidden = 0;
	int err = 0;

	while (bar && !err) {
		if (is_worth_it(bar, chart->story, all))
			err = put_process(chart, bar, previous);
		else
			hidden += bar->process->start_ns < chart->story->login.end_ns;
		if (bar->children) {
			bar = bar->children;
			continue;
		}
		while (!bar->next && bar->process->parent)
			bar = &bars[bar->process->parent->index];
		bar = bar->next;
	}
	if (hidden && !err)
		printf("%s%zu short process%s not shown; -a shows all%s\n", term_tint(TINT_DIM),
		       hidden, hidden == 1 ? " is" : "es are", term_tint(TINT_NONE));
	return err;
}

static int put_processes(struct chart *chart, bool all)
{
	const struct session *session = chart->story->session;
	struct bar *bars = calloc((size_t)session->n_processes + 1, sizeof(*bars));
	size_t *previous = calloc(chart->story->spans.n_slices + 1, sizeof(*previous));
	struct bar roots = { 0 };
	const struct process *process;
	int err = bars && previous ? 0 : -ENOMEM;

	for (process = session->processes; process && !err; process = process->next) {
		make_bar(&bars[process->index], process, &chart->story->login);
		link_bar(bars, &roots, process);
	}
	if (!err && session->processes) {
		link_slices(&chart->story->spans, bars, previous);
		put_heading(chart, "PROCESS");
		err = walk_bars(chart, bars, &roots, previous, all);
	}
	free(bars);
	free(previous);
	return err;
}

/* Where the login ended, under the end of the bars. */
static void put_end(const struct chart *chart)
{
	const struct login *login = &chart->story->login;
	const struct session *session = chart->story->session;
	const char *mark = term_get()->utf8 ? "▲" : "^";
	size_t left = chart->name_width + 18 + 2 + chart->n_cells;
	char text[FORMAT_MAX];

	if (login->end == LOGIN_PROMPT)
		snprintf(text, sizeof(text), "prompt on pts/%u", session->prompt_pts);
	else
		snprintf(text, sizeof(text), "%s",
			 login->end == LOGIN_COMMAND  ? "the command runs" :
			 login->end == LOGIN_READY    ? "let in; no program ran" :
			 login->end == LOGIN_GOING_ON ? "now; it goes on" :
							"it ended here");
	printf("%s%*s %s%s\n", term_tint(login->end == LOGIN_PROMPT ? TINT_GOOD : TINT_WARN),
	       (int)left - 2, text, mark, term_tint(TINT_NONE));
}

static void put_part(FILE *out, const char **separator, const char *name, uint64_t ns)
{
	char buf[FORMAT_MAX];

	if (!ns)
		return;
	fprintf(out, "%s%s %s", *separator, name, format_duration(buf, ns));
	*separator = ", ";
}

static void write_totals(FILE *out, const struct story *story, const struct totals *totals)
{
	const char *separator = ": ";
	char buf[FORMAT_MAX];

	fputs(format_duration(buf, story_ns(story)), out);
	put_part(out, &separator, "network", totals->network_ns);
	put_part(out, &separator, "authentication", totals->auth_ns);
	put_part(out, &separator, "session set-up", totals->session_ns);
	put_part(out, &separator, "shell", totals->shell_ns);
	put_part(out, &separator, "unknown", totals->unknown_ns);
}

static void write_shares(FILE *out, const struct story *story, const struct totals *totals)
{
	const struct shares *shares = &totals->shares;
	const char *separator = "";

	(void)story;
	put_part(out, &separator, "CPU", shares->cpu_ns);
	put_part(out, &separator, "no CPU for", shares->delay_ns);
	put_part(out, &separator, "the server waited", shares->wait_ns);
	put_part(out, &separator, "waited for the client or its person", shares->client_ns);
	put_part(out, &separator, "network", shares->network_ns);
	put_part(out, &separator, "unknown", shares->unknown_ns);
}

static int put_total(const struct story *story, const char *key,
		     void (*write)(FILE *out, const struct story *story,
				   const struct totals *totals))
{
	struct totals totals;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	story_totals(story, &totals);
	write(out, story, &totals);
	if (fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	printf("%s%7s:%s ", term_tint(TINT_KEY), key, term_tint(TINT_NONE));
	term_wrap(text, 9, TINT_NONE);
	free(text);
	return 0;
}

static void put_legend(void)
{
	static const char *const utf8 =
		"█ computes  ░ waits  ╳ gets no CPU  · waits for the client  ─ network  ? unknown";
	static const char *const ascii =
		"# computes  - waits  x gets no CPU  . waits for the client  ~ network  ? unknown";

	term_wrap(term_get()->utf8 ? utf8 : ascii, 0, TINT_DIM);
}

int view_waterfall(const struct story *story, bool all)
{
	size_t width = term_get()->width ? (size_t)term_get()->width : WIDTH;
	struct chart chart = { .story = story, .name_width = NAME_WIDTH };
	size_t taken;
	int err;

	if (width < WIDTH - 10)
		chart.name_width = NAME_WIDTH - 6;
	taken = chart.name_width + 2 * 9 + 2;
	chart.n_cells = width > taken + MIN_CELLS ? width - taken : MIN_CELLS;
	if (chart.n_cells > 1000)
		chart.n_cells = 1000;
	chart.cells = calloc(chart.n_cells, sizeof(*chart.cells));
	if (!chart.cells)
		return -ENOMEM;
	put_phases(&chart);
	err = put_processes(&chart, all);
	free(chart.cells);
	if (err)
		return err;
	put_end(&chart);
	put_legend();
	return put_total(story, "Total", write_totals) ?: put_total(story, "Of it", write_shares);
}
