// SPDX-License-Identifier: GPL-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "top_view.h"

/* What stands before the rows of processes. */
#define INDENT 2

/**
 * struct heading - a column
 * @name: its heading
 * @least: columns that it takes, if its texts are not longer
 * @most: columns that longer texts get, unless there is room in plenty
 * @right: numbers
 */
struct heading {
	const char *name;
	size_t least;
	size_t most;
	bool right;
};

static const struct heading session_headings[N_SESSION_CELLS] = {
	[CELL_ID] = { "ID", 2, 20, true },	[CELL_USER] = { "USER", 4, 8, false },
	[CELL_PEER] = { "PEER", 4, 15, false }, [CELL_PORT] = { "PORT", 5, 5, true },
	[CELL_TTY] = { "TTY", 5, 8, false },	[CELL_STATE] = { "STATE", 5, 9, false },
	[CELL_RTT] = { "RTT", 6, 6, true },	[CELL_RETRANS] = { "RETRANS", 7, 7, true },
	[CELL_IN] = { "IN", 5, 5, true },	[CELL_OUT] = { "OUT", 5, 5, true },
	[CELL_IDLE] = { "IDLE", 5, 6, true },	[CELL_PROCS] = { "PROCS", 5, 6, true },
	[CELL_FDS] = { "FDS", 4, 5, true },	[CELL_WHAT] = { "WHAT", 12, 12, false },
};

static const struct heading process_headings[N_PROCESS_CELLS] = {
	[CELL_PID] = { "PID", 7, 7, true },
	[CELL_OWNER] = { "USER", 8, 8, false },
	[CELL_LETTER] = { "S", 1, 1, false },
	[CELL_CPU] = { "CPU%", 5, 6, true },
	[CELL_RSS] = { "RSS", 5, 5, true },
	[CELL_OPEN] = { "FDS", 8, 15, true },
	[CELL_COMMAND] = { "COMMAND", 10, 10, false },
};

/* Who gets room first. */
static const enum session_cell ranks[N_SESSION_CELLS] = {
	CELL_ID,  CELL_STATE, CELL_USER, CELL_WHAT, CELL_IDLE,	CELL_RTT,     CELL_PEER,
	CELL_FDS, CELL_IN,    CELL_OUT,	 CELL_TTY,  CELL_PROCS, CELL_RETRANS, CELL_PORT,
};

static size_t clamp(size_t n, size_t least, size_t most)
{
	return n < least ? least : n > most ? most : n;
}

/* The widest text of a column. */
static size_t widest(const struct top_rows *rows, enum top_row_kind kind, size_t cell)
{
	size_t i, columns, most = 0;

	for (i = 0; i < rows->n; i++) {
		if (rows->rows[i].kind != kind)
			continue;
		columns = term_columns(rows->rows[i].cells[cell].text);
		if (columns > most)
			most = columns;
	}
	return most;
}

/* What is left goes to those whose texts are cut, the first ones first; the last gets the rest. */
static void spread(size_t left, size_t *widths, const size_t *wants, size_t n)
{
	size_t i, more;

	for (i = 0; i + 1 < n; i++) {
		if (!widths[i] || wants[i] <= widths[i])
			continue;
		more = clamp(wants[i] - widths[i], 0, left);
		widths[i] += more;
		left -= more;
	}
	if (widths[n - 1])
		widths[n - 1] += left;
}

static void lay_sessions(struct layout *layout, const struct top_rows *rows)
{
	size_t wants[N_SESSION_CELLS];
	size_t left = layout->width, i;

	for (i = 0; i < N_SESSION_CELLS; i++) {
		enum session_cell cell = ranks[i];
		const struct heading *heading = &session_headings[cell];
		size_t want = widest(rows, ROW_SESSION, cell);
		size_t gap = left == layout->width ? 0 : 1;
		size_t width = clamp(want, heading->least, heading->most);

		wants[cell] = want;
		layout->sessions[cell] = 0;
		if (width + gap > left && i)
			continue;
		layout->sessions[cell] = clamp(width, 1, left);
		left -= clamp(width + gap, 0, left);
	}
	spread(left, layout->sessions, wants, N_SESSION_CELLS);
}

static void lay_processes(struct layout *layout, const struct top_rows *rows)
{
	size_t left = layout->width, i;

	left -= clamp(INDENT, 0, left);
	for (i = 0; i < N_PROCESS_CELLS; i++) {
		const struct heading *heading = &process_headings[i];
		size_t width = clamp(widest(rows, ROW_PROCESS, i), heading->least, heading->most);

		layout->processes[i] = clamp(width, 0, left);
		left -= clamp(width + 1, 0, left);
	}
	if (layout->processes[CELL_COMMAND])
		layout->processes[CELL_COMMAND] += left;
}

void top_view_layout(struct layout *layout, const struct top_rows *rows, size_t width)
{
	layout->width = width;
	lay_sessions(layout, rows);
	lay_processes(layout, rows);
}

static void put_blanks(const struct canvas *canvas, size_t n)
{
	static const char blanks[] = "                                ";

	while (n) {
		size_t some = clamp(n, 0, sizeof(blanks) - 1);

		canvas->put(canvas->to, blanks + sizeof(blanks) - 1 - some, TINT_NONE);
		n -= some;
	}
}

/* A text in so many columns; a + at its end says that there was more of it. */
static size_t put_cut(const struct canvas *canvas, const char *text, size_t room, enum tint tint)
{
	size_t columns = term_columns(text);
	char *copy;

	if (columns <= room) {
		canvas->put(canvas->to, text, tint);
		return columns;
	}
	if (!room)
		return 0;
	copy = strndup(text, term_prefix(text, room - 1));
	columns = copy ? term_columns(copy) : 0;
	if (copy)
		canvas->put(canvas->to, copy, tint);
	free(copy);
	canvas->put(canvas->to, "+", TINT_DIM);
	return columns + 1;
}

/* One cell; the last of a line is not filled up. */
static void put_cell(const struct canvas *canvas, const char *text, enum tint tint, size_t width,
		     const struct heading *heading, bool last)
{
	size_t columns = term_columns(text);

	if (heading->right && columns < width)
		put_blanks(canvas, width - columns);
	columns = put_cut(canvas, text, width, tint);
	if (!heading->right && !last && columns < width)
		put_blanks(canvas, width - columns);
}

/* A line of cells; without @cells, of headings. */
static void put_cells(const struct canvas *canvas, const struct top_cell *cells,
		      const size_t *widths, const struct heading *headings, size_t n,
		      enum tint tint)
{
	bool first = true;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!widths[i])
			continue;
		if (!first)
			put_blanks(canvas, 1);
		first = false;
		put_cell(canvas, cells ? cells[i].text : headings[i].name,
			 cells ? cells[i].tint : tint, widths[i], &headings[i], i == n - 1);
	}
	canvas->end(canvas->to);
}

void top_view_heads(const struct canvas *canvas, const struct layout *layout)
{
	put_cells(canvas, NULL, layout->sessions, session_headings, N_SESSION_CELLS, TINT_BOLD);
}

void top_view_row(const struct canvas *canvas, const struct layout *layout,
		  const struct top_row *row)
{
	if (row->kind == ROW_SESSION) {
		put_cells(canvas, row->cells, layout->sessions, session_headings, N_SESSION_CELLS,
			  TINT_NONE);
		return;
	}
	put_blanks(canvas, clamp(INDENT, 0, layout->width));
	put_cells(canvas, row->kind == ROW_HEAD ? NULL : row->cells, layout->processes,
		  process_headings, N_PROCESS_CELLS, TINT_DIM);
}

void top_view_text(const struct canvas *canvas, const struct layout *layout, const char *text,
		   enum tint tint)
{
	put_cut(canvas, text, layout->width, tint);
	canvas->end(canvas->to);
}
