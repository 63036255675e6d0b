/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a process waits for, as far as its events tell. Pure.
 */
#ifndef _SSHOBS_WHY_H
#define _SSHOBS_WHY_H

#include "spans.h"

/**
 * why_find() - find out why a process waits
 * @replay: the events, gone through up to the moment
 * @actor: the process
 * @time_ns: the moment
 * @connect: out: the connect for WHY_CONNECTED and WHY_CONNECTING, else NULL
 *
 * It follows from what the process is in the middle of, or did last; for one of the
 * server's, else from what any of them did last.
 *
 * Return: the reason; WHY_NOTHING: nothing is known.
 */
enum why why_find(const struct replay *replay, const struct actor *actor, uint64_t time_ns,
		  const struct event **connect);

/**
 * why_is_retried() - whether a process that waits after a connect gets no answer
 * @replay: the events, gone through up to the moment
 * @actor: the process
 *
 * Return: whether it connected to the same peer before, or will do so next.
 */
bool why_is_retried(const struct replay *replay, const struct actor *actor);

#endif /* _SSHOBS_WHY_H */
