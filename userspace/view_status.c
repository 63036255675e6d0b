// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "commands.h"
#include "escape.h"
#include "json_build.h"
#include "module.h"
#include "term.h"

#define MAX_PROBES     128
#define KPROBES_SWITCH "/sys/kernel/debug/kprobes/enabled"

/* All that is told about the module. @open is 0 if the device could be asked. */
struct state {
	bool loaded;
	int open;
	char version[64];
	char kernel[65];
	struct parameter parameters[MODULE_MAX_PARAMETERS];
	size_t n_parameters;
	struct sshobs_info info;
	struct sshobs_stats stats;
	struct sshobs_probe probes[MAX_PROBES];
	size_t n_probes;
	size_t n_needed;
	size_t n_active;
	size_t n_tried;
};

static int ask_device(struct state *state)
{
	struct stream *stream;
	int err = stream_open_device(&stream);

	if (err)
		return err;
	err = stream_trial(stream);
	if (!err)
		err = stream_info(stream, &state->info);
	if (!err)
		err = stream_stats(stream, &state->stats);
	while (!err && state->n_probes < MAX_PROBES) {
		struct sshobs_probe *probe = &state->probes[state->n_probes];

		err = stream_probe(stream, (unsigned int)state->n_probes, probe);
		if (err)
			break;
		probe->kind[sizeof(probe->kind) - 1] = '\0';
		probe->symbol[sizeof(probe->symbol) - 1] = '\0';
		state->n_probes++;
		state->n_needed += !(probe->flags & SSHOBS_PROBE_UNNEEDED);
		state->n_active += !!(probe->flags & SSHOBS_PROBE_ACTIVE);
		state->n_tried += !!(probe->flags & SSHOBS_PROBE_TRIED);
	}
	stream_close(stream);
	return err == -ENOENT ? 0 : err;
}

static void get_state(struct state *state)
{
	struct utsname name;

	memset(state, 0, sizeof(*state));
	if (uname(&name) == 0)
		snprintf(state->kernel, sizeof(state->kernel), "%s", name.release);
	state->loaded = module_is_loaded();
	if (!state->loaded)
		return;
	module_version(state->version, sizeof(state->version));
	state->n_parameters = module_parameters(state->parameters);
	state->open = ask_device(state);
}

static void print_parameters(const struct state *state)
{
	size_t i;

	print_key("Parameters");
	for (i = 0; i < state->n_parameters; i++) {
		printf("%s%s=", i ? " " : "", state->parameters[i].name);
		escape_string(stdout, state->parameters[i].value);
	}
	putchar('\n');
}

static void print_counts(const struct state *state)
{
	const struct sshobs_stats *stats = &state->stats;

	print_key("Ring");
	printf("%" PRIu64 " KiB, %" PRIu64 " records held, %" PRIu64 " written, %" PRIu64
	       " overwritten, %" PRIu64 " dropped\n",
	       (uint64_t)stats->ring_bytes / 1024,
	       (uint64_t)(state->info.next_seq - state->info.oldest_seq), (uint64_t)stats->written,
	       (uint64_t)stats->overwritten, (uint64_t)stats->dropped);
	print_key("SYNs");
	printf("%" PRIu64 " to watched ports, %" PRIu64 " suppressed\n", (uint64_t)stats->syns,
	       (uint64_t)stats->syns_suppressed);
	print_key("Sessions");
	printf("%" PRIu64 " up, %" PRIu64 " since load\n", (uint64_t)stats->sessions,
	       (uint64_t)stats->sessions_total);
	print_key("Processes");
	printf("%" PRIu64 " followed, %" PRIu64 " since load\n", (uint64_t)stats->tasks,
	       (uint64_t)stats->tasks_total);
	print_key("Readers");
	/* This one was there too when it asked. */
	printf("%" PRIu64 "\n", (uint64_t)(stats->readers ? stats->readers - 1 : 0));
	print_key("Probes");
	printf("%zu of %zu in place, %zu of them tried just now\n", state->n_active,
	       state->n_needed, state->n_tried);
}

/* Where a trial could execute nothing: another probe that tells of an exec, or this program's own. */
static const struct {
	const char *symbol;
	const char *witness;
} witnesses[] = {
	{ "alloc_bprm", "sched_process_exec" },
	{ "bprm_execve", "sched_process_exec" },
	{ "sched_process_exec", NULL },
};

static uint64_t hits_of(const struct state *state, const char *symbol)
{
	size_t i;

	for (i = 0; i < state->n_probes; i++)
		if (strcmp(state->probes[i].symbol, symbol) == 0)
			return state->probes[i].hits;
	return 0;
}

/* How often the function of a probe was called, by other accounts; *by: which. */
static uint64_t calls_of(const struct state *state, const char *symbol, const char **by)
{
	size_t i;

	for (i = 0; i < sizeof(witnesses) / sizeof(witnesses[0]); i++) {
		if (strcmp(symbol, witnesses[i].symbol) != 0)
			continue;
		*by = witnesses[i].witness;
		return *by ? hits_of(state, *by) : 1;
	}
	return 0;
}

/* What is wrong with a probe, in words; false: nothing is. */
static bool probe_problem(const struct state *state, const struct sshobs_probe *probe, char *text,
			  size_t size)
{
	const char *by = NULL;
	uint64_t calls;

	if (probe->flags & SSHOBS_PROBE_UNNEEDED)
		return false;
	if (!(probe->flags & SSHOBS_PROBE_ACTIVE)) {
		snprintf(text, size, "is not in %s: its events do not come",
			 probe->hits ? "place any more" : "this kernel");
		return true;
	}
	if (probe->flags & SSHOBS_PROBE_SILENT) {
		snprintf(text, size, "was called, and its %s did not fire: its events do not come",
			 probe->kind);
		return true;
	}
	calls = probe->hits ? 0 : calls_of(state, probe->symbol, &by);
	if (!calls)
		return false;
	if (by)
		snprintf(text, size, "never fired, though %s did, %" PRIu64 " times", by, calls);
	else
		snprintf(text, size, "never fired, though this very program was executed");
	return true;
}

static void print_problem_line(const char *symbol, const char *text, size_t *problems)
{
	print_key(*problems ? "" : "Missing");
	fputs(term_tint(TINT_WARN), stdout);
	escape_string(stdout, symbol);
	printf(" %s%s\n", text, term_tint(TINT_NONE));
	++*problems;
}

/* One switch for all of them, which those that rely on it are not told of. */
static bool kprobes_are_off(void)
{
	FILE *file = fopen(KPROBES_SWITCH, "re");
	int byte = file ? fgetc(file) : EOF;

	if (file)
		fclose(file);
	return byte == '0';
}

static void print_probe_problems(const struct state *state, size_t *problems)
{
	char text[160];
	size_t i;

	for (i = 0; i < state->n_probes; i++)
		if (probe_problem(state, &state->probes[i], text, sizeof(text)))
			print_problem_line(state->probes[i].symbol, text, problems);
	if (kprobes_are_off())
		print_problem_line("kprobes", "are switched off: echo 1 > " KPROBES_SWITCH,
				   problems);
}

static void print_problem(const char *what, uint64_t count, size_t *problems)
{
	if (!count)
		return;
	print_key(*problems ? "" : "Missing");
	printf("%s%" PRIu64 " %s%s\n", term_tint(TINT_WARN), count, what, term_tint(TINT_NONE));
	++*problems;
}

/* A clear line on everything that may be missing, and what to do. */
static void print_problems(const struct state *state)
{
	const struct sshobs_stats *stats = &state->stats;
	size_t problems = 0;

	print_probe_problems(state, &problems);
	print_problem("connections were not followed: max_sessions, memory, or MPTCP",
		      stats->sessions_untracked, &problems);
	print_problem("processes were not followed: max_tasks, memory, or others' connections",
		      stats->tasks_untracked, &problems);
	print_problem("calls were not watched to their end: their failures are unknown",
		      stats->unwatched, &problems);
	print_problem("probe hits were skipped by the kernel", stats->missed, &problems);
	print_problem("records found no room: raise ring_kb", stats->dropped, &problems);
	if (!problems) {
		print_key("Missing");
		puts("nothing");
	}
}

static const char *probe_state(uint32_t flags, enum tint *tint)
{
	*tint = TINT_WARN;
	if (flags & SSHOBS_PROBE_SILENT)
		return "silent";
	if (!(flags & (SSHOBS_PROBE_ACTIVE | SSHOBS_PROBE_UNNEEDED)))
		return "absent";
	*tint = TINT_DIM;
	if (flags & SSHOBS_PROBE_UNNEEDED)
		return "not needed";
	*tint = TINT_GOOD;
	return flags & SSHOBS_PROBE_CORE ? "core" : "active";
}

/* What came of the trial, where there was one. */
static const char *probe_trial(uint32_t flags)
{
	if (!(flags & SSHOBS_PROBE_TRIED))
		return "-";
	return flags & SSHOBS_PROBE_SILENT ? "silent" : "fired";
}

static int print_probes(const struct state *state)
{
	static const struct column columns[] = {
		{ "PROBE", 0.4, 0 },
		{ "KIND", 10, 0 },
		{ "HITS", 4, SCOLS_FL_RIGHT },
		{ "MISSES", 6, SCOLS_FL_RIGHT },
		{ "TRIAL", 6, 0 },
		{ "STATE", 6, 0 },
	};
	struct libscols_table *table = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	size_t i;

	if (!table)
		return -ENOMEM;
	for (i = 0; i < state->n_probes; i++) {
		const struct sshobs_probe *probe = &state->probes[i];
		struct libscols_line *line = scols_table_new_line(table, NULL);
		const char *name;
		char number[32];
		enum tint tint;

		table_cell(line, 0, probe->symbol, TINT_BOLD);
		table_cell(line, 1, probe->kind, TINT_NONE);
		snprintf(number, sizeof(number), "%" PRIu64, (uint64_t)probe->hits);
		table_cell(line, 2, number, TINT_NONE);
		snprintf(number, sizeof(number), "%" PRIu64, (uint64_t)probe->misses);
		table_cell(line, 3, number, probe->misses ? TINT_WARN : TINT_NONE);
		table_cell(line, 4, probe_trial(probe->flags),
			   probe->flags & SSHOBS_PROBE_SILENT ? TINT_WARN : TINT_NONE);
		name = probe_state(probe->flags, &tint);
		table_cell(line, 5, name, tint);
	}
	return table_print(table);
}

static void print_module(const struct state *state)
{
	print_key("Reader");
	puts(SSHOBS_VERSION);
	print_key("Module");
	if (state->loaded)
		printf("%sloaded%s%s%s, on kernel %s\n", term_tint(TINT_GOOD), term_tint(TINT_NONE),
		       state->version[0] ? ", version " : "", state->version, state->kernel);
	else
		printf("%snot loaded%s, on kernel %s\n", term_tint(TINT_WARN), term_tint(TINT_NONE),
		       state->kernel);
}

static struct json_object *stats_object(const struct sshobs_stats *stats)
{
	struct json_object *object = json_object_new_object();

	json_add_u64(object, "written", stats->written);
	json_add_u64(object, "dropped", stats->dropped);
	json_add_u64(object, "overwritten", stats->overwritten);
	json_add_u64(object, "ring_bytes", stats->ring_bytes);
	json_add_u64(object, "readers", stats->readers);
	json_add_u64(object, "sessions", stats->sessions);
	json_add_u64(object, "sessions_total", stats->sessions_total);
	json_add_u64(object, "sessions_untracked", stats->sessions_untracked);
	json_add_u64(object, "tasks", stats->tasks);
	json_add_u64(object, "tasks_total", stats->tasks_total);
	json_add_u64(object, "tasks_untracked", stats->tasks_untracked);
	json_add_u64(object, "unwatched", stats->unwatched);
	json_add_u64(object, "missed", stats->missed);
	json_add_u64(object, "syns", stats->syns);
	json_add_u64(object, "syns_suppressed", stats->syns_suppressed);
	return object;
}

static struct json_object *probes_array(const struct state *state)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < state->n_probes; i++) {
		const struct sshobs_probe *probe = &state->probes[i];
		struct json_object *object = json_object_new_object();
		char text[160];

		json_add_bytes(object, "symbol", probe->symbol, strlen(probe->symbol));
		json_add_bytes(object, "kind", probe->kind, strlen(probe->kind));
		json_add_u64(object, "hits", probe->hits);
		json_add_u64(object, "misses", probe->misses);
		json_add_bool(object, "active", probe->flags & SSHOBS_PROBE_ACTIVE);
		json_add_bool(object, "needed", !(probe->flags & SSHOBS_PROBE_UNNEEDED));
		json_add_bool(object, "core", probe->flags & SSHOBS_PROBE_CORE);
		json_add_bool(object, "tried", probe->flags & SSHOBS_PROBE_TRIED);
		json_add_bool(object, "silent", probe->flags & SSHOBS_PROBE_SILENT);
		json_add_string(object, "problem",
				probe_problem(state, probe, text, sizeof(text)) ? text : NULL);
		json_object_array_add(array, object);
	}
	return array;
}

static void print_json(const struct state *state)
{
	struct json_object *object = json_object_new_object();
	struct json_object *parameters = json_object_new_object();
	size_t i;

	for (i = 0; i < state->n_parameters; i++)
		json_add_bytes(parameters, state->parameters[i].name, state->parameters[i].value,
			       strlen(state->parameters[i].value));
	json_add_string(object, "reader_version", SSHOBS_VERSION);
	json_add_bool(object, "loaded", state->loaded);
	json_add_string(object, "version", state->version[0] ? state->version : NULL);
	json_add_string(object, "kernel", state->kernel);
	json_add(object, "parameters", parameters);
	if (state->loaded && !state->open) {
		json_add_u64(object, "next_seq", state->info.next_seq);
		json_add_u64(object, "oldest_seq", state->info.oldest_seq);
		json_add(object, "stats", stats_object(&state->stats));
		json_add(object, "probes", probes_array(state));
	}
	json_print(object);
}

static int status_of(const struct state *state)
{
	if (!state->loaded)
		return fail(STATUS_NO_MODULE,
			    "the module is not loaded; load it with: sudo sshobs load");
	if (state->open == -EPERM || state->open == -EACCES)
		return fail(STATUS_NOT_PERMITTED,
			    SSHOBS_DEVICE ": not permitted; for counts and probes run it as root");
	if (state->open)
		return fail(STATUS_FAILURE,
			    SSHOBS_DEVICE ": %s; unload the module and load it again",
			    state->open < -10000 ? "of another version" : strerror(-state->open));
	return 0;
}

int command_status(const struct options *options)
{
	static struct state state;

	if (options->n_args || options->read)
		return fail(STATUS_USAGE, "status: takes no argument; usage: sshobs status");
	get_state(&state);
	if (options->output == OUTPUT_JSON) {
		print_json(&state);
		return status_of(&state);
	}
	print_module(&state);
	if (state.loaded && state.n_parameters)
		print_parameters(&state);
	if (state.loaded && !state.open) {
		print_counts(&state);
		print_problems(&state);
		putchar('\n');
		if (print_probes(&state))
			return fail(STATUS_FAILURE, "status: out of memory; try again");
	}
	return status_of(&state);
}
