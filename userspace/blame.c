// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include "blame.h"
#include "causes.h"

/* A wait of the server that is shorter than this may be the scheduler's ordinary one. */
#define STARVED_NS 50000000ULL

/* How long the processes of one name took, below one culprit. */
struct tally {
	struct {
		size_t blame; /* its index */
		char comm[SSHOBS_COMM_LEN + 1];
	} key;
	const struct process *newest;
	uint64_t ns;
	size_t n;
	UT_hash_handle hh;
};

/* What is needed to put spans together. */
struct ranking {
	const struct session *session;
	const struct login *login;
	struct blames *blames;
	struct tally *tallies;
};

bool blame_is_motd(const struct blame *blame)
{
	const struct program *program = blame_program(blame);

	return program && program_is_motd(program);
}

uint64_t blame_wait(const struct blame *blame)
{
	return blame->wall_ns - blame->cpu_ns - blame->delay_ns;
}

bool blame_is_starved(const struct blame *blame)
{
	uint64_t lack_ns = blame->delay_ns;

	if (blame->why == WHY_DUE)
		lack_ns += blame_wait(blame);
	return lack_ns >= STARVED_NS && lack_ns >= blame->wall_ns / 2;
}

const struct program *blame_program(const struct blame *blame)
{
	return blame->process && blame->top ? model_program(blame->process) : NULL;
}

/* The process that the server made, above a program or the program itself. */
static const struct process *find_top(const struct process *process)
{
	if (!process || process->role != ROLE_PROGRAM)
		return NULL;
	while (process->parent && process->parent->role == ROLE_PROGRAM)
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

/* Some are run again and again: a helper of PAM, AuthorizedKeysCommand for each key. */
static bool same_program(const struct blame *a, const struct blame *b)
{
	const struct program *x = blame_program(a), *y = blame_program(b);

	if (a->process == b->process)
		return true;
	return x && y && x->path_len == y->path_len && memcmp(x->path, y->path, x->path_len) == 0;
}

/* The same culprit for the same reason. The wait of a program may have many. */
static bool belongs(const struct blame *blame, const struct blame *part)
{
	if (blame->phase != part->phase || blame->whose != part->whose)
		return false;
	if (blame->whose == WHOSE_CLIENT || blame->whose == WHOSE_NETWORK)
		return true;
	if (blame->top && part->top)
		return same_program(blame, part);
	if (blame->process != part->process)
		return false;
	return blame->why == part->why && connect_is_same(blame->connect, part->connect);
}

/* Its index; that of the next one if there is none. */
static size_t find_blame(const struct ranking *ranking, const struct blame *part)
{
	const struct blames *blames = ranking->blames;
	size_t i;

	for (i = blames->n; i > 0; i--)
		if (belongs(&blames->blames[i - 1], part))
			return i - 1;
	return blames->n;
}

static struct tally *find_tally(struct ranking *ranking, size_t blame,
				const struct process *process)
{
	struct tally wanted, *tally;

	memset(&wanted.key, 0, sizeof(wanted.key));
	wanted.key.blame = blame;
	snprintf(wanted.key.comm, sizeof(wanted.key.comm), "%s", process->comm);
	HASH_FIND(hh, ranking->tallies, &wanted.key, sizeof(wanted.key), tally);
	if (tally)
		return tally;
	tally = calloc(1, sizeof(*tally));
	if (!tally)
		return NULL;
	memcpy(&tally->key, &wanted.key, sizeof(tally->key));
	HASH_ADD(hh, ranking->tallies, key, sizeof(tally->key), tally);
	if (tally->hh.tbl)
		return tally;
	free(tally);
	return NULL;
}

/* Which name below the culprit took the longest. */
static int note_deepest(struct ranking *ranking, struct blame *blame, const struct process *subject,
			const struct process *process, uint64_t ns)
{
	struct tally *tally;

	if (!blame->top || process == subject)
		return 0;
	tally = find_tally(ranking, (size_t)(blame - ranking->blames->blames), process);
	if (!tally)
		return -ENOMEM;
	tally->n += tally->newest != process;
	tally->newest = process;
	tally->ns += ns;
	if (tally->ns < blame->deepest_ns)
		return 0;
	blame->deepest = process;
	blame->deepest_ns = tally->ns;
	blame->deepest_n = tally->n;
	return 0;
}

static void add_connect(struct blame *blame, const struct blame *part)
{
	if (!part->connect)
		return;
	if (!blame->top) {
		blame->connect_ns += part->connect_ns;
	} else if (part->connect_ns > blame->connect_ns) {
		blame->connect = part->connect;
		blame->connect_ns = part->connect_ns;
		blame->why = part->why;
	}
}

static int add_part(struct ranking *ranking, const struct blame *part,
		    const struct process *process)
{
	size_t at = find_blame(ranking, part);
	struct blame *blame = &ranking->blames->blames[at];

	if (at == ranking->blames->n) {
		ranking->blames->n++;
		*blame = *part;
	} else {
		blame->wall_ns += part->wall_ns;
		blame->cpu_ns += part->cpu_ns;
		blame->delay_ns += part->delay_ns;
		add_connect(blame, part);
	}
	blame->runs += !blame->runs || (blame->top && blame->newest != part->process);
	blame->newest = part->process;
	return note_deepest(ranking, blame, part->process, process, part->wall_ns);
}

/* While the server computes, or would, it does not wait for the client: that part is its own. */
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
		.delay_ns = span->delay_ns,
	};
	struct blame own;

	/* What it did last says nothing of the time in which it computed. */
	if (span_rest(span) < (part.wall_ns + 1) / 2 && !top) {
		part.why = WHY_NOTHING;
		part.connect = NULL;
	}
	own = part;
	if (part.connect)
		part.connect_ns = span_rest(span);
	if (span->whose == WHOSE_SERVER || (!span->cpu_ns && !span->delay_ns))
		return add_part(ranking, &part, span->process);
	own.whose = WHOSE_SERVER;
	own.why = WHY_NOTHING;
	own.connect = NULL;
	own.wall_ns = span->cpu_ns + span->delay_ns;
	part.wall_ns = span_rest(span);
	part.cpu_ns = 0;
	part.delay_ns = 0;
	if (part.wall_ns && add_part(ranking, &part, span->process))
		return -ENOMEM;
	return add_part(ranking, &own, span->process);
}

static const char *cause_of_client(const struct session *session, const struct blame *blame)
{
	if (blame->phase->name != PHASE_AUTH)
		return NULL;
	if (session_let_in_by(session, "password") ||
	    session_let_in_by(session, "keyboard-interactive"))
		return "a person types a password";
	if (session_let_in_by(session, "publickey"))
		return "a passphrase, an agent or a token";
	return NULL;
}

static const char *find_cause(const struct ranking *ranking, const struct blame *blame)
{
	enum phase_name phase = blame->phase->name;
	const char *cause = NULL;

	if (blame_is_starved(blame))
		return "too few processors, a CPU limit, or steal";
	if (blame->whose == WHOSE_CLIENT)
		return cause_of_client(ranking->session, blame);
	if (blame->connect && 2 * blame->connect_ns >= blame->wall_ns)
		cause = cause_of_connect(blame->connect, phase, !blame->top);
	if (blame->top && blame->top == ranking->login->shell)
		return cause_of_shell(blame->top) ?: cause;
	if (blame->top)
		return cause_of_program(blame->top, phase) ?: cause;
	if (blame->why == WHY_DROPPED)
		return "it accepts too slowly, or net.core.somaxconn is too small";
	if (blame->why == WHY_REFUSED)
		return "pam_unix without nodelay, pam_faildelay";
	if (blame->why == WHY_AS_USER)
		return "the user's files: a home on NFS or autofs?";
	return cause;
}

static void free_tallies(struct ranking *ranking)
{
	struct tally *tally = ranking->tallies, *next;

	HASH_CLEAR(hh, ranking->tallies);
	for (; tally; tally = next) {
		next = tally->hh.next;
		free(tally);
	}
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

	/* A span has no more than two: who waited, and who computed. */
	blames->n = 0;
	blames->blames = calloc(2 * spans->n + 1, sizeof(*blames->blames));
	if (!blames->blames)
		return -ENOMEM;
	for (i = 0; i < spans->n && !err; i++)
		err = add_span(&ranking, &spans->spans[i]);
	free_tallies(&ranking);
	for (i = 0; i < blames->n; i++)
		blames->blames[i].cause = find_cause(&ranking, &blames->blames[i]);
	qsort(blames->blames, blames->n, sizeof(*blames->blames), compare_blames);
	return err;
}
