// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../kmod/text.h"
#include "escape.h"
#include "json_build.h"
#include "term.h"
#include "view_limits.h"

/* What it is called where it is set, and what comes of it: once, and more often. */
static const struct {
	const char *setting;
	const char *one;
	const char *more;
} words[] = {
	[LIMIT_NPROC] = { "RLIMIT_NPROC", "a fork failed", "forks failed" },
	[LIMIT_PIDS] = { "pids.max of a cgroup", "a fork failed", "forks failed" },
	[LIMIT_SYSTEM] = { "kernel.threads-max or kernel.pid_max", "a fork failed",
			   "forks failed" },
	[LIMIT_NPROC_EXEC] = { "RLIMIT_NPROC", "probably an exec failed",
			       "times probably an exec failed" },
	[LIMIT_NOFILE] = { "RLIMIT_NOFILE", "the server says", "times, the last" },
	[LIMIT_NOFILE_FULL] = { "RLIMIT_NOFILE", "a process ended with no descriptor free",
				"processes ended with no descriptor free" },
	[LIMIT_NOFILE_ONE] = { "RLIMIT_NOFILE",
			       "a process failed with one descriptor free, too few for a pipe",
			       "processes failed with one descriptor free, too few for a pipe" },
	[LIMIT_PTY] = { "kernel.pty.max, or max= of devpts", "no pseudo terminal",
			"times no pseudo terminal" },
	[LIMIT_AS] = { "RLIMIT_AS", "an exec failed", "execs failed" },
	[LIMIT_AS_127] = { "RLIMIT_AS",
			   "a program exited with 127, as where a library does not fit",
			   "programs exited with 127, as where a library does not fit" },
	[LIMIT_DATA_127] = { "RLIMIT_DATA",
			     "a program exited with 127, as where a library does not fit",
			     "programs exited with 127, as where a library does not fit" },
	[LIMIT_MAX_SESSIONS] = { "MaxSessions", "the server says", "times, the last" },
	[LIMIT_MAX_STARTUPS] = { "MaxStartups", "the server says", "times, the last" },
	[LIMIT_ACCEPT_QUEUE] = { "accept queue full", "a SYN was dropped", "SYNs were dropped" },
};

/* The process is the one that the words are about. */
static bool is_about_an_end(enum limit_kind kind)
{
	return kind == LIMIT_NOFILE_FULL || kind == LIMIT_NOFILE_ONE || kind == LIMIT_AS_127 ||
	       kind == LIMIT_DATA_127;
}

static void put_used(FILE *out, enum limit_kind kind, const struct limit_hit *hit)
{
	unsigned long long used = hit->used, soft = hit->soft;

	if (hit->soft == SSHOBS_UNLIMITED)
		return;
	if (kind == LIMIT_AS || kind == LIMIT_AS_127)
		fprintf(out, ", %llu KiB of address space allowed", soft / 1024);
	else if (kind == LIMIT_DATA_127)
		fprintf(out, ", %llu KiB of data allowed", soft / 1024);
	else if (kind == LIMIT_NOFILE_FULL || kind == LIMIT_NOFILE_ONE)
		fprintf(out, ", %llu of %llu descriptors", used, soft);
	else if (kind == LIMIT_ACCEPT_QUEUE)
		fprintf(out, ", %llu of %llu connections waited", used, soft);
	else
		fprintf(out, ", %llu of %llu processes", used, soft);
}

static void put_hit(FILE *out, enum limit_kind kind, const struct limit_hit *hit)
{
	const char *error = hit->error ? sshobs_errno_name(hit->error) : NULL;

	fprintf(out, "%s: ", words[kind].setting);
	if (hit->count > 1)
		fprintf(out, "%u %s", hit->count, words[kind].more);
	else
		fputs(words[kind].one, out);
	if (hit->pid) {
		fputs(hit->quote.at || is_about_an_end(kind) ? ": " : " in ", out);
		escape_string(out, hit->comm);
		fprintf(out, "[%u]", hit->pid);
	}
	if (hit->quote.at) {
		fputs(": ", out);
		escape_put(out, hit->quote.at, hit->quote.len);
	}
	if (error)
		fprintf(out, ": %s", error);
	put_used(out, kind, hit);
}

static char *sentence(enum limit_kind kind, const struct limit_hit *hit)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_hit(out, kind, hit);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

void view_limits_summary(const struct session *session)
{
	enum limit_kind kind;

	for (kind = 0; kind < LIMIT_KINDS; kind++) {
		const struct limit_hit *hit = &session->limits.hits[kind];
		char *text = hit->count ? sentence(kind, hit) : NULL;

		if (!text)
			continue;
		print_key("Limit");
		term_wrap(text, KEY_COLUMNS, TINT_BAD);
		free(text);
	}
}

static void add_number(struct json_object *object, const char *key, uint64_t number)
{
	if (number == SSHOBS_UNLIMITED)
		json_add(object, key, NULL);
	else
		json_add_u64(object, key, number);
}

static struct json_object *hit_object(enum limit_kind kind, const struct limit_hit *hit)
{
	struct json_object *object = json_object_new_object();
	char *text = sentence(kind, hit);

	json_add_string(object, "limit", limit_name(kind));
	json_add_u64(object, "count", hit->count);
	if (hit->pid) {
		json_add_u64(object, "pid", hit->pid);
		json_add_bytes(object, "comm", hit->comm, strlen(hit->comm));
	}
	if (hit->error)
		json_add_symbol(object, "errno", sshobs_errno_name(hit->error), hit->error);
	add_number(object, "soft", hit->soft);
	add_number(object, "used", hit->used);
	json_add_bool(object, "concluded", limit_is_concluded(kind));
	json_add_string(object, "text", text);
	free(text);
	return object;
}

void view_limits_json(struct json_object *object, const struct session *session)
{
	struct json_object *array = json_object_new_array();
	enum limit_kind kind;

	for (kind = 0; kind < LIMIT_KINDS; kind++) {
		const struct limit_hit *hit = &session->limits.hits[kind];

		if (hit->count)
			json_object_array_add(array, hit_object(kind, hit));
	}
	json_add(object, "limits", array);
}
