// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spans_fill.h"

/* No span before this one. */
#define NONE SIZE_MAX

/* In which order spans are linked to the one before of the same kind. */
enum chain {
	CHAIN_OWN, /* one process explains them */
	CHAIN_SERVER, /* any process of the server does, and the time is the server's */
	CHAIN_IDLE, /* the same, but it may be the client's time */
	N_CHAINS,
};

/* The spans of a login, linked, while slices are gone through in order. */
struct share {
	const struct replay *replay;
	struct spans *spans;
	size_t *previous; /* for each span, the one before it in the chain */
	size_t *own; /* for each actor, its newest span until now */
	size_t shared; /* the newest one of the server until now */
	size_t passed; /* spans until now */
	struct usage *left; /* for each slice: what found no span yet */
};

static bool in_chain(const struct span *span, enum chain chain)
{
	bool server = !span->process || span->process->role != ROLE_PROGRAM;

	if (span->whose == WHOSE_NETWORK || span->why == WHY_QUEUED || span->why == WHY_DROPPED)
		return false;
	if (chain == CHAIN_IDLE)
		return server && span->whose != WHOSE_SERVER;
	return span->whose == WHOSE_SERVER && (chain == CHAIN_OWN || server);
}

static size_t *newest(struct share *share, const struct process *process, enum chain chain)
{
	if (chain != CHAIN_OWN)
		return &share->shared;
	return &share->own[replay_actor(share->replay, process) - share->replay->actors];
}

static void pass_spans(struct share *share, uint64_t time_ns, enum chain chain)
{
	for (; share->passed < share->spans->n; share->passed++) {
		const struct span *span = &share->spans->spans[share->passed];
		size_t *last;

		if (span->end_ns > time_ns)
			break;
		if (!in_chain(span, chain))
			continue;
		last = newest(share, span->process, chain);
		share->previous[share->passed] = *last;
		*last = share->passed;
	}
}

/* Fill spans backward from the end of the slice; those that are full are unlinked. */
static void fill(struct share *share, const struct slice *slice, uint64_t *left, enum chain chain,
		 bool delay)
{
	size_t *link = newest(share, slice->process, chain);

	while (*link != NONE && *left) {
		struct span *span = &share->spans->spans[*link];
		uint64_t part = span_rest(span) < *left ? span_rest(span) : *left;

		if (span->start_ns < slice->start_ns)
			break;
		if (delay)
			span->delay_ns += part;
		else
			span->cpu_ns += part;
		*left -= part;
		if (span_rest(span))
			link = &share->previous[*link];
		else
			*link = share->previous[*link];
	}
}

static void share_chain(struct share *share, enum chain chain, bool delay)
{
	const struct spans *spans = share->spans;
	size_t i;

	share->passed = 0;
	share->shared = NONE;
	for (i = 0; i < share->replay->n_actors; i++)
		share->own[i] = NONE;
	for (i = 0; i < spans->n_slices; i++) {
		const struct slice *slice = &spans->slices[i];
		struct usage *left = &share->left[i];

		pass_spans(share, slice->end_ns, chain);
		if (chain == CHAIN_OWN || !slice->process || slice->process->role != ROLE_PROGRAM)
			fill(share, slice, delay ? &left->delay_ns : &left->cpu_ns, chain, delay);
	}
}

static uint64_t less(uint64_t ns, uint64_t part)
{
	return ns > part ? ns - part : 0;
}

/* What a process did before an event; of what lies beyond the login, the least is taken. */
static void add_slice(struct spans *spans, const struct replay *replay, size_t i,
		      const struct login *login)
{
	const struct moment *moment = &replay->moments[i];
	const struct process *process = moment->actor->process;
	struct slice *slice = &spans->slices[spans->n_slices];
	uint64_t beyond;

	if (moment->previous != NO_EVENT)
		slice->start_ns = replay_time(replay, moment->previous);
	else if (process && process->start_ns)
		slice->start_ns = process->start_ns;
	else
		return;
	slice->process = process;
	slice->end_ns = replay_time(replay, i);
	slice->used = replay_usage(replay, moment->previous, i);
	beyond = less(slice->end_ns, login->end_ns);
	slice->end_ns -= beyond;
	slice->used.cpu_ns = less(slice->used.cpu_ns, beyond);
	slice->used.delay_ns = less(slice->used.delay_ns, beyond);
	if (slice->start_ns < slice->end_ns)
		spans->n_slices++;
}

static int find_slices(const struct replay *replay, const struct login *login, struct spans *spans)
{
	size_t n = replay->session->n_kept;
	size_t i;

	spans->slices = calloc(n + 1, sizeof(*spans->slices));
	if (!spans->slices)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (replay->moments[i].actor)
			add_slice(spans, replay, i, login);
	return 0;
}

int spans_fill(const struct replay *replay, const struct login *login, struct spans *spans)
{
	struct share share = { .replay = replay, .spans = spans };
	int err = find_slices(replay, login, spans);
	enum chain chain;
	size_t i;

	share.previous = calloc(spans->n + 1, sizeof(*share.previous));
	share.own = calloc(replay->n_actors, sizeof(*share.own));
	share.left = calloc(spans->n_slices + 1, sizeof(*share.left));
	if (!share.previous || !share.own || !share.left)
		err = -ENOMEM;
	for (i = 0; i < spans->n_slices && !err; i++)
		share.left[i] = spans->slices[i].used;
	for (chain = CHAIN_OWN; chain < N_CHAINS && !err; chain++)
		share_chain(&share, chain, false);
	for (chain = CHAIN_OWN; chain < N_CHAINS && !err; chain++)
		share_chain(&share, chain, true);
	free(share.previous);
	free(share.own);
	free(share.left);
	return err;
}
