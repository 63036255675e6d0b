// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../kmod/text.h"
#include "blame_words.h"
#include "format.h"
#include "json_build.h"
#include "term.h"
#include "view_blame.h"

/* Without -a, culprits of less than a hundredth of the login are put together. */
#define SMALL 100

static char *sentence(const struct story *story, const struct blame *blame)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	blame_put(out, blame, story->session);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* Where there is nothing to rank. */
static void print_none(const struct session *session)
{
	if (session->adopted)
		puts("nobody: it was up before the module was loaded, its login was not seen");
	else if (!session->born)
		puts("nobody: its beginning is no longer there");
	else
		puts("nobody: it took no time");
}

static enum tint tint_of(const struct blame *blame)
{
	if (blame->whose == WHOSE_CLIENT || blame->whose == WHOSE_NETWORK)
		return TINT_NAME;
	return blame->wall_ns >= (uint64_t)NS_PER_SEC ? TINT_BAD : TINT_NONE;
}

static void print_rest(size_t n, uint64_t ns)
{
	char buf[FORMAT_MAX];

	if (n)
		printf("%s%s in %zu more; -a shows all%s\n", term_tint(TINT_DIM),
		       format_duration(buf, ns), n, term_tint(TINT_NONE));
}

int view_blame(const struct story *story, bool all)
{
	uint64_t rest_ns = 0;
	size_t i, rest = 0;

	if (!story->blames.n)
		print_none(story->session);
	for (i = 0; i < story->blames.n; i++) {
		const struct blame *blame = &story->blames.blames[i];
		char *text;

		if (i && !all && blame->wall_ns < story_ns(story) / SMALL) {
			rest++;
			rest_ns += blame->wall_ns;
			continue;
		}
		text = sentence(story, blame);
		if (!text)
			return -ENOMEM;
		term_wrap(text, 0, tint_of(blame));
		free(text);
	}
	print_rest(rest, rest_ns);
	return 0;
}

static const char *whose_name(enum whose whose)
{
	static const char *const names[] = {
		[WHOSE_SERVER] = "server",
		[WHOSE_CLIENT] = "client",
		[WHOSE_NETWORK] = "network",
		[WHOSE_UNKNOWN] = "unknown",
	};

	return names[whose];
}

static void add_followed(struct json_object *object, const struct event *connect)
{
	struct json_object *followed = NULL;

	if (connect) {
		followed = json_object_new_object();
		if (connect->connect->peer.family == AF_UNIX)
			json_add_bytes(followed, "path", connect->data, connect->connect->path_len);
		else
			json_add_endpoint(followed, "addr", "port", &connect->connect->peer);
		if (connect->connect->protocol)
			json_add_symbol(followed, "protocol",
					sshobs_protocol_name(connect->connect->protocol),
					connect->connect->protocol);
	}
	json_add(object, "followed", followed);
}

static void add_deepest(struct json_object *object, const struct blame *blame)
{
	struct json_object *one = NULL;

	if (blame->deepest) {
		one = json_object_new_object();
		json_add_u64(one, "pid", blame->deepest->pid);
		json_add_bytes(one, "comm", blame->deepest->comm, strlen(blame->deepest->comm));
		json_add_u64(one, "count", blame->deepest_n);
		json_add_u64(one, "wall_ns", blame->deepest_ns);
	}
	json_add(object, "mostly", one);
}

static void add_culprit(struct json_object *object, const struct story *story,
			const struct blame *blame)
{
	const struct program *program = blame_program(blame);
	const struct process *process = blame->process;
	const char *comm = process ? process->comm : story->session->acceptor_comm;

	if (blame->whose == WHOSE_NETWORK) {
		json_add(object, "pid", NULL);
		json_add(object, "comm", NULL);
	} else {
		json_add_u64(object, "pid", process ? process->pid : story->session->acceptor_pid);
		json_add_bytes(object, "comm", comm, strlen(comm));
	}
	if (program)
		json_add_path(object, program->path, program->path_len, program->path_total);
	else
		json_add(object, "path", NULL);
	json_add_bool(object, "motd", blame_is_motd(blame));
	json_add_u64(object, "runs", blame->runs);
}

static int print_object(const struct story *story, const struct origin *origin,
			const struct blame *blame)
{
	struct json_object *object = json_object_new_object();
	char *text = sentence(story, blame);

	if (!text)
		return -ENOMEM;
	json_add_origin(object, origin);
	json_add_u64(object, "session", story->session->id);
	json_add_string(object, "phase", phase_name(blame->phase->name));
	json_add_string(object, "whose", whose_name(blame->whose));
	add_culprit(object, story, blame);
	add_deepest(object, blame);
	add_followed(object, blame->connect);
	json_add_bool(object, "starved", blame_is_starved(blame));
	json_add_ns(object, "start_ns", blame->start_ns);
	json_add_u64(object, "wall_ns", blame->wall_ns);
	json_add_u64(object, "cpu_ns", blame->cpu_ns);
	json_add_u64(object, "run_delay_ns", blame->delay_ns);
	json_add_string(object, "cause", blame->cause);
	json_add_string(object, "text", text);
	json_print(object);
	free(text);
	return 0;
}

int view_blame_json(const struct story *story, const struct origin *origin)
{
	size_t i;
	int err = 0;

	for (i = 0; i < story->blames.n && !err; i++)
		err = print_object(story, origin, &story->blames.blames[i]);
	return err;
}
