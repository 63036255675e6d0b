// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"
#include "format.h"
#include "term.h"
#include "view_list.h"
#include "view_outcome.h"

/* What a cell is made from. */
struct row {
	const struct model *model;
	const struct session *session;
	const struct origin *origin;
};

/* Bytes of a name that the client typed; more would push the rest off the screen. */
#define NAME_MAX_SHOWN 16
/* A terminal of fewer columns has no room for the year and for reasons. */
#define NARROW	       100

typedef enum tint (*fill_cell)(char *buf, const struct row *row);

static bool is_narrow(void)
{
	return term_get()->width && term_get()->width < NARROW;
}

static enum tint put_id(char *buf, const struct row *row)
{
	snprintf(buf, FORMAT_MAX, "%llu", (unsigned long long)row->session->id);
	return TINT_BOLD;
}

/* As the server's log has it: the client chose it, unless it was accepted. */
static bool put_name(char *buf, const struct session *session)
{
	struct bytes name = model_user_name(session);
	FILE *out;

	if (!name.at)
		return false;
	out = fmemopen(buf, FORMAT_MAX, "w");
	if (!out)
		return false;
	escape_put(out, name.at, name.len > NAME_MAX_SHOWN ? NAME_MAX_SHOWN : name.len);
	fputs(name.len > NAME_MAX_SHOWN ? "..." : "", out);
	return fclose(out) == 0;
}

static enum tint put_user(char *buf, const struct row *row)
{
	char name[FORMAT_MAX];
	uint32_t uid;

	if (put_name(buf, row->session))
		return row->session->evidence.accepted_ns ? TINT_NONE : TINT_DIM;
	if (model_user(row->session, &uid))
		snprintf(buf, FORMAT_MAX, "%.70s%s", format_user(name, uid, row->origin->local),
			 model_user_is_guess(row->session) ? "?" : "");
	else
		snprintf(buf, FORMAT_MAX, "-");
	return TINT_NONE;
}

static enum tint put_peer(char *buf, const struct row *row)
{
	format_endpoint(buf, &row->session->endpoints.peer);
	return TINT_NAME;
}

static enum tint put_start(char *buf, const struct row *row)
{
	format_start(buf,
		     (int64_t)(row->session->start_ns + (uint64_t)row->origin->realtime_offset_ns),
		     is_narrow());
	return TINT_NONE;
}

static enum tint put_duration(char *buf, const struct row *row)
{
	const struct session *session = row->session;

	format_duration(buf, model_ends_ns(row->model, session) - session->start_ns);
	return session->ended ? TINT_NONE : TINT_GOOD;
}

static enum tint put_prompt(char *buf, const struct row *row)
{
	uint64_t ns;

	snprintf(buf, FORMAT_MAX, "-");
	if (!model_time_to_prompt(row->session, &ns))
		return TINT_DIM;
	format_duration(buf, ns);
	return ns >= 5 * (uint64_t)NS_PER_SEC ? TINT_BAD :
	       ns >= (uint64_t)NS_PER_SEC     ? TINT_WARN :
						TINT_GOOD;
}

static enum tint put_procs(char *buf, const struct row *row)
{
	snprintf(buf, FORMAT_MAX, "%u", row->session->n_processes);
	return TINT_NONE;
}

static enum tint put_outcome(char *buf, const struct row *row)
{
	enum tint tint = view_outcome_cell(buf, row->session);
	size_t len = strlen(buf);

	/* Where there is no room for the reasons, a mark must do. */
	if (is_narrow() && model_incomplete(row->model, row->session))
		snprintf(buf + len, FORMAT_MAX - len, "!");
	return tint;
}

/* Reasons why something may be missing; empty for a complete session. */
static enum tint put_incomplete(char *buf, const struct row *row)
{
	uint32_t reasons = model_incomplete(row->model, row->session);
	size_t at = 0;
	unsigned int bit;

	buf[0] = '\0';
	for (bit = 0; bit < 32 && at < FORMAT_MAX; bit++)
		if (reasons >> bit & 1)
			at += (size_t)snprintf(buf + at, FORMAT_MAX - at, "%s%s", at ? "," : "",
					       model_incomplete_name(bit) ?: "?");
	return reasons & ~(SSHOBS_INCOMPLETE_ADOPTED | INCOMPLETE_CUT) ? TINT_WARN : TINT_DIM;
}

/* The one list of columns: heading, width, and what fills them. */
/* clang-format off */
static const struct {
	struct column column;
	fill_cell fill;
} columns[] = {
	{ { "ID",	1,	SCOLS_FL_RIGHT },	put_id },
	{ { "USER",	4,	0 },			put_user },
	{ { "PEER",	4,	SCOLS_FL_TRUNC },	put_peer },
	{ { "START",	14,	0 },			put_start },
	{ { "DURATION",	8,	SCOLS_FL_RIGHT },	put_duration },
	{ { "PROMPT",	7,	SCOLS_FL_RIGHT },	put_prompt },
	{ { "PROCS",	5,	SCOLS_FL_RIGHT },	put_procs },
	{ { "OUTCOME",	5,	0 },			put_outcome },
	{ { "INCOMPLETE", 1,	SCOLS_FL_TRUNC },	put_incomplete },
};
/* clang-format on */

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

int view_list(const struct model *model, struct session *const *sessions, size_t n,
	      const struct origin *origin)
{
	struct column heads[N_COLUMNS];
	struct libscols_table *table;
	size_t n_columns = is_narrow() ? N_COLUMNS - 1 : N_COLUMNS;
	size_t i, c;

	for (c = 0; c < n_columns; c++)
		heads[c] = columns[c].column;
	table = table_new(heads, n_columns);
	if (!table)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		struct row row = { model, sessions[i], origin };
		struct libscols_line *line = scols_table_new_line(table, NULL);
		char buf[FORMAT_MAX];

		for (c = 0; c < n_columns; c++) {
			enum tint tint = columns[c].fill(buf, &row);

			table_cell(line, c, buf, tint);
		}
	}
	return table_print(table);
}
