// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

int64_t diff_ns(uint64_t a, uint64_t b)
{
	return (int64_t)(b - a);
}

static bool same_program(const struct blame *a, const struct blame *b)
{
	const struct program *x = blame_program(a), *y = blame_program(b);

	if (!x || !y)
		return x == y;
	return x->path_len == y->path_len && memcmp(x->path, y->path, x->path_len) == 0;
}

static bool same_name(const struct blame *a, const struct blame *b)
{
	if (!a->process || !b->process)
		return a->process == b->process;
	return strcmp(a->process->comm, b->process->comm) == 0;
}

static bool same_culprit(const struct blame *a, const struct blame *b)
{
	if (a->phase->first != b->phase->first || a->phase->last != b->phase->last)
		return false;
	if (a->whose != b->whose)
		return false;
	if (a->whose == WHOSE_CLIENT || a->whose == WHOSE_NETWORK)
		return true;
	if (!a->top != !b->top || !same_program(a, b))
		return false;
	if (a->top)
		return true;
	return same_name(a, b) && a->why == b->why && connect_is_same(a->connect, b->connect);
}

/* Of several that are the same (a script that ran twice), each is taken once. */
static const struct blame *take(const struct blame *wanted, const struct blames *from, bool *taken)
{
	size_t i;

	for (i = 0; i < from->n; i++) {
		if (taken[i] || !same_culprit(wanted, &from->blames[i]))
			continue;
		taken[i] = true;
		return &from->blames[i];
	}
	return NULL;
}

static void add_change(struct changes *changes, const struct blame *a, const struct blame *b)
{
	struct change *change = &changes->changes[changes->n++];

	change->a = a;
	change->b = b;
	change->ns = diff_ns(a ? a->wall_ns : 0, b ? b->wall_ns : 0);
}

static uint64_t size_of(const struct change *change)
{
	return change->ns < 0 ? -(uint64_t)change->ns : (uint64_t)change->ns;
}

static int compare_changes(const void *x, const void *y)
{
	uint64_t a = size_of(x), b = size_of(y);

	return a > b ? -1 : a < b;
}

int diff_match(const struct story *a, const struct story *b, struct changes *changes)
{
	bool *taken = calloc(b->blames.n + 1, sizeof(*taken));
	size_t i;

	changes->n = 0;
	changes->changes = calloc(a->blames.n + b->blames.n + 1, sizeof(*changes->changes));
	if (!taken || !changes->changes) {
		free(taken);
		return -ENOMEM;
	}
	for (i = 0; i < a->blames.n; i++)
		add_change(changes, &a->blames.blames[i],
			   take(&a->blames.blames[i], &b->blames, taken));
	for (i = 0; i < b->blames.n; i++)
		if (!taken[i])
			add_change(changes, NULL, &b->blames.blames[i]);
	free(taken);
	qsort(changes->changes, changes->n, sizeof(*changes->changes), compare_changes);
	return 0;
}
