// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blame_words.h"
#include "diff.h"
#include "format.h"
#include "json_build.h"
#include "term.h"
#include "view_diff.h"

/* Without -a, differences of less than a hundredth of the longer login are put together. */
#define SMALL 100

static const char *format_change(char *buf, int64_t ns)
{
	char size[FORMAT_MAX];

	format_duration(size, ns < 0 ? -(uint64_t)ns : (uint64_t)ns);
	snprintf(buf, FORMAT_MAX, "%s%.60s", ns < 0 ? "-" : ns ? "+" : "", size);
	return buf;
}

static const struct phase *find_phase(const struct story *story, size_t first, size_t last)
{
	size_t i;

	for (i = 0; i < story->login.n; i++)
		if (story->login.phases[i].first == first && story->login.phases[i].last == last)
			return &story->login.phases[i];
	return NULL;
}

static void put_line(struct libscols_table *table, const char *name, const uint64_t *a,
		     const uint64_t *b)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int64_t ns = diff_ns(a ? *a : 0, b ? *b : 0);
	char buf[FORMAT_MAX];

	table_cell(line, 0, name, TINT_BOLD);
	table_cell(line, 1, a ? format_duration(buf, *a) : "-", TINT_NONE);
	table_cell(line, 2, b ? format_duration(buf, *b) : "-", TINT_NONE);
	table_cell(line, 3, format_change(buf, ns), ns > 0 ? TINT_BAD : ns ? TINT_GOOD : TINT_DIM);
}

static void put_phase(struct libscols_table *table, const struct phase *a, const struct phase *b)
{
	const struct phase *phase = a ?: b;
	uint64_t a_ns = a ? phase_ns(a) : 0, b_ns = b ? phase_ns(b) : 0;
	char name[FORMAT_MAX];

	snprintf(name, sizeof(name), "%s", phase_name(phase->name));
	if (phase->name == PHASE_UNKNOWN)
		snprintf(name, sizeof(name), "unknown (%s-%s)", phase_name(phase->first),
			 phase_name(phase->last));
	put_line(table, name, a ? &a_ns : NULL, b ? &b_ns : NULL);
}

static int put_phases(const struct story *a, const struct story *b)
{
	char a_name[32], b_name[32];
	const struct column columns[] = {
		{ "PHASE", 1, 0 },
		{ a_name, 8, SCOLS_FL_RIGHT },
		{ b_name, 8, SCOLS_FL_RIGHT },
		{ "DIFFERENCE", 8, SCOLS_FL_RIGHT },
	};
	uint64_t a_ns = story_ns(a), b_ns = story_ns(b);
	struct libscols_table *table;
	size_t first, last;

	snprintf(a_name, sizeof(a_name), "SESSION %llu", (unsigned long long)a->session->id);
	snprintf(b_name, sizeof(b_name), "SESSION %llu", (unsigned long long)b->session->id);
	table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	if (!table)
		return -ENOMEM;
	for (first = 0; first < N_PHASES; first++) {
		for (last = first; last < N_PHASES; last++) {
			const struct phase *in_a = find_phase(a, first, last);
			const struct phase *in_b = find_phase(b, first, last);

			if (in_a || in_b)
				put_phase(table, in_a, in_b);
		}
	}
	put_line(table, "all", &a_ns, &b_ns);
	return table_print(table);
}

static void write_change(FILE *out, const struct change *change, const struct story *a,
			 const struct story *b)
{
	const struct blame *blame = change->b ?: change->a;
	char buf[FORMAT_MAX];

	fprintf(out, "%s in %s: ", format_change(buf, change->ns), phase_name(blame->phase->name));
	blame_put_name(out, blame, change->b ? b->session : a->session, false);
	if (blame->connect && !blame->top) {
		fputs(", after it connected to ", out);
		blame_put_peer(out, blame->connect);
	}
	if (!change->a)
		fprintf(out, ": %s, only in %llu", format_duration(buf, change->b->wall_ns),
			(unsigned long long)b->session->id);
	else if (!change->b)
		fprintf(out, ": %s, only in %llu", format_duration(buf, change->a->wall_ns),
			(unsigned long long)a->session->id);
	else
		fprintf(out, ": %s", format_duration(buf, change->a->wall_ns));
	if (change->a && change->b)
		fprintf(out, " -> %s", format_duration(buf, change->b->wall_ns));
	if (blame->cause)
		fprintf(out, " (%s)", blame->cause);
}

static char *sentence(const struct change *change, const struct story *a, const struct story *b)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	write_change(out, change, a, b);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static bool is_small(const struct change *change, const struct story *a, const struct story *b)
{
	uint64_t longer = story_ns(a) > story_ns(b) ? story_ns(a) : story_ns(b);
	int64_t limit = (int64_t)(longer / SMALL);

	return change->ns < limit && change->ns > -limit;
}

static int put_changes(const struct changes *changes, const struct story *a, const struct story *b,
		       bool all)
{
	size_t i, rest = 0;
	int64_t rest_ns = 0;
	char buf[FORMAT_MAX];

	for (i = 0; i < changes->n; i++) {
		const struct change *change = &changes->changes[i];
		char *text;

		if (!all && is_small(change, a, b)) {
			rest++;
			rest_ns += change->ns;
			continue;
		}
		text = sentence(change, a, b);
		if (!text)
			return -ENOMEM;
		term_wrap(text, 0, change->ns >= NS_PER_SEC ? TINT_BAD : TINT_NONE);
		free(text);
	}
	if (rest)
		printf("%s%s in %zu more; -a shows all%s\n", term_tint(TINT_DIM),
		       format_change(buf, rest_ns), rest, term_tint(TINT_NONE));
	return 0;
}

int view_diff(const struct story *a, const struct story *b, bool all)
{
	struct changes changes = { 0 };
	int err = put_phases(a, b);

	err = err ?: diff_match(a, b, &changes);
	if (!err) {
		putchar('\n');
		err = put_changes(&changes, a, b, all);
	}
	free(changes.changes);
	return err;
}

static void add_optional(struct json_object *object, const char *key, bool known, uint64_t ns)
{
	if (known)
		json_add_u64(object, key, ns);
	else
		json_add(object, key, NULL);
}

static void add_phases(struct json_object *object, const struct story *a, const struct story *b)
{
	struct json_object *array = json_object_new_array();
	size_t first, last;

	for (first = 0; first < N_PHASES; first++) {
		for (last = first; last < N_PHASES; last++) {
			const struct phase *in_a = find_phase(a, first, last);
			const struct phase *in_b = find_phase(b, first, last);
			uint64_t a_ns = in_a ? phase_ns(in_a) : 0, b_ns = in_b ? phase_ns(in_b) : 0;
			struct json_object *one;

			if (!in_a && !in_b)
				continue;
			one = json_object_new_object();
			json_add_string(one, "name", phase_name((in_a ?: in_b)->name));
			add_optional(one, "a_ns", in_a, a_ns);
			add_optional(one, "b_ns", in_b, b_ns);
			json_add(one, "difference_ns", json_object_new_int64(diff_ns(a_ns, b_ns)));
			json_object_array_add(array, one);
		}
	}
	json_add(object, "phases", array);
}

static struct json_object *change_object(const struct change *change, const char *text)
{
	const struct blame *blame = change->b ?: change->a;
	const struct program *program = blame_program(blame);
	struct json_object *one = json_object_new_object();

	json_add_string(one, "phase", phase_name(blame->phase->name));
	if (blame->process)
		json_add_bytes(one, "comm", blame->process->comm, strlen(blame->process->comm));
	else
		json_add(one, "comm", NULL);
	if (program)
		json_add_path(one, program->path, program->path_len, program->path_total);
	else
		json_add(one, "path", NULL);
	add_optional(one, "a_ns", change->a, change->a ? change->a->wall_ns : 0);
	add_optional(one, "b_ns", change->b, change->b ? change->b->wall_ns : 0);
	json_add(one, "difference_ns", json_object_new_int64(change->ns));
	json_add_string(one, "cause", blame->cause);
	json_add_string(one, "text", text);
	return one;
}

static int add_changes(struct json_object *object, const struct changes *changes,
		       const struct story *a, const struct story *b)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	json_add(object, "changes", array);
	for (i = 0; i < changes->n; i++) {
		char *text = sentence(&changes->changes[i], a, b);

		if (!text)
			return -ENOMEM;
		json_object_array_add(array, change_object(&changes->changes[i], text));
		free(text);
	}
	return 0;
}

int view_diff_json(const struct story *a, const struct story *b, const struct origin *origin)
{
	struct json_object *object = json_object_new_object();
	struct changes changes = { 0 };
	int err = diff_match(a, b, &changes);

	json_add_origin(object, origin);
	json_add_u64(object, "a", a->session->id);
	json_add_u64(object, "b", b->session->id);
	json_add_u64(object, "a_ns", story_ns(a));
	json_add_u64(object, "b_ns", story_ns(b));
	json_add(object, "difference_ns", json_object_new_int64(diff_ns(story_ns(a), story_ns(b))));
	add_phases(object, a, b);
	err = err ?: add_changes(object, &changes, a, b);
	free(changes.changes);
	if (err)
		json_object_put(object);
	else
		json_print(object);
	return err;
}
