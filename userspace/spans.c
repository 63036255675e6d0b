// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "spans.h"
#include "spans_fill.h"
#include "turns.h"
#include "why.h"

/* What is needed to explain a gap. */
struct sweep {
	const struct session *session;
	const struct login *login;
	struct replay replay;
	struct turns turns;
	struct spans *spans;
	uint64_t *points; /* moments at which something changes, in order */
	size_t n_points;
	const struct process **spine; /* the last process and its ancestors, oldest first */
	size_t n_spine;
	size_t tip; /* of @spine, those that have appeared */
	size_t ender; /* index of the event that ends the gap; NO_EVENT */
	bool typed; /* its person may have typed a password */
};

static int compare_points(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void add_point(struct sweep *sweep, uint64_t time_ns)
{
	if (time_ns > sweep->login->start_ns && time_ns < sweep->login->end_ns)
		sweep->points[sweep->n_points++] = time_ns;
}

/* Everything at which the explanation may change: events, and what they tell of the past. */
static int find_points(struct sweep *sweep)
{
	const struct session *session = sweep->session;
	size_t i, n = 0;

	sweep->points = calloc(2 * session->n_kept + 2 * sweep->turns.n + sweep->login->n + 3,
			       sizeof(*sweep->points));
	if (!sweep->points)
		return -ENOMEM;
	for (i = 0; i < session->n_kept; i++) {
		const struct event *event = &session->kept[i];

		if (event->hdr->pid)
			add_point(sweep, event->hdr->time_ns);
		if (event->hdr->type == SSHOBS_CONNECT && event->connect->duration_ns)
			add_point(sweep, event->hdr->time_ns - event->connect->duration_ns);
	}
	for (i = 0; i < sweep->turns.n; i++) {
		add_point(sweep, sweep->turns.turns[i].start_ns);
		add_point(sweep, sweep->turns.turns[i].end_ns);
	}
	for (i = 0; i < sweep->login->n; i++)
		add_point(sweep, sweep->login->phases[i].end_ns);
	add_point(sweep, session->established.synack_ns);
	qsort(sweep->points, sweep->n_points, sizeof(*sweep->points), compare_points);
	for (i = 0; i < sweep->n_points; i++)
		if (!n || sweep->points[i] != sweep->points[n - 1])
			sweep->points[n++] = sweep->points[i];
	sweep->n_points = n;
	return 0;
}

/*
 * The process that the login ended in, and those it descends from: it exists because of
 * them, so that the youngest of them that is there at a moment is the one to ask.
 */
static int find_spine(struct sweep *sweep)
{
	const struct process *process = sweep->login->last;
	size_t n;

	if (!process)
		process = sweep->session->processes;
	n = process ? (size_t)process->depth + 1 : 0;
	sweep->spine = calloc(n + 1, sizeof(struct process *));
	if (!sweep->spine)
		return -ENOMEM;
	for (; process && sweep->n_spine < n; process = process->parent)
		sweep->spine[n - ++sweep->n_spine] = process;
	return 0;
}

static struct actor *spine_tip(struct sweep *sweep)
{
	size_t tip = sweep->tip;

	while (tip < sweep->n_spine && replay_actor(&sweep->replay, sweep->spine[tip])->born)
		tip++;
	sweep->tip = tip;
	return tip ? replay_actor(&sweep->replay, sweep->spine[tip - 1]) : NULL;
}

/* Whether an event happens in a process, or in one that descends from it. */
static bool happens_in(const struct sweep *sweep, size_t event, const struct actor *actor)
{
	const struct process *process =
		event == NO_EVENT ? NULL : sweep->replay.moments[event].actor->process;

	while (process && process->depth > actor->process->depth)
		process = process->parent;
	return process == actor->process;
}

/*
 * Whether a process waits for its child: the child ends before the process does anything,
 * and what the process computes meanwhile leaves room for it.
 */
static bool waits_for(const struct sweep *sweep, const struct actor *parent,
		      const struct actor *child)
{
	const struct replay *replay = &sweep->replay;
	struct usage used;
	uint64_t from, to, busy, overlap;

	if (child->exit > parent->next)
		return false;
	if (parent->next == NO_EVENT || parent->last == NO_EVENT)
		return true;
	from = replay_time(replay, parent->last);
	to = replay_time(replay, parent->next);
	used = replay_usage(replay, parent->last, parent->next);
	busy = used.cpu_ns + used.delay_ns;
	overlap = replay_time(replay, child->exit) - from;
	if (child->process->start_ns > from)
		overlap = replay_time(replay, child->exit) - child->process->start_ns;
	return busy < to - from && to - from - busy >= overlap / 2;
}

/* Of two children that are waited for: the one that ends the gap, else that ends last. */
static struct actor *pick(const struct sweep *sweep, struct actor *best, struct actor *child)
{
	if (!best || happens_in(sweep, sweep->ender, child))
		return child;
	if (happens_in(sweep, sweep->ender, best) || best->exit >= child->exit)
		return best;
	return child;
}

static struct actor *descend(const struct sweep *sweep, struct actor *actor)
{
	struct actor *child, *best;

	do {
		best = NULL;
		for (child = actor->children; child; child = child->younger)
			if (waits_for(sweep, actor, child))
				best = pick(sweep, best, child);
		if (best)
			actor = best;
	} while (best);
	return actor;
}

/* The next of those alive that the server or one of its own processes made: parents first. */
static struct actor *next_made(const struct replay *replay, struct actor *actor)
{
	if (actor_is_server(actor) && actor->children)
		return actor->children;
	while (!actor->younger && actor->process->parent)
		actor = replay_actor(replay, actor->process->parent);
	return actor->younger;
}

/*
 * A program that one of the server's processes runs and waits for, or NULL. No recursion:
 * nothing bounds the depth of that tree.
 */
static struct actor *find_program(const struct sweep *sweep)
{
	const struct replay *replay = &sweep->replay;
	struct actor *actor, *best = NULL;

	for (actor = replay->roots; actor; actor = next_made(replay, actor)) {
		const struct process *parent = actor->process->parent;

		if (actor_is_server(actor))
			continue;
		if (!parent || waits_for(sweep, replay_actor(replay, parent), actor))
			best = pick(sweep, best, actor);
	}
	return best;
}

/* The process that explains the gap that now begins; NULL: the task that accepted. */
static struct actor *find_culprit(struct sweep *sweep)
{
	struct actor *tip = spine_tip(sweep);
	struct actor *program, *ender = NULL;

	if (tip && tip->process->role == ROLE_PROGRAM)
		return descend(sweep, tip);
	program = find_program(sweep);
	if (program)
		return descend(sweep, program);
	if (sweep->ender != NO_EVENT)
		ender = sweep->replay.moments[sweep->ender].actor;
	if (ender && actor_is_server(ender) && (ender->alive || !ender->process))
		return ender;
	return tip;
}

/*
 * Whether the server went on without the client: until it has become the user. Of root's
 * logins it cannot be told.
 */
static bool sets_up_alone(const struct session *session, uint64_t time_ns)
{
	const struct milestones *at = &session->milestones;
	uint32_t uid;

	if (at->dropped_ns)
		return time_ns < at->dropped_ns;
	return !model_user(session, &uid) || uid;
}

/* Whose time it was that a process of the server waited, if nothing tells for what. */
static enum whose whose_wait(const struct sweep *sweep, const struct span *span)
{
	switch (sweep->login->phases[span->phase].name) {
	case PHASE_BANNER:
	case PHASE_KEX:
	case PHASE_AUTH:
		return WHOSE_CLIENT;
	case PHASE_SESSION:
		return sets_up_alone(sweep->session, span->start_ns) ? WHOSE_SERVER : WHOSE_UNKNOWN;
	case PHASE_UNKNOWN:
		return WHOSE_UNKNOWN;
	default:
		return WHOSE_SERVER;
	}
}

static bool is_clear_text(enum phase_name name)
{
	return name == PHASE_BANNER || name == PHASE_KEX;
}

static void explain_by(struct sweep *sweep, struct actor *actor, struct span *span)
{
	enum phase_name name = sweep->login->phases[span->phase].name;

	span->process = actor->process;
	span->why = why_find(&sweep->replay, actor, span->start_ns, &span->event);
	span->whose = WHOSE_SERVER;
	if (!actor_is_server(actor))
		return;
	if (span->why == WHY_FAILED || (name == PHASE_AUTH && span->why == WHY_CONNECTED &&
					sweep->typed && !why_is_retried(&sweep->replay, actor)))
		span->whose = WHOSE_UNKNOWN;
	if (span->why != WHY_NOTHING)
		return;
	if (is_clear_text(name) && turns_due(&sweep->turns, span->start_ns))
		span->why = WHY_DUE;
	else
		span->whose = whose_wait(sweep, span);
}

/* The next event of a process; the network's have none. */
static void find_ender(struct sweep *sweep)
{
	const struct replay *replay = &sweep->replay;

	if (sweep->ender != NO_EVENT && sweep->ender < replay->at)
		sweep->ender = replay->at;
	while (sweep->ender != NO_EVENT && !replay->moments[sweep->ender].actor)
		if (++sweep->ender >= sweep->session->n_kept)
			sweep->ender = NO_EVENT;
}

/* A SYN that was dropped comes again; until one is answered, the network has done its part. */
static void explain_handshake(const struct sshobs_established *established, struct span *span)
{
	span->whose = WHOSE_NETWORK;
	if (!established->syns_dropped ||
	    (established->synack_ns && span->start_ns >= established->synack_ns))
		return;
	span->whose = WHOSE_SERVER;
	span->why = WHY_DROPPED;
}

static void explain(struct sweep *sweep, struct span *span)
{
	struct actor *culprit;

	replay_until(&sweep->replay, span->start_ns);
	span->phase = phase_at(sweep->login, span->start_ns);
	switch (sweep->login->phases[span->phase].name) {
	case PHASE_HANDSHAKE:
		explain_handshake(&sweep->session->established, span);
		return;
	case PHASE_QUEUE:
		span->whose = WHOSE_SERVER;
		span->why = WHY_QUEUED;
		return;
	default:
		find_ender(sweep);
		culprit = find_culprit(sweep);
		explain_by(sweep, culprit ?: replay_actor(&sweep->replay, NULL), span);
	}
}

static int explain_all(struct sweep *sweep)
{
	struct spans *spans = sweep->spans;
	uint64_t from = sweep->login->start_ns;
	size_t i;

	spans->spans = calloc(sweep->n_points + 1, sizeof(*spans->spans));
	if (!spans->spans)
		return -ENOMEM;
	for (i = 0; i <= sweep->n_points; i++) {
		uint64_t to = i < sweep->n_points ? sweep->points[i] : sweep->login->end_ns;
		struct span *span = &spans->spans[spans->n];

		if (to <= from)
			continue;
		span->start_ns = from;
		span->end_ns = to;
		explain(sweep, span);
		spans->n++;
		from = to;
	}
	return 0;
}

uint64_t span_rest(const struct span *span)
{
	return span->end_ns - span->start_ns - span->cpu_ns - span->delay_ns;
}

static void add_shares(struct login *login, const struct spans *spans)
{
	size_t i;

	for (i = 0; i < spans->n; i++) {
		const struct span *span = &spans->spans[i];
		struct shares *shares = &login->phases[span->phase].shares;
		uint64_t rest = span_rest(span);

		shares->cpu_ns += span->cpu_ns;
		shares->delay_ns += span->delay_ns;
		switch (span->whose) {
		case WHOSE_SERVER:
			shares->wait_ns += rest;
			break;
		case WHOSE_CLIENT:
			shares->client_ns += rest;
			break;
		case WHOSE_NETWORK:
			shares->network_ns += rest;
			break;
		case WHOSE_UNKNOWN:
			shares->unknown_ns += rest;
			break;
		}
	}
}

bool session_let_in_by(const struct session *session, const char *method)
{
	const struct bytes *by = &session->evidence.method;

	return by->len >= strlen(method) && memcmp(by->at, method, strlen(method)) == 0;
}

bool connect_is_same(const struct event *a, const struct event *b)
{
	if (!a || !b)
		return a == b;
	return memcmp(&a->connect->peer, &b->connect->peer, sizeof(a->connect->peer)) == 0 &&
	       a->connect->path_len == b->connect->path_len &&
	       memcmp(a->data, b->data, a->connect->path_len) == 0;
}

/* Whether the client was, or tried to be, let in with something that a person types. */
static bool is_typed(const struct session *session)
{
	static const char *const methods[] = { "publickey", "hostbased", "gssapi-" };
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (session_let_in_by(session, methods[i]))
			return false;
	return true;
}

int spans_cut(const struct session *session, struct login *login, struct spans *spans)
{
	struct sweep sweep = {
		.session = session,
		.login = login,
		.spans = spans,
		.typed = is_typed(session),
	};
	int err;

	memset(spans, 0, sizeof(*spans));
	if (!login->n || !session->n_kept)
		return 0;
	err = replay_init(&sweep.replay, session);
	err = err ?: turns_find(session, &sweep.turns);
	err = err ?: find_points(&sweep);
	err = err ?: find_spine(&sweep);
	err = err ?: explain_all(&sweep);
	err = err ?: spans_fill(&sweep.replay, login, spans);
	if (!err)
		add_shares(login, spans);
	replay_free(&sweep.replay);
	free(sweep.turns.turns);
	free(sweep.points);
	free(sweep.spine);
	return err;
}

void spans_free(struct spans *spans)
{
	free(spans->spans);
	free(spans->slices);
}
