/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The rows of the live view, in their order: the sessions that are up, and under those that
 * are unfolded the tree of their processes. Pure.
 */
#ifndef _SSHOBS_TOP_ROWS_H
#define _SSHOBS_TOP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model.h"
#include "top_cells.h"
#include "top_readings.h"

/* In session->tag. */
#define TOP_WANTED   1U /* it has rows */
#define TOP_UNFOLDED 2U /* and its processes have some */
#define TOP_SETTLED  4U /* its login is over: no process that has ended matters any more */

/* What the sessions are sorted by; those of which it is not known come last. */
enum top_sort {
	SORT_START, /* the oldest first */
	SORT_IDLE, /* the longest idle first; so with all that follow */
	SORT_RTT,
	SORT_BYTES, /* both ways */
	SORT_FDS, /* the greatest share of a limit */
	N_SORTS,
};

enum top_row_kind {
	ROW_SESSION,
	ROW_HEAD, /* headings of the processes that follow */
	ROW_PROCESS,
};

/**
 * struct top_row - one of them
 * @kind: what it shows
 * @session: whose
 * @pid: process
 * @start_ns: when that process began
 * @cells: by enum session_cell or enum process_cell; none of ROW_HEAD
 */
struct top_row {
	enum top_row_kind kind;
	uint64_t session;
	uint32_t pid;
	uint64_t start_ns;
	struct top_cell cells[N_SESSION_CELLS];
};

/**
 * struct top_rows - all of them
 * @rows: in the order in which they are shown
 * @n: how many
 * @size: how many there is room for
 * @sessions: how many are of sessions
 * @outside: sessions whose client is not authenticated yet
 * @processes: processes of the sessions, shown or not
 */
struct top_rows {
	struct top_row *rows;
	size_t n;
	size_t size;
	size_t sessions;
	size_t outside;
	size_t processes;
};

/**
 * top_rows_make() - make the rows
 * @rows: out: the rows; top_rows_free() them, also after an error
 * @model: the sessions; those tagged with TOP_WANTED have rows
 * @readings: what was read of them
 * @sort: their order
 * @local: names of users are those of this host
 *
 * Return: 0 or -ENOMEM.
 */
int top_rows_make(struct top_rows *rows, const struct model *model, const struct readings *readings,
		  enum top_sort sort, bool local);

/** top_rows_free() - free the rows; all zero is fine */
void top_rows_free(struct top_rows *rows);

/** top_sort_name() - "start", "idle", "rtt", "bytes", "fds" */
const char *top_sort_name(enum top_sort sort);

/** top_sort_find() - the order with a name; N_SORTS: none has it */
enum top_sort top_sort_find(const char *name);

#endif /* _SSHOBS_TOP_ROWS_H */
