// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "turns.h"

/* Messages 30 to 49 belong to the key exchange method: the client asks, the server answers. */
#define FIRST_OF_METHOD 30
#define LAST_OF_METHOD	49

static bool wants_answer(const struct sshobs_wire *wire)
{
	return !wire->message ||
	       (wire->message >= FIRST_OF_METHOD && wire->message <= LAST_OF_METHOD);
}

/* When the server sent something next; what goes out is told late, so look at all. */
static uint64_t next_out(const struct session *session, uint64_t time_ns)
{
	uint64_t found = 0;
	size_t i;

	for (i = 0; i < session->n_kept; i++) {
		const struct event *event = &session->kept[i];

		if (event->hdr->type != SSHOBS_WIRE || event->wire->direction != SSHOBS_WIRE_OUT)
			continue;
		if (event->wire->net_ns >= time_ns && (!found || event->wire->net_ns < found))
			found = event->wire->net_ns;
	}
	return found;
}

static void add_turn(struct turns *turns, const struct session *session, const struct event *event)
{
	uint64_t read_ns = event->hdr->time_ns;
	uint64_t answered_ns = wants_answer(event->wire) ? next_out(session, read_ns) : 0;
	struct turn *turn = &turns->turns[turns->n++];

	turn->start_ns = event->wire->net_ns < read_ns ? event->wire->net_ns : read_ns;
	turn->end_ns = answered_ns > read_ns ? answered_ns : read_ns;
}

int turns_find(const struct session *session, struct turns *turns)
{
	size_t i;

	turns->n = 0;
	turns->turns = calloc(SSHOBS_WIRE_RECORDS_MAX, sizeof(*turns->turns));
	if (!turns->turns)
		return -ENOMEM;
	for (i = 0; i < session->n_kept && turns->n < SSHOBS_WIRE_RECORDS_MAX; i++) {
		const struct event *event = &session->kept[i];

		if (event->hdr->type == SSHOBS_WIRE && event->wire->direction == SSHOBS_WIRE_IN &&
		    (event->wire->flags & SSHOBS_WIRE_WHOLE))
			add_turn(turns, session, event);
	}
	return 0;
}

bool turns_due(const struct turns *turns, uint64_t time_ns)
{
	size_t i;

	for (i = 0; i < turns->n; i++)
		if (turns->turns[i].start_ns <= time_ns && time_ns < turns->turns[i].end_ns)
			return true;
	return false;
}
