/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands in the cells of the live view, as texts that are safe for a terminal. Pure.
 */
#ifndef _SSHOBS_TOP_CELLS_H
#define _SSHOBS_TOP_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"
#include "outcome.h"
#include "term.h"
#include "top_readings.h"

/* Cells of a session's row, from left to right. */
enum session_cell {
	CELL_ID,
	CELL_USER,
	CELL_PEER,
	CELL_PORT,
	CELL_TTY,
	CELL_STATE,
	CELL_RTT,
	CELL_RETRANS,
	CELL_IN,
	CELL_OUT,
	CELL_IDLE,
	CELL_PROCS,
	CELL_FDS,
	CELL_WHAT,
	N_SESSION_CELLS,
};

/* Cells of a process's row. */
enum process_cell {
	CELL_PID,
	CELL_OWNER,
	CELL_LETTER,
	CELL_CPU,
	CELL_RSS,
	CELL_OPEN,
	CELL_COMMAND,
	N_PROCESS_CELLS,
};

/**
 * struct top_cell - one of them
 * @text: free() it; NULL: there was no memory
 * @tint: the colour it deserves
 */
struct top_cell {
	char *text;
	enum tint tint;
};

/**
 * struct cell_source - what cells are made from
 * @model: the sessions
 * @readings: what was read of them
 * @local: names of users are those of this host
 * @session: which one
 * @outcome: of @session
 * @settled: its login is over, and the processes of that may be forgotten
 * @process: which one of it; NULL: the row is the session's
 * @tree: what is drawn before its command
 */
struct cell_source {
	const struct model *model;
	const struct readings *readings;
	bool local;
	const struct session *session;
	enum outcome_kind outcome;
	bool settled;
	const struct process *process;
	const char *tree;
};

/**
 * top_session_cells() - fill the row of a session
 * @cells: out: by enum session_cell
 * @source: what they are made from
 */
void top_session_cells(struct top_cell *cells, const struct cell_source *source);

/**
 * top_process_cells() - fill the row of a process
 * @cells: out: by enum process_cell
 * @source: what they are made from
 */
void top_process_cells(struct top_cell *cells, const struct cell_source *source);

/**
 * top_fds_permille() - how near the processes of a session are to their limits
 * @session: the session
 * @readings: what was read of its processes
 * @permille: out: open descriptors of a thousand that are allowed, where it is the most
 *
 * Return: whether it is known of any process.
 */
bool top_fds_permille(const struct session *session, const struct readings *readings,
		      uint64_t *permille);

#endif /* _SSHOBS_TOP_CELLS_H */
