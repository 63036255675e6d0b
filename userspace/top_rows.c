// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "top_rows.h"

/* Deeper than this the tree is drawn flat: it would be wider than any terminal. */
#define MAX_DEPTH 10

/* What the rows are made from. */
struct maker {
	struct top_rows *rows;
	const struct model *model;
	const struct readings *readings;
	bool local;
};

static struct top_row *add_row(struct maker *maker, enum top_row_kind kind,
			       const struct session *session)
{
	struct top_rows *rows = maker->rows;
	struct top_row *row;

	if (rows->n == rows->size) {
		size_t size = rows->size ? 2 * rows->size : 64;

		row = reallocarray(rows->rows, size, sizeof(*row));
		if (!row)
			return NULL;
		rows->rows = row;
		rows->size = size;
	}
	row = &rows->rows[rows->n++];
	memset(row, 0, sizeof(*row));
	row->kind = kind;
	row->session = session->id;
	return row;
}

static bool has_text(const struct top_cell *cells, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!cells[i].text)
			return false;
	return true;
}

/*
 * A live process and its place in the tree. Where the parent has ended, the nearest ancestor
 * that is alive stands for it. No recursion: nothing bounds the depth of that tree.
 */
struct node {
	const struct process *process;
	struct node *parent;
	struct node *child;
	struct node *last_child;
	struct node *next;
};

static struct node *live_parent(const struct process *process)
{
	const struct process *up = process->parent;

	while (up && up->end_ns)
		up = up->parent;
	return up ? up->view : NULL;
}

static void link_node(struct node *root, struct node *node)
{
	struct node *parent = live_parent(node->process) ?: root;

	node->parent = parent;
	if (parent->last_child)
		parent->last_child->next = node;
	else
		parent->child = node;
	parent->last_child = node;
}

/* The nodes of a session's live processes, below the first one, which is none; or NULL. */
static struct node *plant(struct session *session)
{
	size_t n = HASH_COUNT(session->live), i = 0;
	struct node *nodes = calloc(n + 1, sizeof(*nodes));
	struct process *process;

	if (!nodes)
		return NULL;
	for (process = session->live; process; process = process->hh.next) {
		struct node *node = &nodes[++i];

		node->process = process;
		process->view = node;
		/* A parent appears before its children. */
		link_node(&nodes[0], node);
	}
	return nodes;
}

static const struct node *next_node(const struct node *node)
{
	if (node->child)
		return node->child;
	while (node && !node->next)
		node = node->parent;
	return node ? node->next : NULL;
}

/* What is drawn before a command: a line for each ancestor that has another child to come. */
static void put_tree(char *text, size_t size, const struct node *node)
{
	bool utf8 = term_get()->utf8;
	const struct node *up = node->parent;
	const char *parts[MAX_DEPTH];
	size_t n = 0, len = 0;

	text[0] = '\0';
	if (!up->process)
		return;
	parts[n++] = node->next ? (utf8 ? "├─" : "|-") : (utf8 ? "└─" : "`-");
	for (; up->parent->process && n < MAX_DEPTH; up = up->parent)
		parts[n++] = !up->next ? "  " : utf8 ? "│ " : "| ";
	while (n)
		len += (size_t)snprintf(text + len, size - len, "%s", parts[--n]);
}

static int add_process(struct maker *maker, const struct cell_source *session,
		       const struct node *node)
{
	char tree[MAX_DEPTH * sizeof("├─")];
	struct cell_source source = *session;
	struct top_row *row = add_row(maker, ROW_PROCESS, session->session);

	if (!row)
		return -ENOMEM;
	put_tree(tree, sizeof(tree), node);
	source.tree = tree;
	source.process = node->process;
	row->pid = node->process->pid;
	row->start_ns = node->process->start_ns;
	top_process_cells(row->cells, &source);
	return has_text(row->cells, N_PROCESS_CELLS) ? 0 : -ENOMEM;
}

static int add_processes(struct maker *maker, const struct cell_source *source,
			 struct session *session)
{
	struct node *nodes = plant(session);
	const struct node *node;
	int err = nodes && add_row(maker, ROW_HEAD, session) ? 0 : -ENOMEM;

	for (node = nodes ? nodes[0].child : NULL; node && !err; node = next_node(node))
		err = add_process(maker, source, node);
	free(nodes);
	return err;
}

static int add_session(struct maker *maker, struct session *session)
{
	struct cell_source source = {
		.model = maker->model,
		.readings = maker->readings,
		.local = maker->local,
		.session = session,
		.settled = session->tag & TOP_SETTLED,
		.tree = "",
	};
	struct top_row *row = add_row(maker, ROW_SESSION, session);
	struct outcome outcome;

	if (!row)
		return -ENOMEM;
	outcome_find(session, &outcome);
	source.outcome = outcome.kind;
	top_session_cells(row->cells, &source);
	if (!has_text(row->cells, N_SESSION_CELLS))
		return -ENOMEM;
	maker->rows->sessions++;
	maker->rows->outside += outcome.kind == OUTCOME_AUTHENTICATING;
	maker->rows->processes += HASH_COUNT(session->live);
	if (!(session->tag & TOP_UNFOLDED) || !session->live)
		return 0;
	return add_processes(maker, &source, session);
}

/* A session and what it is sorted by. */
struct sorted {
	struct session *session;
	bool known;
	uint64_t key;
};

static void set_key(struct sorted *sorted, const struct readings *readings, enum top_sort sort)
{
	const struct session_reading *reading = readings_of_session(readings, sorted->session);

	sorted->known = reading && reading->has_tcp;
	switch (sort) {
	case SORT_IDLE:
		sorted->key = sorted->known ? reading->idle_ms : 0;
		break;
	case SORT_RTT:
		sorted->key = sorted->known ? reading->rtt_us : 0;
		break;
	case SORT_BYTES:
		sorted->key = sorted->known ? reading->bytes_in + reading->bytes_out : 0;
		break;
	case SORT_FDS:
		sorted->known = top_fds_permille(sorted->session, readings, &sorted->key);
		break;
	default:
		sorted->known = false;
		sorted->key = 0;
	}
}

/* The known first, the greatest of them first; equals by age. */
static int compare(const void *a, const void *b)
{
	const struct sorted *left = a, *right = b;

	if (left->known != right->known)
		return left->known ? -1 : 1;
	if (left->key != right->key)
		return left->key > right->key ? -1 : 1;
	return left->session->id < right->session->id ? -1 : 1;
}

static size_t pick(const struct maker *maker, enum top_sort sort, struct sorted *sorted)
{
	struct session *session;
	size_t n = 0;

	for (session = maker->model->sessions; session; session = session->hh.next) {
		if (!(session->tag & TOP_WANTED))
			continue;
		sorted[n].session = session;
		set_key(&sorted[n], maker->readings, sort);
		n++;
	}
	qsort(sorted, n, sizeof(*sorted), compare);
	return n;
}

int top_rows_make(struct top_rows *rows, const struct model *model, const struct readings *readings,
		  enum top_sort sort, bool local)
{
	struct maker maker = { rows, model, readings, local };
	struct sorted *sorted;
	size_t n, i;
	int err = 0;

	memset(rows, 0, sizeof(*rows));
	sorted = calloc(HASH_COUNT(model->sessions) + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	n = pick(&maker, sort, sorted);
	for (i = 0; i < n && !err; i++)
		err = add_session(&maker, sorted[i].session);
	free(sorted);
	return err;
}

void top_rows_free(struct top_rows *rows)
{
	size_t i, c;

	for (i = 0; i < rows->n; i++)
		for (c = 0; c < N_SESSION_CELLS; c++)
			free(rows->rows[i].cells[c].text);
	free(rows->rows);
	memset(rows, 0, sizeof(*rows));
}

static const char *const sort_names[N_SORTS] = {
	[SORT_START] = "start", [SORT_IDLE] = "idle", [SORT_RTT] = "rtt",
	[SORT_BYTES] = "bytes", [SORT_FDS] = "fds",
};

const char *top_sort_name(enum top_sort sort)
{
	return sort_names[sort];
}

enum top_sort top_sort_find(const char *name)
{
	enum top_sort sort = 0;

	while (sort < N_SORTS && strcmp(sort_names[sort], name) != 0)
		sort++;
	return sort;
}
