/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that is found out about one login: its phases, who explains what of it, and whom to
 * blame. Pure.
 */
#ifndef _SSHOBS_STORY_H
#define _SSHOBS_STORY_H

#include "blame.h"

/**
 * struct story - a login, told
 * @session: the session
 * @login: its phases
 * @spans: who explains what
 * @blames: the culprits, the longest first
 */
struct story {
	const struct session *session;
	struct login login;
	struct spans spans;
	struct blames blames;
};

/**
 * struct totals - where the time of a login went; all in ns, and both sums are the whole
 * @network_ns: the handshake
 * @auth_ns: from the accept queue until the client was let in
 * @session_ns: until the shell was forked
 * @shell_ns: until the prompt
 * @unknown_ns: phases that nothing tells apart
 * @shares: whose time it was
 */
struct totals {
	uint64_t network_ns;
	uint64_t auth_ns;
	uint64_t session_ns;
	uint64_t shell_ns;
	uint64_t unknown_ns;
	struct shares shares;
};

/**
 * story_tell() - find out about a login
 * @model: where it belongs to
 * @session: the session, with its processes and events kept
 * @story: out: story_free() it, whatever this returns
 *
 * Return: 0 or -ENOMEM.
 */
int story_tell(const struct model *model, const struct session *session, struct story *story);

/** story_free() - free what story_tell() made */
void story_free(struct story *story);

/** story_totals() - sum up the phases */
void story_totals(const struct story *story, struct totals *totals);

/** story_ns() - how long the login took */
uint64_t story_ns(const struct story *story);

#endif /* _SSHOBS_STORY_H */
