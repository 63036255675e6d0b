// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "format.h"
#include "top.h"
#include "top_screen.h"
#include "top_view.h"

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

int top_draw_batch(const struct top *top, bool first)
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
size_t top_page(const struct top *top)
{
	size_t lines, columns, others = 2 + (top->help || top->asking);

	screen_size(&lines, &columns);
	return lines > others ? lines - others : 1;
}

/* The selected row is on the screen, with its headings where it is the first below them. */
static void scroll_to_selected(struct top *top)
{
	size_t lines = top_page(top);
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
	size_t i, end = top->first + top_page(top);

	for (i = top->first; i < end && i < top->rows.n; i++) {
		if (i == top->selected)
			screen_mark();
		top_view_row(canvas, layout, &top->rows.rows[i]);
	}
	if (!top->rows.n)
		top_view_text(canvas, layout, "no sessions are up", TINT_DIM);
}

int top_draw_screen(struct top *top)
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
