// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kmod/text.h"
#include "escape.h"
#include "format.h"
#include "term.h"
#include "view_tree.h"

/* Deeper than this the tree is drawn flat: it would be wider than any terminal. */
#define MAX_DEPTH 60

/* What a cell is made from. @process is NULL for the task that accepted. */
struct row {
	const struct model *model;
	const struct session *session;
	const struct origin *origin;
	const struct process *process;
};

typedef enum tint (*fill_cell)(FILE *out, const struct row *row);

struct tree_column {
	struct column column;
	fill_cell fill;
};

static enum tint put_pid(FILE *out, const struct row *row)
{
	fprintf(out, "%u", row->process ? row->process->pid : row->session->acceptor_pid);
	return TINT_BOLD;
}

static enum tint put_user(FILE *out, const struct row *row)
{
	char name[FORMAT_MAX];

	if (!row->process)
		return TINT_NONE;
	if (row->process->uid_known)
		escape_string(out, format_user(name, row->process->uid, row->origin->local));
	else
		fputc('-', out);
	return TINT_NONE;
}

static enum tint put_tty(FILE *out, const struct row *row)
{
	if (row->process && row->process->tty[0])
		escape_string(out, row->process->tty);
	else if (row->process)
		fputc('-', out);
	return TINT_NAME;
}

static enum tint put_wall(FILE *out, const struct row *row)
{
	const struct process *process = row->process;
	char buf[FORMAT_MAX];
	uint64_t end;

	if (!process)
		return TINT_NONE;
	if (!process->start_ns) {
		fputc('?', out);
		return TINT_DIM;
	}
	end = process->end_ns ? process->end_ns : model_ends_ns(row->model, row->session);
	fputs(format_duration(buf, end > process->start_ns ? end - process->start_ns : 0), out);
	return TINT_NONE;
}

static enum tint put_cpu(FILE *out, const struct row *row)
{
	char buf[FORMAT_MAX];

	if (row->process)
		fputs(format_duration(buf, row->process->cpu_ns), out);
	return TINT_NONE;
}

static enum tint put_exit(FILE *out, const struct row *row)
{
	const struct process *process = row->process;

	if (!process)
		return TINT_NONE;
	if (!process->end_ns) {
		fputs("alive", out);
		return TINT_GOOD;
	}
	if (process->signal && sshobs_signal_name(process->signal))
		fputs(sshobs_signal_name(process->signal), out);
	else if (process->signal)
		fprintf(out, "signal %u", process->signal);
	else
		fprintf(out, "%u", process->code);
	return process->signal || process->code ? TINT_WARN : TINT_NONE;
}

enum tint view_command(FILE *out, const struct process *process)
{
	const struct program *program = model_program(process);

	if (!program) {
		escape_string(out, process->comm);
		fputs(" (fork)", out);
		return TINT_DIM;
	}
	if (program->argv_len)
		escape_argv(out, program->argv, program->argv_len);
	else
		escape_word(out, program->path, program->path_len);
	if (program->argv_len < program->argv_total)
		fputs("...", out);
	return process->end_ns ? TINT_DIM : TINT_NONE;
}

static enum tint put_argv(FILE *out, const struct row *row)
{
	if (row->process)
		return view_command(out, row->process);
	escape_string(out, row->session->acceptor_comm);
	fputs(row->session->adopted ? "" : " (accepted)", out);
	return TINT_DIM;
}

static enum tint put_name(FILE *out, const struct row *row)
{
	escape_string(out, row->process ? row->process->comm : row->session->acceptor_comm);
	fputc('[', out);
	put_pid(out, row);
	fputc(']', out);
	return row->process && row->process->end_ns ? TINT_DIM : TINT_BOLD;
}

/* What the command column says beyond the name. */
static enum tint put_command(FILE *out, const struct row *row)
{
	enum tint tint = TINT_DIM;

	if (!row->process)
		fputs(row->session->adopted ? "" : "accepted", out);
	else if (model_program(row->process))
		tint = put_argv(out, row);
	if (row->process && row->process->end_ns && !row->session->ended)
		fputs(" (ended)", out);
	return tint;
}

/* clang-format off */
static const struct tree_column table_columns[] = {
	{ { "PID",	1,	SCOLS_FL_RIGHT },		put_pid },
	{ { "USER",	1,	0 },				put_user },
	{ { "TTY",	1,	0 },				put_tty },
	{ { "WALL",	7,	SCOLS_FL_RIGHT },		put_wall },
	{ { "CPU",	7,	SCOLS_FL_RIGHT },		put_cpu },
	{ { "EXIT",	1,	0 },				put_exit },
	{ { "COMMAND",	0.5,	SCOLS_FL_TREE | SCOLS_FL_TRUNC }, put_argv },
};
/* clang-format on */

/* clang-format off */
static const struct tree_column tree_columns[] = {
	{ { "PROCESS",	1,	SCOLS_FL_TREE },		put_name },
	{ { "USER",	1,	0 },				put_user },
	{ { "TTY",	1,	0 },				put_tty },
	{ { "COMMAND",	0.5,	SCOLS_FL_TRUNC },		put_command },
};
/* clang-format on */

static int put_row(struct libscols_line *line, const struct row *row,
		   const struct tree_column *columns, size_t n)
{
	size_t i;

	if (!line)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);
		enum tint tint;

		if (!out)
			return -ENOMEM;
		tint = columns[i].fill(out, row);
		if (fclose(out) == 0)
			table_cell(line, i, text, tint);
		free(text);
	}
	return 0;
}

static struct libscols_line *parent_line(const struct process *process, struct libscols_line *root)
{
	struct libscols_line *line = process->parent ? process->parent->view : root;

	if (process->depth > MAX_DEPTH && line)
		line = scols_line_get_parent(line);
	return line;
}

/* Draw the processes whose view is set; it becomes their line. */
static int draw(const struct model *model, struct session *session, const struct origin *origin,
		const struct tree_column *columns, size_t n, bool headings)
{
	struct row row = { model, session, origin, NULL };
	struct column heads[8];
	struct libscols_table *table;
	struct libscols_line *root = NULL;
	struct process *process;
	int err = 0;
	size_t i;

	for (i = 0; i < n; i++)
		heads[i] = columns[i].column;
	table = table_new(heads, n);
	if (!table)
		return -ENOMEM;
	scols_table_enable_noheadings(table, !headings);
	if (session->acceptor_pid) {
		root = scols_table_new_line(table, NULL);
		err = put_row(root, &row, columns, n);
	}
	for (process = session->processes; process && !err; process = process->next) {
		if (!process->view)
			continue;
		process->view = scols_table_new_line(table, parent_line(process, root));
		row.process = process;
		err = put_row(process->view, &row, columns, n);
	}
	if (!err)
		return table_print(table);
	scols_unref_table(table);
	return err;
}

/* Mark what is to be drawn with its ancestors; return how many are left out. */
static size_t mark(struct session *session, bool (*wanted)(const struct process *process))
{
	struct process *process, *up;
	size_t hidden = 0;

	for (process = session->processes; process; process = process->next)
		process->view = NULL;
	for (process = session->processes; process; process = process->next)
		if (wanted(process))
			for (up = process; up && !up->view; up = up->parent)
				up->view = up;
	for (process = session->processes; process; process = process->next)
		hidden += !process->view;
	return hidden;
}

static bool any(const struct process *process)
{
	return process;
}

static bool alive(const struct process *process)
{
	return !process->end_ns;
}

static bool of_the_login(const struct process *process)
{
	uint64_t prompt = process->session->prompt_ns;

	return !prompt || process->start_ns <= prompt || !process->end_ns;
}

static void put_hidden(size_t hidden, const char *what)
{
	if (hidden)
		printf("%s%zu %s not shown; -a shows all%s\n", term_tint(TINT_DIM), hidden, what,
		       term_tint(TINT_NONE));
}

int view_tree(struct session *session, const struct origin *origin, bool all)
{
	struct model model = { .now_ns = session->last_ns };

	mark(session, all || session->ended ? any : alive);
	return draw(&model, session, origin, tree_columns,
		    sizeof(tree_columns) / sizeof(tree_columns[0]), false);
}

int view_process_table(const struct model *model, struct session *session,
		       const struct origin *origin, bool all)
{
	size_t hidden = mark(session, all ? any : of_the_login);
	int err = draw(model, session, origin, table_columns,
		       sizeof(table_columns) / sizeof(table_columns[0]), true);

	put_hidden(hidden, hidden == 1 ? "process that came after the prompt is" :
					 "processes that came after the prompt are");
	return err;
}
