/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The live view drawn: which columns there is room for, and each line as pieces of text.
 * What they are written on, a terminal or a file, is given as a canvas.
 */
#ifndef _SSHOBS_TOP_VIEW_H
#define _SSHOBS_TOP_VIEW_H

#include <stddef.h>

#include "term.h"
#include "top_rows.h"

/**
 * struct canvas - what lines are written on
 * @put: write a piece of text; @to: as below
 * @end: end the line
 * @to: what these two get
 */
struct canvas {
	void (*put)(void *to, const char *text, enum tint tint);
	void (*end)(void *to);
	void *to;
};

/**
 * struct layout - columns, and how wide they are
 * @width: of the screen; SIZE_MAX: as wide as it takes
 * @sessions: widths by enum session_cell; 0: there is no room for it
 * @processes: widths by enum process_cell
 */
struct layout {
	size_t width;
	size_t sessions[N_SESSION_CELLS];
	size_t processes[N_PROCESS_CELLS];
};

/**
 * top_view_layout() - see what there is room for
 * @layout: out: the columns
 * @rows: all rows, so that columns stay where they are when one scrolls
 * @width: columns of the screen; SIZE_MAX: no limit
 */
void top_view_layout(struct layout *layout, const struct top_rows *rows, size_t width);

/** top_view_heads() - draw the headings of the sessions */
void top_view_heads(const struct canvas *canvas, const struct layout *layout);

/** top_view_row() - draw a row */
void top_view_row(const struct canvas *canvas, const struct layout *layout,
		  const struct top_row *row);

/**
 * top_view_text() - draw a line of words
 * @canvas: where to
 * @layout: for the width: what is too long is cut, and marked with a +
 * @text: safe for a terminal
 * @tint: its colour
 */
void top_view_text(const struct canvas *canvas, const struct layout *layout, const char *text,
		   enum tint tint);

#endif /* _SSHOBS_TOP_VIEW_H */
