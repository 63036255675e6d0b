// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "blame.h"
#include "causes.h"

/* A wait of the server that is shorter than this may be the scheduler's ordinary one. */
#define STARVED_NS 50000000ULL

/* How long a process took in the phase that it was seen in last. */
struct tally {
	const struct phase *phase;
	uint64_t ns;
};

/* What is needed to put spans together. */
struct ranking {
	const struct session *session;
	const struct login *login;
	struct blames *blames;
	size_t room;
	struct tally *tallies; /* by process->index */
};

bool blame_is_motd(const struct blame *blame)
{
	const struct program *program = blame_program(blame);

	return program && program_is_motd(program);
}

bool blame_is_starved(const struct blame *blame)
{
	uint64_t wait_ns = blame->wall_ns - blame->cpu_ns;

	return blame->why == WHY_DUE && wait_ns >= STARVED_NS && wait_ns >= blame->wall_ns / 2;
}

const struct program *blame_program(const struct blame *blame)
{
	return blame->process && blame->top ? model_program(blame->process) : NULL;
}

bool blame_same_connect(const struct event *a, const struct event *b)
{
	if (!a || !b)
		return a == b;
	return memcmp(&a->connect->peer, &b->connect->peer, sizeof(a->connect->peer)) == 0 &&
	       a->connect->path_len == b->connect->path_len &&
	       memcmp(a->data, b->data, a->connect->path_len) == 0;
}

/* The process that the server made, above a program or the program itself. */
static const struct process *find_top(const struct process *process)
{
	if (!process || process->server)
		return NULL;
	while (process->parent && !process->parent->server)
		process = process->parent;
	return process;
}

/* What a person would name: a script of update-motd.d, else what the server made. */
static const struct process *find_subject(const struct process *process, const struct process *top)
{
	const struct process *up;
	const struct program *program;

	for (up = process; top && up != top->parent; up = up->parent) {
		program = model_program(up);
		if (program && program_is_motd(program))
			return up;
	}
	return top ?: process;
}

/* The same culprit for the same reason. The wait of a program may have many. */
static bool belongs(const struct blame *blame, const struct blame *part)
{
	if (blame->phase != part->phase || blame->whose != part->whose)
		return false;
	if (blame->whose == WHOSE_CLIENT || blame->whose == WHOSE_NETWORK)
		return true;
	if (blame->process != part->process)
		return false;
	return blame->top ||
	       (blame->why == part->why && blame_same_connect(blame->connect, part->connect));
}

static struct blame *find_blame(const struct ranking *ranking, const struct blame *part)
{
	size_t i;

	for (i = ranking->blames->n; i-- > 0;)
		if (belongs(&ranking->blames->blames[i], part))
			return &ranking->blames->blames[i];
	return NULL;
}

static struct blame *add_blame(struct ranking *ranking, const struct blame *part)
{
	struct blames *blames = ranking->blames;

	if (blames->n == ranking->room) {
		size_t room = ranking->room ? 2 * ranking->room : 16;
		struct blame *more = reallocarray(blames->blames, room, sizeof(*more));

		if (!more)
			return NULL;
		blames->blames = more;
		ranking->room = room;
	}
	blames->blames[blames->n] = *part;
	return &blames->blames[blames->n++];
}

/* Which process below the culprit took the longest. */
static void note_deepest(struct ranking *ranking, struct blame *blame,
			 const struct process *process, uint64_t ns)
{
	struct tally *tally;

	if (!process || process == blame->process || !blame->top)
		return;
	tally = &ranking->tallies[process->index];
	if (tally->phase != blame->phase)
		tally->ns = 0;
	tally->phase = blame->phase;
	tally->ns += ns;
	if (tally->ns <= blame->deepest_ns && blame->deepest != process)
		return;
	blame->deepest = process;
	blame->deepest_ns = tally->ns;
}

static int add_part(struct ranking *ranking, const struct blame *part,
		    const struct process *process)
{
	struct blame *blame = find_blame(ranking, part);

	if (!blame) {
		blame = add_blame(ranking, part);
		if (!blame)
			return -ENOMEM;
	} else {
		blame->wall_ns += part->wall_ns;
		blame->cpu_ns += part->cpu_ns;
		if (part->connect && !blame->top) {
			blame->connect_ns += part->connect_ns;
		} else if (part->connect && part->connect_ns > blame->connect_ns) {
			blame->connect = part->connect;
			blame->connect_ns = part->connect_ns;
			blame->why = part->why;
		}
	}
	note_deepest(ranking, blame, process, part->wall_ns);
	return 0;
}

/* While the server computes it does not wait for the client: that part is its own. */
static int add_span(struct ranking *ranking, const struct span *span)
{
	const struct process *top = find_top(span->process);
	struct blame part = {
		.phase = &ranking->login->phases[span->phase],
		.whose = span->whose,
		.why = span->why,
		.process = find_subject(span->process, top),
		.top = top,
		.connect = span->event,
		.start_ns = span->start_ns,
		.wall_ns = span->end_ns - span->start_ns,
		.cpu_ns = span->cpu_ns,
	};
	struct blame own = part;

	if (span->event)
		part.connect_ns = part.wall_ns - part.cpu_ns;
	if (span->whose == WHOSE_SERVER || !span->cpu_ns)
		return add_part(ranking, &part, span->process);
	own.whose = WHOSE_SERVER;
	own.why = WHY_NOTHING;
	own.connect = NULL;
	own.wall_ns = span->cpu_ns;
	part.wall_ns -= span->cpu_ns;
	part.cpu_ns = 0;
	if (part.wall_ns && add_part(ranking, &part, span->process))
		return -ENOMEM;
	return add_part(ranking, &own, span->process);
}

/* How the client was let in, as the server's log has it. */
static bool let_in_by(const struct session *session, const char *method)
{
	size_t i, len;

	for (i = 0; i < session->n_kept; i++) {
		const struct event *event = &session->kept[i];
		const unsigned char *message;

		if (event->hdr->type != SSHOBS_LOG ||
		    event->hdr->time_ns != session->milestones.accepted_ns)
			continue;
		message = event_log_message(event, &len);
		return memmem(message, len, method, strlen(method));
	}
	return false;
}

static const char *cause_of_client(const struct session *session, const struct blame *blame)
{
	if (blame->phase->name != PHASE_AUTH)
		return NULL;
	if (let_in_by(session, "Accepted password ") || let_in_by(session, "Accepted keyboard-"))
		return "a person types a password";
	if (let_in_by(session, "Accepted publickey "))
		return "a passphrase, an agent or a token";
	return NULL;
}

static const char *find_cause(const struct ranking *ranking, const struct blame *blame)
{
	enum phase_name phase = blame->phase->name;
	const char *cause = NULL;

	if (blame->whose == WHOSE_CLIENT)
		return cause_of_client(ranking->session, blame);
	if (blame->connect && 2 * blame->connect_ns >= blame->wall_ns)
		cause = cause_of_connect(blame->connect, phase, !blame->top);
	if (blame->top && blame->top == ranking->login->shell)
		return cause_of_shell(blame->top) ?: cause;
	if (blame->top)
		return cause_of_program(blame->top, phase) ?: cause;
	if (blame->why == WHY_REFUSED)
		return "PAM's delay after a refused try: pam_unix without nodelay, pam_faildelay";
	if (blame->why == WHY_AS_USER)
		return "the user's files: a home on NFS or autofs?";
	return cause;
}

static int compare_blames(const void *a, const void *b)
{
	const struct blame *x = a, *y = b;

	if (x->wall_ns != y->wall_ns)
		return x->wall_ns > y->wall_ns ? -1 : 1;
	return x->start_ns < y->start_ns ? -1 : x->start_ns > y->start_ns;
}

int blame_rank(const struct session *session, const struct login *login, const struct spans *spans,
	       struct blames *blames)
{
	struct ranking ranking = { .session = session, .login = login, .blames = blames };
	size_t i;
	int err = 0;

	memset(blames, 0, sizeof(*blames));
	ranking.tallies = calloc((size_t)session->n_processes + 1, sizeof(*ranking.tallies));
	if (!ranking.tallies)
		return -ENOMEM;
	for (i = 0; i < spans->n && !err; i++)
		err = add_span(&ranking, &spans->spans[i]);
	free(ranking.tallies);
	for (i = 0; i < blames->n; i++)
		blames->blames[i].cause = find_cause(&ranking, &blames->blames[i]);
	if (blames->n)
		qsort(blames->blames, blames->n, sizeof(*blames->blames), compare_blames);
	return err;
}
