/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose turn it was while the protocol was in clear text. Pure.
 */
#ifndef _SSHOBS_TURNS_H
#define _SSHOBS_TURNS_H

#include "model.h"

/**
 * struct turn - a time in which the server had to act
 * @start_ns: CLOCK_MONOTONIC time at which a packet of the client had come
 * @end_ns: when the server had read it, and had answered it if it wants an answer
 */
struct turn {
	uint64_t start_ns;
	uint64_t end_ns;
};

/**
 * struct turns - all turns of the server; between them it waited for the client
 * @turns: by @end_ns of what was read; they may overlap
 * @n: how many
 */
struct turns {
	struct turn *turns;
	size_t n;
};

/**
 * turns_find() - find the turns of a session's server
 * @session: the session, with its events kept
 * @turns: out: free() @turns->turns
 *
 * Return: 0 or -ENOMEM.
 */
int turns_find(const struct session *session, struct turns *turns);

/** turns_due() - whether the server had to act at a moment */
bool turns_due(const struct turns *turns, uint64_t time_ns);

#endif /* _SSHOBS_TURNS_H */
