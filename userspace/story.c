// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "story.h"

int story_tell(const struct model *model, const struct session *session, struct story *story)
{
	memset(story, 0, sizeof(*story));
	story->session = session;
	phases_cut(model, session, &story->login);
	return spans_cut(session, &story->login, &story->spans) ?:
		       blame_rank(session, &story->login, &story->spans, &story->blames);
}

void story_free(struct story *story)
{
	spans_free(&story->spans);
	free(story->blames.blames);
}

uint64_t story_ns(const struct story *story)
{
	return story->login.end_ns - story->login.start_ns;
}

static uint64_t *total_of(struct totals *totals, const struct phase *phase)
{
	if (phase->last == PHASE_HANDSHAKE)
		return &totals->network_ns;
	if (phase->first > PHASE_HANDSHAKE && phase->last <= PHASE_AUTH)
		return &totals->auth_ns;
	if (phase->name == PHASE_SESSION)
		return &totals->session_ns;
	return phase->name == PHASE_SHELL ? &totals->shell_ns : &totals->unknown_ns;
}

void story_totals(const struct story *story, struct totals *totals)
{
	struct shares *sum = &totals->shares;
	size_t i;

	memset(totals, 0, sizeof(*totals));
	for (i = 0; i < story->login.n; i++) {
		const struct phase *phase = &story->login.phases[i];

		*total_of(totals, phase) += phase_ns(phase);
		sum->cpu_ns += phase->shares.cpu_ns;
		sum->delay_ns += phase->shares.delay_ns;
		sum->wait_ns += phase->shares.wait_ns;
		sum->client_ns += phase->shares.client_ns;
		sum->network_ns += phase->shares.network_ns;
		sum->unknown_ns += phase->shares.unknown_ns;
	}
}
